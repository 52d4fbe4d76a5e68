import { expect, it } from 'vitest';

import { MlopsError } from '../../base/index.ts';
import type { BlobStore } from './blob-store.ts';
import { memoryStore } from '../local/memory-store.ts';
import { withRetry } from './retry.ts';

/** A store whose reads fail as `fails` says, and how often it was asked. */
function flaky(fails: (asked: number) => boolean): { store: BlobStore; asked: () => number } {
  let asked = 0;
  const memory = memoryStore();
  const store: BlobStore = {
    ...memory,
    read: async (key, options) => {
      if (fails(++asked)) throw new MlopsError('remote_unreachable', 'gone');
      return memory.read(key, options);
    },
  };
  return { store: withRetry(store, { firstPause: 1 }), asked: () => asked };
}

it('tries again what may pass, and what cannot pass never', async () => {
  const { store, asked } = flaky((count) => count < 4);
  await store.write('a', Buffer.from('there'));
  expect(Buffer.from(await store.read('a')).toString()).toBe('there');
  expect(asked()).toBe(4);
  await expect(store.read('b')).rejects.toMatchObject({ code: 'blob_not_found' });
  expect(asked()).toBe(5);
});

it('a remote that is gone is asked once for each of the rest, until it answers', async () => {
  let gone = true;
  const { store, asked } = flaky(() => gone);
  await store.write('a', Buffer.from('there'));
  for (let i = 0; i < 20; i++) await expect(store.read('a')).rejects.toMatchObject({ code: 'remote_unreachable' });
  expect(asked()).toBe(8 * 5 + 12);
  gone = false;
  await store.read('a');
  gone = true;
  const before = asked();
  await expect(store.read('a')).rejects.toMatchObject({ code: 'remote_unreachable' });
  expect(asked() - before).toBe(5);
});

it('a pause ends with the signal, with its reason', async () => {
  const stop = new AbortController();
  const gone = { ...memoryStore(), read: () => Promise.reject(new MlopsError('remote_unreachable', 'gone')) };
  const store = withRetry(gone, { firstPause: 3_600_000, random: () => 0.99 });
  const calls = Array.from({ length: 30 }, () => store.read('a', { signal: stop.signal }));
  setTimeout(() => stop.abort(new Error('enough')), 20);
  for (const outcome of await Promise.allSettled(calls)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'enough' } });
  }
});
