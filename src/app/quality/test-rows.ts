import * as path from 'node:path';

import { didYouMean, MlopsError } from '../../base/index.ts';
import { ModelScore, type Judged } from '../../monitor/index.ts';
import { loadColumns, openTable, type Column } from '../../tables/index.ts';
import type { ModelVersion } from '../../mlflow/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { VersionRunner, type TestRows } from './version-runner.ts';

/** Versions that are loaded and tables that are read, once for all gates. */
export class TestBench {
  readonly #store: TrackingStore;
  readonly #folder: string;
  readonly slices: ReadonlySet<string>;
  readonly #runners = new Map<string, Promise<VersionRunner>>();
  readonly #tables = new Map<string, Promise<TestRows>>();
  readonly #judged = new Map<string, Promise<Judged[]>>();

  /** @param slices columns by which results are told apart. */
  constructor(store: TrackingStore, folder: string, slices: ReadonlySet<string>) {
    this.#store = store;
    this.#folder = folder;
    this.slices = slices;
  }

  runner(version: ModelVersion): Promise<VersionRunner> {
    const key = `${version.name}/${version.version}`;
    const known = this.#runners.get(key) ?? VersionRunner.open(this.#store, version);
    this.#runners.set(key, known);
    return known;
  }

  /** @throws MlopsError `table_missing`, `bad_table`. */
  rows(file: string): Promise<TestRows> {
    const known = this.#tables.get(file) ?? loadColumns(openTable(path.resolve(this.#folder, file), { name: file }));
    this.#tables.set(file, known);
    return known;
  }

  /** The target of a table beside what a version says of its rows; rows without a target are left out. */
  async judged(version: ModelVersion, file: string, target: string): Promise<Judged[]> {
    const key = [version.name, version.version, file, target].join('\n');
    const known = this.#judged.get(key) ?? this.#judge(version, file, target);
    this.#judged.set(key, known);
    return known;
  }

  async #judge(version: ModelVersion, file: string, target: string): Promise<Judged[]> {
    const rows = await this.rows(file);
    const truth = requireColumn(rows, target, file);
    const runner = await this.runner(version);
    const answers = await runner.predict(rows, target, this.slices);
    const judged = answers.map((answer, row): Judged => ({ truth: valueAt(truth, row) ?? '', ...answer }));
    return asClasses(judged).filter((_, row) => valueAt(truth, row) !== undefined);
  }

  async close(): Promise<void> {
    for (const runner of this.#runners.values()) await runner.then((one) => one.close()).catch(() => undefined);
  }
}

export function requireColumn(rows: TestRows, name: string, file: string): Column {
  const column = rows.get(name);
  if (column !== undefined) return column;
  throw new MlopsError('bad_settings', `'${file}' has no column '${name}', which gates.yaml asks about`, {
    hint: didYouMean(name, rows.keys()) ?? `columns: ${[...rows.keys()].slice(0, 20).join(', ')}`,
  });
}

export function valueAt(column: Column, row: number): string | number | undefined {
  if (column.kind === 'category') return column.categories[column.codes[row] ?? -1];
  const value = column.values[row];
  return value === undefined || Number.isNaN(value) ? undefined : value;
}

/** A probability alone, where the truth is 0 or 1, is the score of class 1. */
function asClasses(rows: readonly Judged[]): readonly Judged[] {
  const isBinary = rows.every(({ truth }) => truth === 0 || truth === 1 || truth === '');
  const isShare = rows.every(
    ({ predicted, scores }) =>
      scores === undefined && typeof predicted === 'number' && predicted >= 0 && predicted <= 1,
  );
  const isScore = isShare && rows.some(({ predicted }) => !Number.isInteger(predicted));
  if (!isBinary || !isScore) return rows;
  return rows.map((row) => {
    const score = Number(row.predicted);
    return { ...row, predicted: Number(score >= 0.5), scores: { 0: 1 - score, 1: score } };
  });
}

export function scoreOf(metric: string, rows: readonly Judged[], all: readonly Judged[] = rows): ModelScore {
  return new ModelScore(
    metric,
    rows,
    all.flatMap(({ truth, predicted }) => [String(truth), String(predicted)]),
  );
}
