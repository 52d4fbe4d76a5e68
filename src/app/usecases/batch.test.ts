import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { identityModel, linearModel } from '../../../test/support/onnx.ts';
import { silentLogger } from '../../base/index.ts';
import { predictBatch } from './batch-predict.ts';
import { fieldsOf, openBatch } from './batch-rows.ts';

let dir = '';
beforeEach(() => (dir = fs.mkdtempSync(path.join(os.tmpdir(), 'batch-'))));
afterEach(() => fs.rmSync(dir, { recursive: true }));

const write = (name: string, text: string): string => {
  fs.writeFileSync(path.join(dir, name), text);
  return path.join(dir, name);
};
const read = (name: string): string => fs.readFileSync(path.join(dir, name), 'utf8');

/** y = a + 2 b. */
async function predict(input: string, output: string, more: { force?: boolean; stop?: AbortController } = {}) {
  const add = linearModel(
    2,
    1,
    (i) => i + 1,
    () => 0,
  );
  if (!fs.existsSync(path.join(dir, 'm.onnx'))) fs.writeFileSync(path.join(dir, 'm.onnx'), add);
  return predictBatch({
    input: path.join(dir, input),
    output: path.join(dir, output),
    force: more.force ?? false,
    signal: more.stop?.signal,
    // As soon as something is written.
    onProgress: () => more.stop?.abort(),
    serve: {
      ...{ sources: ['m.onnx'], cwd: dir, host: '127.0.0.1', port: 0, threads: 1, keyFile: path.join(dir, 'keys') },
      ...{ openStore: () => Promise.reject(new Error('no store')), serverVersion: '0', log: silentLogger },
    },
  });
}

describe('predictions of a table', () => {
  it('keep order, keys and columns; what is wrong with a row is told beside them', async () => {
    const rows = ['id,a,b', 'x,1,2', '"q ""1"", z",3,4', 'bad,one,2', 'short,1', '', 'last,0.5,-1', 'open,"1,2'];
    write('in.csv', `\uFEFF${rows.join('\r\n')}`);
    expect(await predict('in.csv', 'out.csv')).toMatchObject({ rows: 6, failed: 3, resumed: 0 });
    expect(read('out.csv')).toBe('id,a,b,y\nx,1,2,5\n"q ""1"", z",3,4,11\nlast,0.5,-1,-1.5\n');
    const errors = read('out.csv.errors.jsonl').trim().split('\n');
    expect(errors.map((line) => JSON.parse(line) as object)).toEqual([
      { line: 4, reason: expect.stringContaining('got "one"') as string },
      { line: 5, reason: '2 fields, the header has 3' },
      { line: 8, reason: 'a quote is not closed' },
    ]);
    await expect(predict('in.csv', 'out.csv')).rejects.toMatchObject({ code: 'files_in_the_way' });
  });

  it('keep the digits of JSON lines, and rename what would hide a key', async () => {
    write('in.jsonl', '{"id": 9007199254740993, "a": 1, "b": 2, "y": "old"}\n[1]\n{"a": 1}\n\n{oops\n');
    expect(await predict('in.jsonl', 'out.jsonl')).toMatchObject({ rows: 4, failed: 4 });
    write('in.jsonl', '{"x": [1, 2], "id": 9007199254740993, "y": "old"}\n{"x": [3, 4]}\n');
    expect(await predict('in.jsonl', 'out.jsonl', { force: true })).toMatchObject({ rows: 2, failed: 0 });
    expect(read('out.jsonl')).toBe(
      '{"x": [1, 2], "id": 9007199254740993, "y": "old","predicted_y":[5]}\n{"x": [3, 4],"y":[11]}\n',
    );
    expect(fs.existsSync(path.join(dir, 'out.jsonl.errors.jsonl'))).toBe(false);
  });

  it('go on where they stopped, also after what was written behind the mark', async () => {
    const rows = Array.from({ length: 5_000 }, (_, i) => `${i},${i},${i % 777 === 5 ? 'bad' : 1}`);
    write('in.csv', `id,a,b\n${rows.join('\n')}\n`);
    await predict('in.csv', 'whole.csv');
    const stop = new AbortController();
    await expect(predict('in.csv', 'out.csv', { stop })).rejects.toMatchObject({ name: 'AbortError' });
    fs.appendFileSync(path.join(dir, 'out.csv'), '4999,half a r');
    const done = await predict('in.csv', 'out.csv');
    expect(done).toMatchObject({ rows: 5_000, failed: 7 });
    expect(done.resumed).toBeGreaterThan(0);
    expect(read('out.csv')).toBe(read('whole.csv'));
    expect(read('out.csv.errors.jsonl')).toBe(read('whole.csv.errors.jsonl'));
    expect(fs.readdirSync(dir).filter((name) => name.includes('progress'))).toEqual([]);
  });

  it('refuses columns that do not fit, and files that it does not write', async () => {
    write('in.csv', 'a,b,c\n1,2,3\n');
    expect(await predict('in.csv', 'out.csv')).toMatchObject({ rows: 1, failed: 1 });
    expect(read('out.csv.errors.jsonl')).toContain('the model takes 2 columns, the rows have 3');
    write('in.csv', 'customer,a,b\nann,1,2\nbob,3,4\n');
    expect(await predict('in.csv', 'more.csv')).toMatchObject({ rows: 2, failed: 0 });
    expect(read('more.csv')).toBe('customer,a,b,y\nann,1,2,5\nbob,3,4,11\n');
    await expect(predict('in.csv', 'out.parquet')).rejects.toMatchObject({ code: 'usage' });
  });
});

it('predicts the pictures of a folder by their paths', async () => {
  write('m.onnx', '');
  fs.writeFileSync(path.join(dir, 'm.onnx'), identityModel('float32', ['N', 3, 1, 1]));
  write('m.serving.yaml', 'version: 1\nimage: {resize: {mode: exact, width: 1, height: 1}}\n');
  fs.mkdirSync(path.join(dir, 'photos/b'), { recursive: true });
  for (const [file, background] of [
    ['b/red.png', '#ff0000'],
    ['blue', '#0000ff'],
  ] as const) {
    const picture = sharp({ create: { width: 3, height: 2, channels: 3, background } });
    fs.writeFileSync(path.join(dir, 'photos', file), await picture.png().toBuffer());
  }
  write('photos/a.jpg', 'no picture');
  write('photos/notes.txt', 'left alone');
  expect(await predict('photos', 'out.jsonl')).toMatchObject({ rows: 3, failed: 1 });
  expect(read('out.jsonl')).toBe(
    '{"file":"b/red.png","y":[[[255]],[[0]],[[0]]]}\n{"file":"blue","y":[[[0]],[[0]],[[255]]]}\n',
  );
  expect(JSON.parse(read('out.jsonl.errors.jsonl'))).toMatchObject({ file: 'a.jpg' });
});

it('reads fields as pandas does', async () => {
  expect(fieldsOf('a,"b,""c""",,"d"', ',')).toEqual(['a', 'b,"c"', '', 'd']);
  const lines: unknown[] = [];
  write('many.tsv', 'a\tb\n1\t"x\ny"\n2\tz');
  for await (const row of openBatch(path.join(dir, 'many.tsv')).rows()) lines.push([row.at, row.cells]);
  expect(lines).toEqual([
    [{ line: 2 }, { a: '1', b: 'x\ny' }],
    [{ line: 4 }, { a: '2', b: 'z' }],
  ]);
});
