import { isMlopsError } from '../base/index.ts';
import { toEntry, toLabel, type Entry, type LabelEntry } from './entry.ts';
import { readPredictionLog, type PredictionRecord } from './prediction-reader.ts';

/** The predictions of a log, whoever wrote them. A record that is none is left out. */
export async function* readEntries(directory: string): AsyncGenerator<Entry> {
  for await (const record of readPredictionLog(directory)) {
    if (record.kind !== 'prediction') continue;
    yield* entriesOf(record);
  }
}

/** The labels of a log by the id of their prediction; the last one counts. */
export async function readLabels(directory: string): Promise<Map<string, LabelEntry>> {
  const labels = new Map<string, LabelEntry>();
  for await (const record of readPredictionLog(directory)) {
    if (record.kind !== 'feedback') continue;
    const label = tolerant(() => toLabel({ ...record }, () => 0));
    if (label !== undefined) labels.set(label.id, label);
  }
  return labels;
}

function entriesOf(record: PredictionRecord): Entry[] {
  const labels = record.labels ?? [];
  const fields = { ...record } as Readonly<Record<string, unknown>>;
  const of = (extra: Readonly<Record<string, unknown>>): Entry | undefined =>
    tolerant(() => toEntry({ ...fields, ...extra }, { id: () => record.id, now: () => record.at }));
  if (labels.length <= 1) {
    const one = of(labels.length === 0 ? {} : { prediction: labels[0] });
    return one === undefined ? [] : [one];
  }
  // A request of several rows is so many predictions; its label names the request, so only whole ones can be joined.
  const rows = labels.map((prediction, row) => of({ id: `${record.id}#${row}`, prediction, inputs: undefined }));
  return rows.filter((row) => row !== undefined);
}

function tolerant<Value>(make: () => Value): Value | undefined {
  try {
    return make();
  } catch (error) {
    if (isMlopsError(error)) return undefined;
    throw error;
  }
}
