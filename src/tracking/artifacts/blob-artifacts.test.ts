import { Readable } from 'node:stream';
import { expect, it } from 'vitest';

import { memoryStore } from '../../storage/index.ts';
import { blobRoots } from './blob-artifacts.ts';

it('keeps the files of a run in a store of blobs', async () => {
  const open = blobRoots(memoryStore());
  const run = open('mlflow-artifacts:/1/abc/artifacts');
  await run.put('a.txt', Buffer.from('hello'));
  await run.put('model/deep/b.bin', Readable.from([Buffer.from([1]), Buffer.from([2, 3])]));
  expect(await run.list()).toEqual([
    { path: 'a.txt', isDirectory: false, size: 5 },
    { path: 'model', isDirectory: true, size: undefined },
  ]);
  expect(await run.list('model/deep')).toEqual([{ path: 'model/deep/b.bin', isDirectory: false, size: 3 }]);
  expect(await run.list('a.txt')).toEqual([]);
  expect([...(await open('mlflow-artifacts:/').get('1/abc/artifacts/model/deep/b.bin'))]).toEqual([1, 2, 3]);
  const part = await run.open('a.txt', { start: 1, end: 2 });
  expect(Buffer.concat(await part.stream.toArray()).toString()).toBe('el');
  await run.remove('model');
  await run.remove('model');
  expect((await run.list()).map((file) => file.path)).toEqual(['a.txt']);
  await expect(run.open('none')).rejects.toMatchObject({ code: 'resource_missing' });
  for (const bad of ['../x', '/etc/passwd', 'a/../../b', '%2e%2e/x']) {
    await expect(run.put(bad, Buffer.from('x'))).rejects.toMatchObject({ code: 'invalid_value' });
  }
  await expect(run.remove('')).rejects.toMatchObject({ code: 'invalid_value' });
  expect(() => open('s3://elsewhere/x')).toThrow('not in reach');
});
