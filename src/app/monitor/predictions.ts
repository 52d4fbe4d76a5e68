import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { isMlopsError, MlopsError, parseNumber } from '../../base/index.ts';
import {
  bucketStarts,
  estimatePerformance,
  isSelected,
  performanceOf,
  readEntries,
  readLabels,
  SegmentWriter,
  toEntry,
  toFeedback,
  type Entry,
  type Estimate,
  type Performance,
  type PerformanceOptions,
  type Reference,
  type Selection,
  type StatsOptions,
} from '../../monitor/index.ts';
import { openTable, type Batch, type Cell } from '../../tables/index.ts';

type Row = Record<string, unknown>;

/** A file of records, or what comes on stdin. */
export interface RecordsInput {
  readonly file: string | undefined;
  readonly stdin: AsyncIterable<Buffer | string>;
  readonly cwd: string;
}

/**
 * Takes predictions of a file (CSV, JSON lines, Parquet) into the log; all of them or, where one is broken, none.
 * @returns how many.
 * @throws MlopsError `bad_table` naming the line.
 */
export function logPredictions(log: string, input: RecordsInput, model: string | undefined): Promise<number> {
  const now = Date.now();
  return takeRecords(log, input, (row, writer) => {
    writer.prediction(toEntry(row, { id: randomUUID, now: () => now, model }));
  });
}

/** The same for labels: `id`, `label` or `reward`, and `at`. */
export function logLabels(log: string, input: RecordsInput): Promise<number> {
  const now = Date.now();
  return takeRecords(log, input, (row, writer) => writer.feedback(toFeedback(row, () => now)));
}

async function takeRecords(
  log: string,
  input: RecordsInput,
  take: (row: Row, writer: SegmentWriter) => void,
): Promise<number> {
  const { file, close } = await fileOf(input);
  try {
    const name = input.file ?? 'stdin';
    const table = openTable(file, { name, path: input.file ?? file });
    const writer = new SegmentWriter(log);
    let count = 0;
    try {
      for await (const batch of table.batches()) {
        for (let row = 0; row < batch.rows; row++) {
          takeRow(batch, row, name, (fields) => take(fields, writer));
          count++;
        }
      }
    } catch (error) {
      writer.discard();
      throw error;
    }
    if (count === 0) writer.discard();
    else writer.finish();
    return count;
  } finally {
    close();
  }
}

function takeRow(batch: Batch, row: number, name: string, take: (fields: Row) => void): void {
  try {
    take(fieldsOf(batch, row));
  } catch (error) {
    if (!isMlopsError(error, 'invalid_value')) throw error;
    const line = batch.line(row);
    throw new MlopsError('bad_table', `'${name}' line ${line}: ${error.message}; nothing of it was taken`, {
      data: { file: name, line },
      cause: error,
    });
  }
}

/** `inputs.NAME` and `scores.LABEL` become objects; in CSV what reads as a number is one, but for texts by nature. */
function fieldsOf(batch: Batch, row: number): Row {
  const fields: Row = {};
  for (const [column, name] of batch.columns.entries()) {
    const cell = batch.cell(row, column);
    const [, group, key] = /^(inputs|scores)\.(.+)$/s.exec(name) ?? [];
    if (group !== undefined && key !== undefined) {
      const value = typedCell(cell, group === 'scores' ? 'score' : name);
      // An input that is missing is still an input.
      if (value !== null || group === 'inputs') ((fields[group] ??= {}) as Row)[key] = value;
    } else if (cell !== null) fields[name] = typedCell(cell, name);
  }
  return fields;
}

const textFields = new Set(['id', 'prediction_id', 'model', 'version', 'error']);

function typedCell(cell: Cell, name: string): Cell {
  if (typeof cell !== 'string' || textFields.has(name)) return cell;
  return parseNumber(cell) ?? cell;
}

/** What comes on stdin is kept in a file while it is read: its format shows in its first bytes. */
async function fileOf({ file, stdin, cwd }: RecordsInput): Promise<{ file: string; close: () => void }> {
  if (file !== undefined) return { file: path.resolve(cwd, file), close: () => undefined };
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-records-'));
  const made = path.join(folder, 'stdin');
  await fs.promises.writeFile(made, stdin);
  return { file: made, close: () => fs.rmSync(folder, { recursive: true, force: true }) };
}

/** What is known of each bucket or version, where that was asked for. */
export type WithParts<Report> = Report & {
  readonly buckets?: Readonly<Record<string, Report>>;
  readonly versions?: Readonly<Record<string, Report>>;
};

/**
 * How good the predictions of a model were; of all models, by name, where none is given. A prediction counts in the
 * bucket of its own time, whenever its label came.
 */
export async function performance(
  log: string,
  selection: StatsOptions,
  options: PerformanceOptions | ((model: string) => PerformanceOptions),
): Promise<Record<string, WithParts<Performance>>> {
  const models = await entriesByModel(log, selection);
  const labels = await readLabels(log);
  return ofEach(models, selection, (model, entries, whole?: Performance) => {
    const given = typeof options === 'function' ? options(model) : options;
    // What the whole is judged as, its parts are.
    const task = given.task ?? whole?.task ?? undefined;
    const positive = given.positive ?? whole?.confusion_matrix?.labels.at(-1);
    return performanceOf(entries, labels, { ...given, task, positive });
  });
}

/**
 * How good the predictions of each model are likely to be, by their scores, which labelled predictions of any time
 * calibrate.
 */
export async function estimates(
  log: string,
  selection: StatsOptions,
  positive: string | undefined,
): Promise<Record<string, WithParts<Estimate>>> {
  const { model: only, version } = selection;
  const labels = await readLabels(log);
  const known = new Map<string, Reference[]>();
  for (const [model, entries] of await entriesByModel(log, { model: only, version }, ({ id }) => labels.has(id))) {
    const found = [...entries.values()].flatMap(({ id, scores }): Reference[] => {
      const label = labels.get(id)?.label;
      return scores === undefined || label === undefined || typeof label === 'object'
        ? []
        : [{ scores, truth: String(label) }];
    });
    known.set(model, found);
  }
  return ofEach(await entriesByModel(log, selection), selection, (model, entries, whole?: Estimate) =>
    estimatePerformance(entries, {
      positive: positive ?? whole?.confusion_matrix.labels.at(-1),
      reference: known.get(model),
    }),
  );
}

function ofEach<Report extends object>(
  models: ReadonlyMap<string, ReadonlyMap<string, Entry>>,
  { by, zone }: StatsOptions,
  reportOf: (model: string, entries: readonly Entry[], whole?: Report) => Report,
): Record<string, WithParts<Report>> {
  const partOf = by === undefined ? undefined : partNames(by, zone);
  const reports = [...models.keys()].sort().map((model): [string, WithParts<Report>] => {
    const entries = [...(models.get(model)?.values() ?? [])];
    const whole = reportOf(model, entries);
    if (partOf === undefined) return [model, whole];
    const parts = new Map<string, Entry[]>();
    for (const entry of entries) {
      const name = partOf(entry);
      const part = parts.get(name);
      if (part !== undefined) part.push(entry);
      else if (name !== '') parts.set(name, [entry]);
    }
    const named = [...parts].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
    const found = Object.fromEntries(named.map(([name, part]) => [name, reportOf(model, part, whole)]));
    return [model, { ...whole, [by === 'version' ? 'versions' : 'buckets']: found }];
  });
  return Object.fromEntries(reports);
}

/** The bucket or the version of a prediction; an empty text for one without a version. */
function partNames(by: NonNullable<StatsOptions['by']>, zone: string | undefined): (entry: Entry) => string {
  if (by === 'version') return ({ version }) => version ?? '';
  const start = bucketStarts(by, zone);
  return ({ at }) => start(at);
}

/** By model and id. */
async function entriesByModel(
  log: string,
  selection: Selection,
  isWanted = (_entry: Entry): boolean => true,
): Promise<Map<string, Map<string, Entry>>> {
  const models = new Map<string, Map<string, Entry>>();
  for await (const entry of readEntries(log, selection)) {
    if (!isSelected(entry, selection) || !isWanted(entry)) continue;
    const entries = models.get(entry.model) ?? new Map<string, Entry>();
    models.set(entry.model, entries);
    if (!entries.has(entry.id)) entries.set(entry.id, entry);
  }
  return models;
}

/** What `monitor performance --json` prints: one model is an object, several are a list. */
export function performanceJson(models: Readonly<Record<string, Performance>>): unknown {
  const found = Object.entries(models).map(([model, report]) => ({ model, ...report }));
  return found.length === 1 ? found[0] : found;
}
