import { isMlopsError } from '../base/index.ts';
import { columnsOf } from './columns.ts';
import { toEntry, toLabel, type Entry, type LabelEntry } from './entry.ts';
import { readPredictionLog, type PredictionRecord, type ReadOptions } from './prediction-reader.ts';

/** The predictions of a log, whoever wrote them; a row each. A record that is none is left out. */
export async function* readEntries(
  directory: string,
  { since, until }: Pick<ReadOptions, 'since' | 'until'> = {},
): AsyncGenerator<Entry> {
  for await (const record of readPredictionLog(directory, { since, until, kind: 'prediction' })) {
    if (record.kind === 'prediction') yield* entriesOf(record);
  }
}

/** The labels of a log by the id of their prediction; the last one counts. */
export async function readLabels(directory: string): Promise<Map<string, LabelEntry>> {
  const labels = new Map<string, LabelEntry>();
  for await (const record of readPredictionLog(directory, { kind: 'feedback' })) {
    if (record.kind !== 'feedback') continue;
    const label = tolerant(() => toLabel({ ...record }, () => 0));
    if (label !== undefined) labels.set(label.id, label);
  }
  return labels;
}

/**
 * A request of several rows is so many predictions: `ID#0`, `ID#1`... A label that names the request belongs to none of
 * them.
 */
export function entriesOf(record: PredictionRecord): Entry[] {
  // Columns are described already.
  const of = (inputs: Entry['inputs'], extra: Readonly<Record<string, unknown>> = {}): Entry | undefined =>
    tolerant(() => {
      const entry = toEntry({ ...record, inputs: undefined, ...extra }, { id: () => record.id, now: () => record.at });
      return inputs === undefined ? entry : { ...entry, inputs: columnsOf(inputs) };
    });
  if (record.outputs === undefined) {
    const one = of(record.inputs);
    return one === undefined ? [] : [one];
  }
  const { rows, labels, predictions, scores, row_at: places } = record;
  const inputs = rows ?? tensorRows(record.inputs ?? {});
  const count = labels?.length ?? predictions?.length ?? inputs.length;
  const several = (record.row_count ?? count) > 1;
  const entries: (Entry | undefined)[] = [];
  for (let row = 0; row < Math.max(1, count); row++) {
    const sent = inputs.length === Math.max(1, count) ? inputs[row] : undefined;
    entries.push(
      of(sent, {
        id: several ? `${record.id}#${places?.[row] ?? row}` : record.id,
        prediction: labels?.[row] ?? predictions?.[row],
        scores: Array.isArray(scores) ? (scores[row] as unknown) : undefined,
      }),
    );
  }
  return entries.filter((entry) => entry !== undefined);
}

/** The rows of tensors that are there as nested lists. */
function tensorRows(inputs: Readonly<Record<string, unknown>>): readonly Readonly<Record<string, unknown>>[] {
  const lists = Object.entries(inputs).filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]));
  const count = lists[0]?.[1].length ?? 0;
  if (!lists.every(([, list]) => list.length === count)) return [];
  return Array.from({ length: count }, (_, row) => Object.fromEntries(lists.map(([name, list]) => [name, list[row]])));
}

function tolerant<Value>(make: () => Value): Value | undefined {
  try {
    return make();
  } catch (error) {
    if (isMlopsError(error)) return undefined;
    throw error;
  }
}
