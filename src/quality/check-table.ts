import { didYouMean, isMlopsError } from '../base/index.ts';
import type { DriftReport } from '../monitor/index.ts';
import type { Batch, Table } from '../tables/index.ts';
import { ColumnCheck } from './column-check.ts';
import { driftExpectations } from './drift-result.ts';
import { expectation, shownCell, type Expectation, type FileResult } from './result.ts';
import { isNumeric, type CellsAt, type RowCheck, type Types } from './row-check.ts';
import { KeyCheck, LeakageCheck, UniqueRows } from './row-keys.ts';
import { BalanceCheck, FreshnessCheck, RuleRows } from './row-values.ts';
import { textJudges } from './texts/judges.ts';
import { schemaError, type ColumnSchema, type DataSchema } from './schema.ts';

export interface CheckOptions {
  /** For `freshness`, in milliseconds since the epoch. */
  readonly now: number;
  /** Opens the table that `leakage.against` names. */
  readonly openOther: (name: string) => Promise<Table>;
  /** Compares the table with what `drift` names. */
  readonly compare: (drift: NonNullable<DataSchema['drift']>) => Promise<DriftReport>;
  /** Told how many rows were read. */
  readonly onRows?: ((rows: number) => void) | undefined;
}

/**
 * Checks a table against a schema, in one pass and bounded memory (what is compared between rows goes to a file where
 * it grows). What cannot be read is part of the result.
 *
 * @throws MlopsError `bad_settings` for a rule, key or expression that names no column of the table or cannot be used;
 *   `table_missing`.
 */
export async function checkTable(table: Table, schema: DataSchema, options: CheckOptions): Promise<FileResult> {
  const checker = await TableChecker.open(table, schema, options);
  try {
    const expectations = await checker.check();
    return {
      file: table.name,
      success: expectations.every((one) => one.success),
      rows: checker.rows,
      expectations,
    };
  } catch (error) {
    if (!isMlopsError(error, 'bad_table')) throw error;
    const { message, hint, data } = error;
    const line = typeof data?.['line'] === 'number' ? { line: data['line'] } : {};
    const told = { message, ...line, ...(hint === undefined ? {} : { hint }) };
    return { file: table.name, success: false, rows: checker.rows, expectations: [], error: told };
  } finally {
    checker.close();
  }
}

class TableChecker {
  rows = 0;
  readonly #table: Table;
  readonly #schema: DataSchema;
  readonly #options: CheckOptions;
  readonly #types: Types;
  readonly #columns: readonly ColumnCheck[];
  readonly #rowChecks: RowCheck[] = [];
  #leakage: { readonly check: LeakageCheck; readonly other: Table } | undefined;
  /** Columns that were seen, in order. */
  #names: readonly string[] = [];
  /** Where the columns of each check are, in the batches that have `#names`. */
  #places: readonly (readonly number[])[] = [];

  private constructor(table: Table, schema: DataSchema, options: CheckOptions, columns: readonly ColumnCheck[]) {
    this.#table = table;
    this.#schema = schema;
    this.#options = options;
    this.#columns = columns;
    this.#types = new Map([...(schema.columns ?? [])].map(([name, { type }]) => [name, type]));
  }

  static async open(table: Table, schema: DataSchema, options: CheckOptions): Promise<TableChecker> {
    const csv = table.format === 'csv';
    const checks: ColumnCheck[] = [];
    for (const [name, spec] of schema.columns ?? new Map<string, ColumnSchema>()) {
      checks.push(new ColumnCheck(name, spec, { csv, judges: await textJudges(spec, name) }));
    }
    return new TableChecker(table, schema, options, checks);
  }

  async check(): Promise<Expectation[]> {
    this.#addRowChecks();
    let first = true;
    for await (const batch of this.#table.batches()) {
      if (first && this.#schema.leakage !== undefined) await this.#addLeakage(this.#schema.leakage, batch.columns);
      if (first || batch.columns.length !== this.#names.length) this.#place(batch.columns);
      first = false;
      this.#see(batch);
      this.rows += batch.rows;
      this.#options.onRows?.(this.rows);
    }
    for (const check of this.#rowChecks) this.#requireColumns(check);
    if (this.#leakage !== undefined) {
      const { check, other } = this.#leakage;
      for await (const batch of other.batches({ columns: new Set(check.names) })) check.seeOther(batch);
    }
    return this.#finish();
  }

  #addRowChecks(): void {
    const { rows, keys, rules, freshness, balance, columns } = this.#schema;
    const types = this.#types;
    if (rows?.unique === true) this.#rowChecks.push(new UniqueRows(types));
    for (const key of keys ?? []) this.#rowChecks.push(new KeyCheck(key, types));
    for (const rule of rules ?? []) this.#rowChecks.push(new RuleRows(rule, types));
    if (freshness !== undefined) {
      this.#rowChecks.push(new FreshnessCheck(freshness.column, freshness.max_age, this.#options.now));
    }
    if (balance !== undefined) {
      const known = (columns?.get(balance.column)?.values ?? []).map(String);
      this.#rowChecks.push(new BalanceCheck(balance.column, balance.min_share, known));
    }
  }

  async #addLeakage(leakage: NonNullable<DataSchema['leakage']>, columns: readonly string[]): Promise<void> {
    const other = await this.#options.openOther(leakage.against);
    const theirs = await columnNames(other);
    const names = leakage.keys ?? columns.filter((name) => theirs.includes(name));
    const lacking = names.find((name) => !theirs.includes(name));
    if (lacking !== undefined) {
      throw schemaError(`leakage: '${leakage.against}' has no column '${lacking}'`, didYouMean(lacking, theirs));
    }
    if (names.length === 0) throw schemaError(`leakage: '${leakage.against}' has no column of '${this.#table.name}'`);
    const check = new LeakageCheck(names, this.#types, leakage.against);
    this.#leakage = { check, other };
    this.#rowChecks.push(check);
  }

  #place(columns: readonly string[]): void {
    this.#names = columns;
    this.#places = this.#rowChecks.map(({ names }) => (names ?? []).map((name) => columns.indexOf(name)));
  }

  #see(batch: Batch): void {
    for (const check of this.#columns) check.see(batch, this.#names.indexOf(check.name));
    for (const [index, check] of this.#rowChecks.entries()) check.see(batch, this.#places[index] ?? []);
  }

  /** A column that the schema describes and the table lacks fails as such; what nobody knows is a slip of the pen. */
  #requireColumns({ names = [] }: RowCheck): void {
    const unknown = names.find((name) => !this.#names.includes(name) && !this.#types.has(name));
    if (unknown === undefined) return;
    throw schemaError(
      `'${this.#table.name}' has no column '${unknown}', which the schema asks about`,
      didYouMean(unknown, this.#names) ?? `its columns: ${this.#names.slice(0, 20).join(', ')}`,
    );
  }

  async #finish(): Promise<Expectation[]> {
    const found: Expectation[] = [];
    const cellsAt: CellsAt = (lines, names) => this.#cellsAt(lines, names);
    for (const check of this.#columns) {
      const exists = this.#names.includes(check.name);
      const unexpected = exists ? 0 : 1;
      found.push(expectation('column_exists', check.name, 'a column of this name', { elements: 1, unexpected }));
      if (!exists) continue;
      const cells = await check.finish(async (lines) => (await cellsAt(lines, [check.name])).map(([cell]) => cell));
      found.push(...cells);
    }
    found.push(...this.#rowCount());
    for (const check of this.#rowChecks) {
      if (check.names?.some((name) => !this.#names.includes(name)) !== true) {
        found.push(await check.finish(this.rows, cellsAt));
      }
    }
    const { drift } = this.#schema;
    if (drift !== undefined) found.push(...driftExpectations(await this.#options.compare(drift)));
    return found;
  }

  #rowCount(): Expectation[] {
    const { min, max } = this.#schema.rows ?? {};
    if (min === undefined && max === undefined) return [];
    const isRight = this.rows >= (min ?? 0) && this.rows <= (max ?? Infinity);
    const words = [...(min === undefined ? [] : [`at least ${min}`]), ...(max === undefined ? [] : [`at most ${max}`])];
    return [
      expectation('row_count', null, `${words.join(', ')} rows`, {
        elements: this.rows,
        unexpected: isRight ? 0 : 1,
        observed: this.rows,
      }),
    ];
  }

  /** Reads the table again, as far as the last of the lines. */
  async #cellsAt(lines: readonly number[], names: readonly string[]): Promise<unknown[][]> {
    const wanted = new Map(lines.map((line, index) => [line, index]));
    const found: unknown[][] = lines.map(() => []);
    if (lines.length === 0) return found;
    const numeric = names.map((name) => isNumeric(this.#types.get(name)));
    let left = wanted.size;
    for await (const batch of this.#table.batches({ columns: new Set(names) })) {
      const columns = names.map((name) => batch.columns.indexOf(name));
      for (let row = 0; row < batch.rows && left > 0; row++) {
        const index = wanted.get(batch.line(row));
        if (index === undefined) continue;
        left--;
        found[index] = columns.map((column, i) =>
          column < 0 ? null : shownCell(batch, row, column, numeric[i] === true),
        );
      }
      if (left === 0) break;
    }
    return found;
  }

  close(): void {
    for (const check of this.#columns) check.close();
    for (const check of this.#rowChecks) check.close?.();
  }
}

async function columnNames(table: Table): Promise<readonly string[]> {
  for await (const batch of table.batches()) return batch.columns;
  return [];
}
