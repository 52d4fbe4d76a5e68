import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { Readable } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';

import { openTracking, type ArtifactStore, type TrackingStore } from '../tracking/index.ts';
import { checkedArtifacts, verifiedBody, type ArtifactLimits } from './checked-artifacts.ts';

async function open(
  limits: ArtifactLimits = {},
): Promise<{ files: ArtifactStore; store: TrackingStore; folder: string }> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-checked-'));
  const store = await openTracking('memory:', { artifacts: folder });
  onTestFinished(async () => {
    await store.close();
    fs.rmSync(folder, { recursive: true });
  });
  if (store.sums === undefined) throw new Error('this store keeps digests');
  return { files: checkedArtifacts(store.artifacts('mlflow-artifacts:/'), store.sums, limits), store, folder };
}

async function bytesOf(files: ArtifactStore, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of (await files.open(name)).stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Other bytes of the same size. */
function spoil(file: string): void {
  const content = fs.readFileSync(file);
  content[content.length >> 1] = (content[content.length >> 1] ?? 0) ^ 1;
  fs.writeFileSync(file, content);
}

it('keeps digests, and breaks off what a disk has spoiled before its end', async () => {
  const { files, store, folder } = await open();
  const content = randomBytes(300_000);
  await files.put('0/run/artifacts/a.bin', Readable.from([content.subarray(0, 1000), content.subarray(1000)]));
  await files.put('0/run/artifacts/empty', Buffer.alloc(0));
  const sha256 = createHash('sha256').update(content).digest('hex');
  expect(await store.sums?.getSum('0/run/artifacts/a.bin')).toMatchObject({ size: 300_000, sha256 });
  expect(await bytesOf(files, '0/run/artifacts/a.bin')).toEqual(content);
  expect(await bytesOf(files, '0/run/artifacts/empty')).toHaveLength(0);
  // A time that a disk keeps to the digit.
  const file = path.join(folder, '0/run/artifacts/a.bin');
  fs.utimesSync(file, 1e9, 1e9);
  const { stream, etag = '' } = await files.open('0/run/artifacts/a.bin');
  stream.destroy();
  await store.sums?.putSum('0/run/artifacts/a.bin', { size: 300_000, sha256, etag });
  spoil(file);
  fs.utimesSync(file, 1e9, 1e9);
  await expect(bytesOf(files, '0/run/artifacts/a.bin')).rejects.toThrow(/not what was uploaded/);
  // What somebody put there on purpose has another time, and is not ours to judge.
  fs.writeFileSync(file, 'other');
  expect(String(await bytesOf(files, '0/run/artifacts/a.bin'))).toBe('other');
  await files.remove('0/run');
  expect(await store.sums?.getSum('0/run/artifacts/a.bin')).toBeUndefined();
});

it('takes files up to a size, and experiments up to a quota, and stores nothing of what is too large', async () => {
  const { files, store } = await open({ size: 1000, quota: 1500 });
  await files.put('1/x', Buffer.alloc(1000));
  await expect(files.put('1/y', Readable.from([Buffer.alloc(400), Buffer.alloc(200)]))).rejects.toMatchObject({
    code: 'body_too_large',
  });
  expect((await files.list('1')).map(({ path: name }) => name)).toEqual(['1/x']);
  await files.put('1/y', Buffer.alloc(500));
  await files.put('10/z', Buffer.alloc(1000));
  await expect(files.put('10/big', Buffer.alloc(1001))).rejects.toMatchObject({ code: 'body_too_large' });
  expect([await store.sums?.usage('1'), await store.sums?.usage('10')]).toEqual([1500, 1000]);
  await files.remove('1/x');
  expect(await store.sums?.usage('1')).toBe(500);
});

it('refuses a body that is not what its digest says', async () => {
  const { files } = await open();
  const body = (): Readable => Readable.from([Buffer.from('hello')]);
  const sha = createHash('sha256').update('hello').digest('base64');
  const md5 = createHash('md5').update('hello').digest('base64');
  await files.put('0/a', verifiedBody(body(), { 'content-digest': `sha-256=:${sha}:` }));
  await files.put('0/b', verifiedBody(body(), { 'content-md5': md5 }));
  const wrong = [
    { 'content-digest': `sha-256=:${sha.replace(/^./, 'X')}:` },
    { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' },
  ];
  for (const headers of wrong) {
    await expect(files.put('0/c', verifiedBody(body(), headers))).rejects.toMatchObject({ code: 'invalid_value' });
  }
  expect((await files.list('0')).map(({ path: name }) => name)).toEqual(['0/a', '0/b']);
});
