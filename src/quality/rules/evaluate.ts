import { parseNumber } from '../../base/index.ts';
import type { Batch } from '../../tables/index.ts';
import { timeOfText } from '../times.ts';
import type { DataType } from '../schema-types.ts';
import type { Arithmetic, Comparison, Rule } from './parse.ts';

type Value = number | string | boolean;
/** The values of a row by the number of the column in the rule. */
type Row = readonly Value[];
type Evaluate = (row: Row) => Value;

const msOfDay = 86_400_000;

/** A rule that is ready to be asked about rows. Times count in days, so that `end - start <= 30` means days. */
export class RuleCheck {
  readonly #evaluate: Evaluate;
  readonly #types: readonly (DataType | undefined)[];
  readonly #row: Value[] = [];

  constructor(rule: Rule, names: readonly string[], types: readonly (DataType | undefined)[]) {
    this.#types = types;
    this.#evaluate = compile(rule, names);
  }

  /**
   * Whether the rule holds for a row; undefined where it cannot be judged: a value is missing, or is not of the type
   * of its column.
   *
   * @param columns the numbers of `names` in the batch.
   */
  holds(batch: Batch, row: number, columns: readonly number[]): boolean | undefined {
    for (let i = 0; i < columns.length; i++) {
      const value = valueOf(batch, row, columns[i] ?? 0, this.#types[i]);
      if (value === undefined) return undefined;
      this.#row[i] = value;
    }
    return isTrue(this.#evaluate(this.#row));
  }
}

function valueOf(batch: Batch, row: number, column: number, type: DataType | undefined): Value | undefined {
  if (batch.isMissing(row, column)) return undefined;
  if (type === 'string') return batch.text(row, column) ?? undefined;
  if (type === 'integer' || type === 'number' || type === undefined) {
    const number = batch.number(row, column);
    if (!Number.isNaN(number)) return number;
    if (type !== undefined) return undefined;
  }
  if (type === 'date' || type === 'datetime') {
    const day = batch.day(row, column);
    if (!Number.isNaN(day)) return day / msOfDay;
  }
  const cell = batch.cell(row, column);
  if (cell instanceof Date) return cell.getTime() / msOfDay;
  if (typeof cell === 'boolean') return cell;
  const text = batch.text(row, column) ?? '';
  if (type === 'boolean') return /^(?:true|false)$/i.test(text) ? text.toLowerCase() === 'true' : undefined;
  if (type === undefined) return text;
  const time = timeOfText(text, type === 'date');
  return Number.isNaN(time) ? undefined : time / msOfDay;
}

function compile(rule: Rule, names: readonly string[]): Evaluate {
  switch (rule.kind) {
    case 'value': {
      const { value } = rule;
      return () => value;
    }
    case 'column': {
      const index = names.indexOf(rule.name);
      return (row) => row[index] ?? Number.NaN;
    }
    case 'not': {
      const of = compile(rule.of, names);
      return (row) => !isTrue(of(row));
    }
    case 'minus': {
      const of = compile(rule.of, names);
      return (row) => -numberOf(of(row));
    }
    case 'and':
    case 'or': {
      const left = compile(rule.left, names);
      const right = compile(rule.right, names);
      return rule.kind === 'and'
        ? (row) => isTrue(left(row)) && isTrue(right(row))
        : (row) => isTrue(left(row)) || isTrue(right(row));
    }
    case 'arithmetic': {
      const left = compile(rule.left, names);
      const right = compile(rule.right, names);
      const apply = arithmetic[rule.operator];
      return (row) => apply(numberOf(left(row)), numberOf(right(row)));
    }
    case 'compare': {
      const left = compile(rule.left, names);
      const right = compile(rule.right, names);
      const { operator } = rule;
      return (row) => compares(operator, left(row), right(row));
    }
  }
}

const arithmetic: Readonly<Record<Arithmetic, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
};

function isTrue(value: Value): boolean {
  return typeof value === 'number' ? value !== 0 && !Number.isNaN(value) : value === true || value === 'true';
}

function numberOf(value: Value): number {
  if (typeof value === 'string') return parseNumber(value) ?? timeOfText(value, false) / msOfDay;
  return Number(value);
}

function compares(operator: Comparison, left: Value, right: Value): boolean {
  if (typeof left === 'string' && typeof right === 'string') return compareTexts(operator, left, right);
  if (typeof left === 'boolean' && typeof right === 'string')
    return ordered(operator, String(left), right.toLowerCase());
  if (typeof right === 'boolean' && typeof left === 'string')
    return ordered(operator, left.toLowerCase(), String(right));
  // A text beside a number stands for the number or the time that it spells.
  return ordered(operator, numberOf(left), numberOf(right));
}

/** Texts that both spell a time are compared as times: one may have a time of day or a zone. */
function compareTexts(operator: Comparison, left: string, right: string): boolean {
  const [first, second] = [timeOfText(left, false), timeOfText(right, false)];
  if (Number.isNaN(first) || Number.isNaN(second)) return ordered(operator, left, right);
  return ordered(operator, first, second);
}

function ordered<Kind extends number | string>(operator: Comparison, left: Kind, right: Kind): boolean {
  switch (operator) {
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
    case '==':
      return left === right;
    case '!=':
      return left !== right;
  }
}
