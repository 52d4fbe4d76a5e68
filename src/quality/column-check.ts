import { characterCount } from '../base/index.ts';
import { CellHash, type Batch } from '../tables/index.ts';
import { DuplicateFinder } from './keys.ts';
import { expectation, Tally, type Expectation } from './result.ts';
import { boundOf, type ColumnSchema } from './schema.ts';
import type { Scalar } from './schema-types.ts';
import type { TextJudge } from './texts/judges.ts';
import { timeOfText } from './times.ts';

export interface ColumnOptions {
  /** Cells are texts that may spell numbers and truths. */
  readonly csv: boolean;
  readonly judges: readonly TextJudge[];
}

const msOfDay = 86_400_000;

type Tallies = Readonly<
  Record<'nullable' | 'type' | 'min' | 'max' | 'values' | TextJudge['name'] | 'length' | 'order', Tally>
>;

/**
 * Checks the values of one column, as they come by. A missing value is judged by `nullable` alone, a value that is not
 * of the type by `type` and by what concerns it as a text.
 */
export class ColumnCheck {
  readonly name: string;
  readonly numeric: boolean;
  readonly #spec: ColumnSchema;
  readonly #csv: boolean;
  readonly #judges: readonly TextJudge[];
  readonly #timed: boolean;
  readonly #low: number | undefined;
  readonly #high: number | undefined;
  readonly #allowed: Allowed | undefined;
  readonly #isText: boolean;
  readonly #least: number;
  readonly #most: number;
  /** Values are neither held against bounds nor against each other. */
  readonly #isUncompared: boolean;
  #rows = 0;
  #previous: number | string | undefined;
  readonly #hash = new CellHash();
  readonly #duplicates: DuplicateFinder | undefined;
  readonly #tallies: Tallies = {
    nullable: new Tally(),
    type: new Tally(),
    min: new Tally(),
    max: new Tally(),
    values: new Tally(),
    regex: new Tally(),
    script: new Tally(),
    mixed_scripts: new Tally(),
    encoding: new Tally(),
    length: new Tally(),
    order: new Tally(),
  };

  constructor(name: string, spec: ColumnSchema, { csv, judges }: ColumnOptions) {
    const { type, min, max, values } = spec;
    this.name = name;
    this.numeric = type === 'integer' || type === 'number' || (type === undefined && typeof (min ?? max) === 'number');
    this.#spec = spec;
    this.#csv = csv;
    this.#judges = judges;
    this.#timed = type === 'date' || type === 'datetime';
    this.#low = min === undefined ? undefined : boundOf(min, type);
    this.#high = max === undefined ? undefined : boundOf(max, type);
    this.#allowed = values === undefined ? undefined : new Allowed(values, csv);
    const { min_length: least, max_length: most } = spec;
    this.#isUncompared = min === undefined && max === undefined && spec.order === undefined;
    this.#least = spec.min_length ?? 0;
    this.#most = spec.max_length ?? Infinity;
    this.#isText = judges.length > 0 || least !== undefined || most !== undefined;
    this.#duplicates = spec.unique ? new DuplicateFinder() : undefined;
  }

  /** @param column its number in the batch; -1 where rows lack it. */
  see(batch: Batch, column: number): void {
    this.#rows += batch.rows;
    if (column < 0) {
      for (let row = 0; row < batch.rows; row++) this.#miss(batch, row);
      return;
    }
    const { type, order } = this.#spec;
    const alone = order === undefined && this.#duplicates === undefined;
    const plain = alone && !this.#isText && this.#allowed === undefined;
    if (plain && (type === 'integer' || type === 'number')) this.#seeNumbers(batch, column);
    else if (plain && this.#timed) this.#seeDays(batch, column);
    else if (alone && this.#csv && this.#isUncompared && (type === 'string' || type === undefined)) {
      this.#seeTexts(batch, column);
    } else for (let row = 0; row < batch.rows; row++) this.#seeCell(batch, row, column);
  }

  /** The most common case, without the questions of the others. */
  #seeNumbers(batch: Batch, column: number): void {
    const low = this.#low ?? -Infinity;
    const high = this.#high ?? Infinity;
    const whole = this.#spec.type === 'integer';
    for (let row = 0; row < batch.rows; row++) {
      const value = batch.number(row, column);
      if (value >= low && value <= high && (!whole || Number.isInteger(value))) continue;
      this.#seeCell(batch, row, column);
    }
  }

  #seeDays(batch: Batch, column: number): void {
    const low = this.#low ?? -Infinity;
    const high = this.#high ?? Infinity;
    const whole = this.#spec.type === 'date';
    for (let row = 0; row < batch.rows; row++) {
      const value = batch.day(row, column);
      if (!(value >= low && value <= high && (!whole || value % msOfDay === 0))) this.#seeCell(batch, row, column);
    }
  }

  #seeTexts(batch: Batch, column: number): void {
    if (
      !this.#isText &&
      this.#allowed === undefined &&
      this.#spec.nullable !== false &&
      this.#spec.max_missing === undefined
    )
      return;
    for (let row = 0; row < batch.rows; row++) {
      if (batch.isMissing(row, column)) this.#miss(batch, row);
      else this.#judgeText(batch, row, column);
    }
  }

  #miss(batch: Batch, row: number): void {
    this.#tallies.nullable.addMissing(batch, row);
  }

  #seeCell(batch: Batch, row: number, column: number): void {
    if (batch.isMissing(row, column)) {
      this.#miss(batch, row);
      return;
    }
    const { type } = this.#spec;
    const value = this.#valueOf(batch, row, column);
    // `nan` is how a number that is missing is written.
    if (this.numeric && typeof value !== 'number' && isNan(batch, row, column)) {
      this.#miss(batch, row);
      return;
    }
    if (value === undefined) this.#add('type', batch, row, column);
    else if (type === 'integer' && !Number.isInteger(value)) this.#add('type', batch, row, column);
    this.#judgeText(batch, row, column);
    if (value !== undefined) this.#judgeValue(value, batch, row, column);
    if (this.#duplicates !== undefined) this.#key(value, batch, row, column);
  }

  #add(name: keyof Tallies, batch: Batch, row: number, column: number): void {
    this.#tallies[name].add(batch, row, column, this.numeric);
  }

  /** What is compared: a number, a time in milliseconds, or a text; undefined where the cell is not of the type. */
  #valueOf(batch: Batch, row: number, column: number): number | string | undefined {
    const { type } = this.#spec;
    if (this.numeric) {
      const number = batch.number(row, column);
      if (!Number.isNaN(number)) return number;
      return type === undefined ? (batch.text(row, column) ?? undefined) : undefined;
    }
    if (this.#csv && type === 'string' && this.#isUncompared) return '';
    if (this.#timed) {
      const day = batch.day(row, column);
      if (!Number.isNaN(day) && (type === 'datetime' || day % msOfDay === 0)) return day;
    }
    const cell = batch.cell(row, column);
    if (type === 'boolean') {
      return typeof cell === 'boolean' || (this.#csv && typeof cell === 'string' && isTruth(cell))
        ? String(cell).toLowerCase()
        : undefined;
    }
    if (cell instanceof Date) {
      const time = cell.getTime();
      return type === 'string' || (type === 'date' && time % msOfDay !== 0) ? undefined : time;
    }
    if (this.#timed) {
      const time = typeof cell === 'string' ? timeOfText(cell, type === 'date') : Number.NaN;
      return Number.isNaN(time) ? undefined : time;
    }
    if (type === 'string') return typeof cell === 'string' ? cell : undefined;
    if (this.#isUncompared) return '';
    const number = batch.number(row, column);
    if (!Number.isNaN(number)) return number;
    const text = batch.text(row, column) ?? '';
    const time = timeOfText(text, false);
    return Number.isNaN(time) ? text : time;
  }

  #judgeText(batch: Batch, row: number, column: number): void {
    if (this.#allowed?.has(batch, row, column) === false) this.#add('values', batch, row, column);
    if (!this.#isText) return;
    const text = batch.text(row, column) ?? '';
    for (const judge of this.#judges) if (!judge.holds(text)) this.#add(judge.name, batch, row, column);
    const least = this.#least;
    const most = this.#most;
    // A character takes one or two units.
    if (text.length <= most && text.length >= 2 * least) return;
    const length = characterCount(text);
    if (length < least || length > most) this.#add('length', batch, row, column);
  }

  #judgeValue(value: number | string, batch: Batch, row: number, column: number): void {
    const { min, max, order } = this.#spec;
    if (min !== undefined && !isAtLeast(value, this.#low ?? min)) this.#add('min', batch, row, column);
    if (max !== undefined && !isAtMost(value, this.#high ?? max)) this.#add('max', batch, row, column);
    if (order === undefined) return;
    const previous = this.#previous;
    this.#previous = value;
    if (previous === undefined || typeof previous !== typeof value) return;
    if (order === 'increasing' ? value < previous : value > previous) this.#add('order', batch, row, column);
  }

  #key(value: number | string | undefined, batch: Batch, row: number, column: number): void {
    this.#hash.start();
    if (this.numeric && typeof value === 'number') this.#hash.addNumber(value);
    else batch.hash(row, column, this.#hash);
    this.#duplicates?.add(this.#hash, batch.line(row));
  }

  /** @param valuesAt gives the cells of the column on some lines. */
  async finish(valuesAt: (lines: readonly number[]) => Promise<readonly unknown[]>): Promise<Expectation[]> {
    const { type, nullable, max_missing: mostMissing, min, max, values, order, unique } = this.#spec;
    const { min_length: least, max_length: most } = this.#spec;
    const rows = this.#rows;
    const found: Expectation[] = [];
    const put = (name: keyof Tallies, expected: string): void => {
      const { count, failing } = this.#tallies[name];
      found.push(expectation(name, this.name, expected, { elements: rows, unexpected: count, failing }));
    };
    if (type !== undefined) put('type', type);
    if (nullable === false || mostMissing !== undefined) {
      const { count, failing } = this.#tallies.nullable;
      const allowed = nullable === false ? 0 : (mostMissing ?? 0) >= 1 ? (mostMissing ?? 0) : (mostMissing ?? 0) * rows;
      const expected = nullable === false ? 'no missing values' : `at most ${mostMissing} missing`;
      found.push(
        expectation('nullable', this.name, expected, {
          elements: rows,
          unexpected: count,
          failing,
          success: count <= allowed,
        }),
      );
    }
    if (min !== undefined) put('min', `at least ${String(min)}`);
    if (max !== undefined) put('max', `at most ${String(max)}`);
    if (values !== undefined) put('values', `one of ${shortList(values)}`);
    for (const judge of this.#judges) put(judge.name, judge.expected);
    if (least !== undefined || most !== undefined)
      put('length', `${least ?? 0} to ${most ?? 'any number of'} characters`);
    if (order !== undefined) put('order', order);
    if (unique && this.#duplicates !== undefined) {
      const { count, lines } = this.#duplicates.find();
      const cells = await valuesAt(lines);
      const failing = lines.map((line, i) => ({ line, value: cells[i] ?? null }));
      found.push(expectation('unique', this.name, 'no value twice', { elements: rows, unexpected: count, failing }));
    }
    return found;
  }

  close(): void {
    this.#duplicates?.close();
  }
}

/** The values that a column may have. */
class Allowed {
  readonly #texts = new Set<string>();
  readonly #numbers = new Set<number>();
  readonly #csv: boolean;
  readonly #hasNumbers: boolean;

  constructor(values: readonly Scalar[], csv: boolean) {
    this.#csv = csv;
    for (const value of values) {
      if (typeof value === 'number') this.#numbers.add(value);
      else this.#texts.add(String(value));
      if (typeof value === 'boolean' && csv) {
        const text = String(value);
        this.#texts.add(text.toUpperCase()).add(text.charAt(0).toUpperCase() + text.slice(1));
      }
    }
    this.#hasNumbers = this.#numbers.size > 0;
  }

  has(batch: Batch, row: number, column: number): boolean {
    if (this.#hasNumbers && this.#numbers.has(batch.number(row, column))) return true;
    if (this.#texts.size === 0) return false;
    const cell = this.#csv ? batch.text(row, column) : batch.cell(row, column);
    return typeof cell === 'number' ? this.#texts.has(String(cell)) : this.#texts.has(String(batch.text(row, column)));
  }
}

function isNan(batch: Batch, row: number, column: number): boolean {
  return /^\s*[+-]?nan\s*$/i.test(batch.text(row, column) ?? '');
}

export function isTruth(text: string): boolean {
  if (text === 'true' || text === 'false') return true;
  return /^(?:true|false)$/i.test(text);
}

/** Different kinds don't compare. */
function isAtLeast(value: number | string, bound: Scalar): boolean {
  return typeof value === typeof bound && value >= bound;
}

function isAtMost(value: number | string, bound: Scalar): boolean {
  return typeof value === typeof bound && value <= bound;
}

function shortList(values: readonly Scalar[]): string {
  const shown = values.slice(0, 5).map(String).join(', ');
  return values.length > 5 ? `${shown} and ${values.length - 5} more` : shown;
}
