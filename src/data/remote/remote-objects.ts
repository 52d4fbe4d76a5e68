import { mapPool } from '../../base/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import type { HashName } from '../ids/content.ts';
import { idOfKey, listObjectsUnder, prefixOf } from '../ids/layout.ts';

const digits = Array.from({ length: 16 }, (_, i) => i.toString(16));
const allPairs = digits.flatMap((first) => digits.map((second) => first + second));

/** Objects that one request of a listing covers. */
const pageSize = 1000;

/** Wanted pairs from which on it pays to look how full the remote is. */
const manyPairs = 24;

/**
 * Which objects a remote has, among those whose digest begins like one of the wanted ones. Existence is
 * always found by listing: one request covers up to a thousand objects, and a folder whose manifest is
 * there is not taken for complete.
 */
export async function remoteObjects(
  store: BlobStore,
  hashName: HashName,
  wanted: Iterable<string> | undefined,
  options: { jobs: number; signal?: AbortSignal | undefined },
): Promise<Set<string>> {
  const pairs = wanted === undefined ? allPairs : [...new Set(Array.from(wanted, (id) => id.slice(0, 2)))];
  if (store.directory !== undefined) return listObjectsUnder(store.directory, hashName, pairs);
  const ids = new Set<string>();
  const { signal } = options;
  const list = async (folder: string, beginning?: string): Promise<void> => {
    for await (const { key } of store.list(prefixOf(hashName) + folder, { beginning, signal })) {
      const id = idOfKey(key, hashName);
      if (id !== undefined) ids.add(id);
    }
  };
  const listPair = (pair: string): Promise<void> => list(pair);
  const [sample = '', ...rest] = pairs;
  // In the layout of DVC 2 objects lie beside everything else, so that only pairs bound what is listed.
  if (hashName !== 'md5' || pairs.length < manyPairs) {
    await mapPool(pairs, options.jobs, listPair, signal);
    return ids;
  }
  await listPair(sample);
  const beginnings = cheapest(rest, ids.size);
  if (beginnings === rest) {
    await mapPool(rest, options.jobs, listPair, signal);
    return ids;
  }
  await mapPool(beginnings, options.jobs, (beginning) => list('', beginning), signal);
  return ids;
}

/**
 * Beginnings of digests that together cover the wanted pairs with the fewest requests: one for everything,
 * first digits, or the pairs themselves. Digests are spread evenly, so one pair tells how full the others are.
 * The pages of one beginning come one after the other, which counts as two more requests each.
 */
function cheapest(pairs: readonly string[], perPair: number): readonly string[] {
  const firsts = [...new Set(pairs.map((pair) => pair.slice(0, 1)))];
  const choices = [
    { beginnings: [''], objects: perPair * 256 },
    { beginnings: firsts, objects: perPair * 16 },
    { beginnings: pairs, objects: perPair },
  ];
  const costs = choices.map(({ beginnings, objects }) => {
    const pages = Math.max(1, Math.ceil(objects / pageSize));
    return (beginnings.length + 2) * pages;
  });
  return choices[costs.indexOf(Math.min(...costs))]?.beginnings ?? pairs;
}
