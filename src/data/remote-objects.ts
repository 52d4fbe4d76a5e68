import { mapPool } from '../base/index.ts';
import type { BlobStore } from '../storage/index.ts';
import type { HashName } from './content.ts';
import { idOfKey, listObjectsUnder, prefixOf } from './layout.ts';

const allPairs = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

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
  await mapPool(
    pairs,
    options.jobs,
    async (pair) => {
      for await (const { key } of store.list(prefixOf(hashName) + pair, { signal: options.signal })) {
        const id = idOfKey(key, hashName);
        if (id !== undefined) ids.add(id);
      }
    },
    options.signal,
  );
  return ids;
}
