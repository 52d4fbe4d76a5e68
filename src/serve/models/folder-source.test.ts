import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { linearModel } from '../../../test/support/onnx.ts';
import { FolderSource } from '../index.ts';

let dir = '';
beforeEach(() => (dir = fs.mkdtempSync(path.join(os.tmpdir(), 'models-'))));
afterEach(() => fs.rmSync(dir, { recursive: true }));

function put(file: string): void {
  fs.mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
  fs.writeFileSync(path.join(dir, file), linearModel(2, 1));
}

it('finds by name what it lists: files, folders, links, odd names, and a file before a folder of its name', async () => {
  for (const file of [
    'a.onnx',
    'B.ONNX',
    'c/model.onnx',
    'x/model.onnx',
    'x.onnx',
    'é + %2F.onnx',
    'y.onnx/model.onnx',
  ]) {
    put(`models/${file}`);
  }
  for (const file of ['models/.hidden.onnx', 'models/empty/readme.txt', 'outside.onnx', 'linked/model.onnx']) put(file);
  const models = path.join(dir, 'models');
  fs.symlinkSync(path.join(dir, 'linked'), path.join(models, 'link'));
  fs.symlinkSync(path.join(dir, 'nowhere'), path.join(models, 'broken'));
  const source = FolderSource.directory(models);
  const listed = await source.list();
  expect(listed.map(({ name, uri }) => [name, path.relative(models, uri)])).toEqual([
    ['B', 'B.ONNX'],
    ['a', 'a.onnx'],
    ['c', 'c'],
    ['link', 'link'],
    ['x', 'x.onnx'],
    ['y.onnx', 'y.onnx'],
    ['é + %2F', 'é + %2F.onnx'],
  ]);
  for (const ref of listed) {
    expect(await source.resolve(ref.name), ref.name).toEqual(ref);
    expect((await source.open(ref)).file, ref.name).toMatch(/\.onnx$/i);
  }
  for (const name of ['', '.', '..', '.hidden', '../outside', 'models/a', 'empty', 'broken', 'nope', `${models}/a`]) {
    await expect(source.resolve(name), name).rejects.toMatchObject({ code: 'model_not_found' });
  }
});
