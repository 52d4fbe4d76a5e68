import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { BlobStore } from './blob-store.ts';

/** Larger than any kind's part, so that uploads and downloads in parts are run too. */
const large = 21 * 1024 * 1024 + 7;

/**
 * What every writable kind of `BlobStore` must do. `make` gives an empty store; it is called once.
 */
export function blobStoreContract(make: () => Promise<BlobStore> | BlobStore): void {
  let store: BlobStore;
  let folder: string;
  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-blobs-'));
    store = await make();
  });
  afterAll(async () => {
    await store.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it('gives back the bytes that were written, also none at all', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    for (const [key, content] of [
      ['round/all', bytes],
      ['round/empty', new Uint8Array()],
    ] as const) {
      await store.write(key, content);
      expect([...(await store.read(key))]).toEqual([...content]);
      expect(await store.exists(key)).toBe(true);
      const target = path.join(folder, key.replace('/', '-'));
      await store.download(key, target);
      expect([...fs.readFileSync(target)]).toEqual([...content]);
    }
  });

  it('replaces a blob that is written again', async () => {
    await store.write('again', Buffer.from('first'));
    await store.write('again', Buffer.from('2'));
    expect(Buffer.from(await store.read('again')).toString()).toBe('2');
  });

  it('says that an absent key is absent', async () => {
    expect(await store.exists('nope')).toBe(false);
    expect(await store.exists('round')).toBe(false);
    await expect(store.read('nope')).rejects.toMatchObject({ code: 'blob_not_found' });
    await expect(store.open('nope')).rejects.toMatchObject({ code: 'blob_not_found' });
    const target = path.join(folder, 'nope');
    await expect(store.download('nope', target)).rejects.toMatchObject({ code: 'blob_not_found' });
    expect(fs.existsSync(target)).toBe(false);
    await store.remove(['nope', 'no/such/thing']);
  });

  it('lists at least what goes on as asked', async () => {
    for (const key of ['begin/a1', 'begin/a2/b', 'begin/b1', 'beginning/a1']) await store.write(key, Buffer.from(key));
    const found: string[] = [];
    for await (const { key } of store.list('begin', { beginning: 'a' })) found.push(key);
    expect(found.sort().filter((key) => key !== 'begin/b1')).toEqual(['begin/a1', 'begin/a2/b']);
  });

  it('lists what is below a prefix, and nothing that only begins alike', async () => {
    for (const key of ['list/a', 'list/b/c', 'list/b/d e&+é%41', 'listing']) await store.write(key, Buffer.from(key));
    expect(await keysOf(store, 'list/')).toEqual(['list/a', 'list/b/c', 'list/b/d e&+é%41']);
    expect(await keysOf(store, 'list/b')).toEqual(['list/b/c', 'list/b/d e&+é%41']);
    expect(await keysOf(store, 'nowhere/')).toEqual([]);
    for await (const blob of store.list('list/b')) expect(blob.size).toBe(Buffer.byteLength(blob.key));
    expect(Buffer.from(await store.read('list/b/d e&+é%41')).toString()).toBe('list/b/d e&+é%41');
  });

  it('removes many at once', async () => {
    const keys = Array.from({ length: 30 }, (_, i) => `many/${i}`);
    for (const key of keys) await store.write(key, Buffer.from('x'));
    await store.remove([...keys.slice(0, 29), 'many/absent']);
    expect(await keysOf(store, 'many')).toEqual(['many/29']);
  });

  it('moves large files both ways, tells of every byte, and observes them in order', async () => {
    const source = path.join(folder, 'large');
    const content = patterned(large);
    fs.writeFileSync(source, content);
    let sent = 0;
    await store.upload(source, 'large/one', { onBytes: (count) => (sent += count) });
    expect(sent).toBe(large);
    const target = path.join(folder, 'large-back');
    const seen: Uint8Array[] = [];
    let came = 0;
    await store.download('large/one', target, {
      onBytes: (count) => (came += count),
      observe: () => (chunk) => void seen.push(Uint8Array.from(chunk)),
    });
    expect(came).toBe(large);
    expect(Buffer.concat(seen).equals(content)).toBe(true);
    expect(fs.readFileSync(target).equals(content)).toBe(true);
  });

  it('takes streams of any size', async () => {
    for (const size of [0, 5, large]) {
      const content = patterned(size);
      await store.writeStream(`stream/${size}`, Readable.from(slices(content), { objectMode: false }));
      expect(Buffer.from(await store.read(`stream/${size}`)).equals(content)).toBe(true);
    }
  });

  it('opens a range of a blob', async () => {
    await store.write('range', Buffer.from('0123456789'));
    const { stream, size } = await store.open('range', { start: 2, end: 5 });
    expect(size).toBe(4);
    expect(Buffer.concat(await stream.toArray()).toString()).toBe('2345');
    const rest = await store.open('range', { start: 7 });
    expect(Buffer.concat(await rest.stream.toArray()).toString()).toBe('789');
  });

  it('leaves no blob when a stream breaks off', async () => {
    const broken = Readable.from(breaking(patterned(large)), { objectMode: false });
    await expect(store.writeStream('broken', broken)).rejects.toThrow('the source broke');
    expect(await store.exists('broken')).toBe(false);
  });

  it('refuses keys that would lead out of the store', async () => {
    for (const key of ['', '/a', '../a', 'a/../b', 'a//b', './a']) {
      await expect(
        Promise.resolve().then(() => store.write(key, new Uint8Array())),
        key,
      ).rejects.toMatchObject({
        code: 'bad_path',
      });
    }
  });

  describe('with a signal that is aborted', () => {
    it('does nothing more and throws its reason', async () => {
      const reason = new Error('enough');
      const signal = AbortSignal.abort(reason);
      const target = path.join(folder, 'aborted');
      await expect(store.write('aborted', Buffer.from('x'), { signal })).rejects.toBe(reason);
      await expect(store.download('round/all', target, { signal })).rejects.toBe(reason);
      expect(fs.existsSync(target)).toBe(false);
      expect(await store.exists('aborted')).toBe(false);
    });
  });
}

export async function keysOf(store: BlobStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const blob of store.list(prefix)) keys.push(blob.key);
  return keys.sort();
}

/** Bytes that differ from part to part, made quickly. */
export function patterned(size: number): Buffer {
  const content = Buffer.alloc(size);
  for (let i = 0; i + 4 <= size; i += 4) content.writeUInt32LE((i * 2654435761) >>> 0, i);
  return content;
}

function* breaking(content: Buffer): Generator<Buffer> {
  yield content;
  throw new Error('the source broke');
}

function* slices(content: Buffer): Generator<Buffer> {
  for (let i = 0; i < content.length; i += 70_001) yield content.subarray(i, i + 70_001);
}
