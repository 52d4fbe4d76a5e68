import type { Batch } from '../tables/index.ts';
import { expectation, mostFailing, Tally, type Expectation, type Failing } from './result.ts';
import { isNumeric, type RowCheck, type Types } from './row-check.ts';
import { RuleCheck } from './rules/evaluate.ts';
import { columnsOf, parseRule } from './rules/parse.ts';
import { timeOfText } from './times.ts';

/** A condition on the columns of a row. */
export class RuleRows implements RowCheck {
  readonly names: readonly string[];
  readonly #text: string;
  readonly #check: RuleCheck;
  readonly #types: Types;
  readonly #tally = new Tally();

  constructor(text: string, types: Types) {
    const rule = parseRule(text);
    this.#text = text;
    this.names = columnsOf(rule);
    this.#types = types;
    this.#check = new RuleCheck(
      rule,
      this.names,
      this.names.map((name) => types.get(name)),
    );
  }

  see(batch: Batch, columns: readonly number[]): void {
    if (columns.includes(-1)) return;
    for (let row = 0; row < batch.rows; row++) {
      if (this.#check.holds(batch, row, columns) !== false) continue;
      this.#tally.addRow(batch, row, columns, this.names, (name) => isNumeric(this.#types.get(name)));
    }
  }

  finish(rows: number): Expectation {
    const { count, failing } = this.#tally;
    return expectation('rule', this.names, this.#text, { elements: rows, unexpected: count, failing });
  }
}

/** How old the newest time of a column is. */
export class FreshnessCheck implements RowCheck {
  readonly names: readonly string[];
  readonly #maxAge: number;
  readonly #now: number;
  #newest = -Infinity;
  #line: number | null = null;

  constructor(column: string, maxAge: number, now: number) {
    this.names = [column];
    this.#maxAge = maxAge;
    this.#now = now;
  }

  see(batch: Batch, [column = -1]: readonly number[]): void {
    if (column < 0) return;
    for (let row = 0; row < batch.rows; row++) {
      const cell = batch.cell(row, column);
      const time = cell instanceof Date ? cell.getTime() : timeOfText(batch.text(row, column) ?? '', false);
      if (!(time > this.#newest)) continue;
      this.#newest = time;
      this.#line = batch.line(row);
    }
  }

  finish(rows: number): Expectation {
    const [name = ''] = this.names;
    const isFresh = this.#now - this.#newest <= this.#maxAge;
    const newest = Number.isFinite(this.#newest) ? new Date(this.#newest).toISOString() : null;
    return expectation('freshness', name, `newest at most ${ageWords(this.#maxAge)} old`, {
      elements: rows,
      unexpected: isFresh ? 0 : 1,
      failing: isFresh || this.#line === null ? [] : [{ line: this.#line, value: newest }],
      observed: newest,
    });
  }
}

function ageWords(ms: number): string {
  if (ms % 86_400_000 === 0) return `${ms / 86_400_000} d`;
  return ms % 3_600_000 === 0 ? `${ms / 3_600_000} h` : `${Math.round(ms / 1000)} s`;
}

/** Classes of a column, none of which may be rare. */
export class BalanceCheck implements RowCheck {
  readonly names: readonly string[];
  readonly #least: number;
  readonly #classes = new Map<string, { count: number; readonly lines: number[] }>();
  #seen = 0;
  #others = 0;

  /** @param known classes that the schema names: one without rows is rare too. */
  constructor(column: string, least: number, known: readonly string[]) {
    this.names = [column];
    this.#least = least;
    for (const name of known) this.#classes.set(name, { count: 0, lines: [] });
  }

  see(batch: Batch, [column = -1]: readonly number[]): void {
    if (column < 0) return;
    for (let row = 0; row < batch.rows; row++) {
      const name = batch.text(row, column);
      if (name === null) continue;
      this.#seen++;
      let found = this.#classes.get(name);
      if (found === undefined) {
        // With so many classes each further one is rare.
        if (this.#classes.size >= 100_000) {
          this.#others++;
          continue;
        }
        found = { count: 0, lines: [] };
        this.#classes.set(name, found);
      }
      found.count++;
      if (found.lines.length < mostFailing) found.lines.push(batch.line(row));
    }
  }

  finish(): Expectation {
    const [column = ''] = this.names;
    const isRare = (count: number): boolean => count < this.#least * this.#seen || (count === 0 && this.#least > 0);
    const rare = [...this.#classes].filter(([, { count }]) => isRare(count));
    const failing = rare
      .flatMap(([value, { lines }]): Failing[] =>
        lines.length === 0 ? [{ line: null, value }] : lines.map((line) => ({ line, value })),
      )
      .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))
      .slice(0, mostFailing);
    const shares = [...this.#classes]
      .toSorted(([, a], [, b]) => a.count - b.count)
      .slice(0, mostFailing)
      .map(([name, { count }]): [string, number] => [name, this.#seen === 0 ? 0 : count / this.#seen]);
    return expectation('balance', column, `each class at least ${+(100 * this.#least).toPrecision(6)} %`, {
      elements: this.#seen,
      unexpected: rare.reduce((sum, [, { count }]) => sum + count, this.#others),
      failing,
      success: rare.length === 0 && this.#others === 0,
      observed: Object.fromEntries(shares),
    });
  }
}
