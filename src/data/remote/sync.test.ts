import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openDataIn } from '../../../test/support/data.ts';
import { localStore, memoryStore, type BlobStore } from '../../storage/index.ts';
import {
  checkCache,
  checkRemote,
  cloudStatus,
  commitOut,
  fetchContents,
  objectExists,
  objectKey,
  pushContents,
  removeLocal,
  repair,
  unusedLocal,
  usedObjects,
  type Content,
  type DataContext,
} from '../index.ts';

let root: string;
let ctx: DataContext;
let folder: Content;

beforeEach(async () => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'sync-'));
  ctx = openDataIn(root);
  fs.mkdirSync(path.join(root, 'd'));
  fs.writeFileSync(path.join(root, 'd/a'), 'a');
  fs.writeFileSync(path.join(root, 'd/b'), 'b');
  fs.writeFileSync(path.join(root, 'd/big'), Buffer.alloc(9 << 20, 'big'));
  folder = await commitOut(ctx, path.join(root, 'd'));
});
afterEach(() => {
  ctx.close();
  fs.rmSync(root, { recursive: true, force: true });
});

const idOfA = '0cc175b9c0f1b6a831c399e269772661';
const cacheFile = (md5: string): string => path.join(root, '.dvc/cache', objectKey(md5, 'md5'));
const dropCache = (): void => {
  fs.rmSync(path.join(root, '.dvc/cache'), { recursive: true });
  ctx.forgetObjects();
};
const spoil = (file: string, content: string): void => {
  fs.chmodSync(file, 0o644);
  fs.writeFileSync(file, content);
  fs.chmodSync(file, 0o444);
};
const count = async (store: BlobStore): Promise<number> => {
  let n = 0;
  for await (const _ of store.list('files/md5')) n++;
  return n;
};

describe.each(['local', 'memory'])('a %s remote', (kind) => {
  let store: BlobStore;
  beforeEach(() => {
    store = kind === 'local' ? localStore(path.join(root, 'remote'), { mode: 0o444 }) : memoryStore();
  });

  it('gets everything once, files before their manifest, and gives it back', async () => {
    expect((await pushContents(ctx, store, [folder])).moved).toHaveLength(4);
    expect((await pushContents(ctx, store, [folder])).moved).toEqual([]);
    expect(await count(store)).toBe(4);
    dropCache();
    expect((await fetchContents(ctx, store, [folder])).failures).toEqual([]);
    expect(objectExists(ctx, folder)).toBe(true);
    expect(fs.statSync(cacheFile(idOfA)).mode & 0o777).toBe(0o444);
    expect((await fetchContents(ctx, store, [folder])).moved).toEqual([]);
  });

  it('that lost a file of a folder is completed by the next push', async () => {
    await pushContents(ctx, store, [folder]);
    await store.remove([objectKey(idOfA, 'md5')]);
    expect((await pushContents(ctx, store, [folder])).moved).toEqual([idOfA]);
  });

  it('is never given a corrupt object, nor the manifest that would promise it', async () => {
    spoil(cacheFile(idOfA), 'X');
    const result = await pushContents(ctx, store, [folder]);
    expect(result.failures).toMatchObject([{ md5: idOfA, reason: 'corrupt' }]);
    expect(await store.exists(objectKey(idOfA, 'md5'))).toBe(false);
    expect(await store.exists(objectKey(folder.md5, 'md5'))).toBe(false);
  });

  it('cannot hand a corrupt object into the cache', async () => {
    await pushContents(ctx, store, [folder]);
    await store.write(objectKey(idOfA, 'md5'), Buffer.from('X'));
    dropCache();
    const result = await fetchContents(ctx, store, [folder]);
    expect(result.failures).toMatchObject([{ md5: idOfA, reason: 'corrupt' }]);
    expect(fs.existsSync(cacheFile(idOfA))).toBe(false);
    const everything = fs.readdirSync(path.join(root, '.dvc/cache'), { recursive: true }) as string[];
    const leftOver = everything.filter((name) => name.endsWith('.tmp'));
    expect(leftOver).toEqual([]);
  });

  it('says which objects it does not have', async () => {
    const result = await fetchContents(ctx, store, [{ md5: 'f'.repeat(32), hashName: 'md5' }]);
    expect(result.failures).toMatchObject([{ md5: 'f'.repeat(32), reason: 'missing' }]);
  });

  it('is compared with the cache object by object', async () => {
    await pushContents(ctx, store, [folder]);
    const status = await cloudStatus(ctx, store, [folder, { md5: 'f'.repeat(32), hashName: 'md5' }]);
    expect(status(folder)).toBe('ok');
    expect(status({ md5: 'f'.repeat(32), hashName: 'md5' })).toBe('missing');
  });

  it('and the cache heal each other', async () => {
    await pushContents(ctx, store, [folder]);
    spoil(cacheFile(idOfA), 'X');
    const idOfB = '92eb5ffee6ae2fec3ad71c777531578f';
    await store.write(objectKey(idOfB, 'md5'), Buffer.from('Y'));
    const findings = [
      ...(await checkCache(ctx, [folder])).findings,
      ...(await checkRemote(ctx, store, [folder])).findings,
    ];
    expect(findings).toEqual([
      { md5: idOfA, hashName: 'md5', where: 'cache', problem: 'corrupt' },
      { md5: idOfB, hashName: 'md5', where: 'remote', problem: 'corrupt' },
    ]);
    expect(await repair(ctx, store, findings)).toHaveLength(2);
    expect((await checkCache(ctx, [folder])).findings).toEqual([]);
    expect((await checkRemote(ctx, store, [folder])).findings).toEqual([]);
  });
});

describe('collecting garbage', () => {
  it('keeps what is used and names manifests first', async () => {
    fs.writeFileSync(path.join(root, 'd/c'), 'c');
    const newer = await commitOut(ctx, path.join(root, 'd'));
    const used = usedObjects(ctx, [newer]).get('md5') ?? new Set();
    expect(unusedLocal(ctx, 'md5', used)).toEqual([folder.md5]);
    const nothing = unusedLocal(ctx, 'md5', new Set());
    expect(nothing).toHaveLength(6);
    expect(nothing.slice(0, 2).every((id) => id.endsWith('.dir'))).toBe(true);
    removeLocal(ctx, 'md5', [folder.md5]);
    expect(objectExists(ctx, newer)).toBe(true);
  });
});
