import * as fs from 'node:fs';
import * as path from 'node:path';

import { temporaryName } from '../../base/index.ts';
import type { TransferOptions } from '../../data/index.ts';
import { localStore, type BlobStore } from '../../storage/index.ts';

/**
 * Copies run-cache entries (`runs/ab/KEY/VALUE`) that the other side lacks. Web servers cannot be listed
 * and are passed over, as DVC does.
 * @returns how many were copied.
 */
export async function copyRuns(
  folder: string,
  store: BlobStore,
  direction: 'push' | 'fetch',
  options: TransferOptions,
): Promise<number> {
  if (store.kind === 'http') return 0;
  const local = localStore(path.dirname(folder));
  const [from, to] = direction === 'push' ? [local, store] : [store, local];
  const present = await runKeys(to, options);
  const wanted = [...(await runKeys(from, options))].filter((key) => !present.has(key));
  for (const key of wanted) {
    const transfer = { signal: options.signal };
    if (direction === 'push') await store.upload(path.join(path.dirname(folder), key), key, transfer);
    else await download(store, key, path.join(path.dirname(folder), key), transfer);
  }
  return wanted.length;
}

async function runKeys(store: BlobStore, options: TransferOptions): Promise<Set<string>> {
  const keys = new Set<string>();
  for await (const { key } of store.list('runs', { signal: options.signal })) {
    if (/^runs\/[0-9a-f]{2}\/[0-9a-f]{64}\/[0-9a-f]{64}$/.test(key)) keys.add(key);
  }
  return keys;
}

async function download(
  store: BlobStore,
  key: string,
  target: string,
  transfer: { readonly signal: AbortSignal | undefined },
): Promise<void> {
  fs.mkdirSync(path.dirname(target), { recursive: true });
  const temp = temporaryName(target);
  try {
    await store.download(key, temp, transfer);
    fs.renameSync(temp, target);
  } finally {
    fs.rmSync(temp, { force: true });
  }
}
