import { MlopsError } from '../../base/index.ts';
import { isSelected, momentOf, readEntries, readLabels, type Entry, type Selection } from '../../monitor/index.ts';
import { recordTable, type Table } from '../../tables/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { versionNamed } from '../registry/resolve-model.ts';

export interface WindowPlaces {
  /** Folder of the prediction log. */
  readonly log: string;
  /** Lends the tracking store. */
  readonly withStore: <Value>(work: (store: TrackingStore) => Promise<Value>) => Promise<Value>;
}

/**
 * A window of the prediction log as a table: `log:`, `log:MODEL` or `log:models:/MODEL/VERSION`, then
 * `?since=7d&until=...&version=...`. Columns are the inputs by their names, `prediction` and `label`.
 *
 * @throws MlopsError `usage` for what is no such name.
 */
export async function openWindow(name: string, places: WindowPlaces): Promise<Table> {
  const { log } = places;
  const [place = '', query = ''] = name.slice('log:'.length).split('?', 2);
  const selection = await selectionOf(name, place, new URLSearchParams(query), places);
  const labels = await readLabels(log);
  return recordTable(name, async function* rows() {
    const seen = new Set<string>();
    for await (const entry of readEntries(log, selection)) {
      if (!isSelected(entry, selection) || seen.has(entry.id)) continue;
      seen.add(entry.id);
      yield rowOf(entry, labels.get(entry.id)?.label);
    }
  });
}

function rowOf({ inputs, prediction }: Entry, label: unknown): Record<string, unknown> {
  return { ...inputs, prediction: simple(prediction), label: simple(label) };
}

/** Boxes are no value of a column. */
function simple(answer: unknown): unknown {
  return typeof answer === 'object' ? null : (answer ?? null);
}

async function selectionOf(
  name: string,
  place: string,
  query: URLSearchParams,
  places: WindowPlaces,
): Promise<Selection> {
  for (const key of query.keys()) {
    if (['since', 'until', 'version'].includes(key)) continue;
    throw new MlopsError('usage', `'${name}' asks for '${key}'; since, until and version can be asked for`);
  }
  const [, model, selector] = /^models:\/+([^/@]+)(?:\/([^/]+)|(?=@))?/.exec(place) ?? [];
  const alias = /^models:\/+[^/@]+(@.+)$/.exec(place)?.[1];
  if (place.startsWith('models:') && model === undefined) {
    throw new MlopsError('usage', `'${name}' is no window of the log`, { hint: 'log:models:/NAME/VERSION?since=7d' });
  }
  const wanted = selector ?? alias;
  const version = wanted === undefined ? query.get('version') : await versionOf(model ?? '', wanted, places);
  return {
    model: model ?? (place === '' ? undefined : place),
    version: version ?? undefined,
    since: momentIn(query, 'since', name),
    until: momentIn(query, 'until', name),
  };
}

/** The version that a selector stands for; a number is one, whether or not a store knows it. */
async function versionOf(name: string, selector: string, { withStore }: WindowPlaces): Promise<string> {
  if (/^\d+$/.test(selector)) return selector;
  return withStore(async (store) => (await versionNamed(store, { name, selector })).version);
}

function momentIn(query: URLSearchParams, key: string, name: string): number | undefined {
  const text = query.get(key);
  if (text === null) return undefined;
  try {
    return momentOf(text, Date.now());
  } catch (error) {
    throw new MlopsError('usage', `'${key}' of '${name}' is no time`, {
      hint: 'write 7d, 24h or ISO 8601',
      cause: error,
    });
  }
}
