import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';

import { memoryStore, type BlobStore } from '../../storage/index.ts';
import { objectKey } from '../ids/layout.ts';
import { remoteObjects } from './remote-objects.ts';

const digests = Array.from({ length: 30_000 }, (_, i) => createHash('md5').update(`${i}`).digest('hex'));

/** A remote with the first `count` objects that tells with how many pages of a thousand it was listed. */
async function remoteOf(count: number): Promise<{ store: BlobStore; pages: () => number; longest: () => number }> {
  const store = memoryStore();
  for (const md5 of digests.slice(0, count)) await store.write(objectKey(md5, 'md5'), new Uint8Array());
  const listed: number[] = [];
  const counting: BlobStore = {
    ...store,
    async *list(prefix, options) {
      let entries = 0;
      for await (const entry of store.list(prefix, options)) {
        entries++;
        yield entry;
      }
      listed.push(Math.max(1, Math.ceil(entries / 1000)));
    },
  };
  return {
    store: counting,
    pages: () => listed.reduce((a, b) => a + b, 0),
    longest: () => Math.max(...listed),
  };
}

it.each([
  [0, 2, 1],
  [2226, 5, 4],
  [12_000, 17, 1],
  [30_000, 40, 3],
])('a remote of %i objects is listed in at most %i pages, %i of them one after the other', async (count, most, row) => {
  const { store, pages, longest } = await remoteOf(count);
  const found = await remoteObjects(store, 'md5', undefined, { jobs: 8 });
  expect([...found].sort()).toEqual(digests.slice(0, count).sort());
  expect(pages()).toBeLessThanOrEqual(most);
  expect(longest()).toBeLessThanOrEqual(row);
});

it('few wanted objects cost a page each, however many there are', async () => {
  const { store, pages } = await remoteOf(12_000);
  const wanted = [...digests.slice(0, 5), ...digests.slice(20_000, 20_003)];
  const found = await remoteObjects(store, 'md5', wanted, { jobs: 8 });
  expect(wanted.filter((id) => found.has(id))).toEqual(digests.slice(0, 5));
  expect(pages()).toBeLessThanOrEqual(wanted.length);
});

it('in the layout of DVC 2 only folders of objects are listed', async () => {
  const store = memoryStore();
  const ids = digests.slice(0, 500);
  for (const md5 of ids) await store.write(objectKey(md5, 'md5-dos2unix'), new Uint8Array());
  const asked = new Set<string>();
  const watched: BlobStore = {
    ...store,
    list(prefix, options) {
      asked.add(`${prefix}${options?.beginning ?? ''}`);
      return store.list(prefix, options);
    },
  };
  const found = await remoteObjects(watched, 'md5-dos2unix', ids, { jobs: 8 });
  expect([...found].sort()).toEqual(ids.toSorted());
  expect([...asked].every((prefix) => /^[0-9a-f]{2}$/.test(prefix))).toBe(true);
});
