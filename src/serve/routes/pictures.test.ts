import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { identityModel, linearModel } from '../../../test/support/onnx.ts';
import { post, startServer } from '../../../test/support/serving.ts';
import { FolderSource } from '../models/folder-source.ts';
import type { RunningServer } from './server.ts';

let server: RunningServer;
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'serve-pictures-'));
const colours = ['#ff0000', '#00ff00', '#0000ff'];
const png = (background: string, width = 4, height = 2) =>
  sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();

function model(name: string, bytes: Uint8Array, serving: string | undefined): void {
  fs.mkdirSync(path.join(dir, name), { recursive: true });
  fs.writeFileSync(path.join(dir, name, 'model.onnx'), bytes);
  if (serving !== undefined) fs.writeFileSync(path.join(dir, name, 'serving.yaml'), serving);
}

beforeAll(async () => {
  const small = 'resize: {mode: exact, width: 2, height: 1}';
  model('pixels', identityModel('float32', ['N', 3, 1, 2]), `version: 1\nimage: {${small}}\n`);
  model('one', identityModel('float32', [1, 3, 1, 2]), `version: 1\nimage: {field: photo, ${small}}\n`);
  model('bytes', identityModel('uint8', ['N', 1, 2, 3]), `version: 1\nimage: {${small}}\n`);
  model(
    'half',
    identityModel('float16', ['N', 3, 1, 2]),
    `version: 1\nimage: {${small}, scale: 0.00392156862745098}\n`,
  );
  model('any', identityModel('float32', ['N', 3, 'H', 'W']), 'version: 1\nimage: {}\n');
  model('rows', linearModel(2, 1), undefined);
  server = await startServer(FolderSource.directory(dir));
  expect(server.failures).toEqual([]);
});
afterAll(async () => {
  await server.close(1_000);
  fs.rmSync(dir, { recursive: true });
});

interface Answer {
  readonly outputs: { readonly y: unknown[] };
  readonly error: { readonly code: string; readonly message: string };
}

const send = async (model: string, body: Uint8Array | FormData | string, type?: string) => {
  const headers = type === undefined ? {} : { 'content-type': type };
  const url = `${server.listening.url}/predict?model=${model}`;
  const answer = await fetch(url, { method: 'POST', body, headers });
  return { status: answer.status, body: (await answer.json()) as Answer };
};

describe('pictures', () => {
  it('are rows of the input, in the type that the model takes', async () => {
    const files = await Promise.all(colours.map((colour) => png(colour)));
    const form = new FormData();
    for (const file of files) form.append('image', new Blob([file]), 'a.png');
    const planes = (row: number) => [0, 1, 2].map((band) => [[band === row ? 255 : 0, band === row ? 255 : 0]]);
    expect((await send('pixels', form)).body.outputs.y).toEqual([planes(0), planes(1), planes(2)]);
    const texts = files.map((file) => file.toString('base64'));
    const whole = await post(server, '/predict?model=bytes', { image: texts });
    expect((whole.json() as Answer).outputs.y).toEqual([
      [
        [
          [255, 0, 0],
          [255, 0, 0],
        ],
      ],
      [
        [
          [0, 255, 0],
          [0, 255, 0],
        ],
      ],
      [
        [
          [0, 0, 255],
          [0, 0, 255],
        ],
      ],
    ]);
    const half = await post(server, '/predict?model=half', { image: texts[0] });
    expect((half.json() as Answer).outputs.y).toEqual([[[[1, 1]], [[0, 0]], [[0, 0]]]]);
  });

  it('go one by one through a model of one row', async () => {
    const files = await Promise.all(colours.map((colour) => png(colour)));
    const answer = await post(server, '/predict?model=one', { photo: files.map((file) => file.toString('base64url')) });
    expect((answer.json() as Answer).outputs.y).toHaveLength(3);
    expect((answer.json() as Answer).outputs.y[2]).toEqual([[[0, 0]], [[0, 0]], [[255, 255]]]);
  });

  it('of one request must become one size', async () => {
    const files = [await png('red', 3, 3), await png('red', 4, 3)].map((file) => file.toString('base64'));
    const { status, text } = await post(server, '/predict?model=any', { image: files });
    expect(status).toBe(400);
    expect(text).toContain('3 x 3, 4 x 3');
  });

  it('may still be given as the tensor of the model', async () => {
    const answer = await post(server, '/predict?model=pixels', { inputs: { x: [[[[1, 2]], [[3, 4]], [[5, 6]]]] } });
    expect((answer.json() as Answer).outputs.y).toEqual([[[[1, 2]], [[3, 4]], [[5, 6]]]]);
  });

  it('are compared as rows', async () => {
    const [red = '', green = ''] = (await Promise.all(colours.map((colour) => png(colour)))).map((file) =>
      file.toString('base64'),
    );
    const { status } = await post(server, '/predict/similarity?model=pixels', {
      query: { image: red },
      candidates: { image: [green, red] },
    });
    // The model has no vectors, and the pictures were read.
    expect(status).toBe(400);
  });
});

describe('what is no picture', () => {
  const bad: Record<string, readonly [string | Uint8Array, string | undefined, number, RegExp]> = {
    SVG: ['<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/svg+xml', 400, /SVG/],
    'SVG as PNG': ['<?xml version="1.0"?><svg/>', 'image/png', 400, /SVG/],
    PDF: ['%PDF-1.4', 'application/pdf', 400, /PDF/],
    HTML: ['<!doctype html>', 'text/html', 400, /HTML/],
    nothing: ['', 'image/png', 400, /empty/],
    'a cut-off JPEG': [Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 74, 70]), 'image/jpeg', 400, /cut off|broken/],
    'a URL': ['{"image": "http://127.0.0.1:1/a.png"}', 'application/json', 400, /nothing is fetched/],
    'no base64': ['{"image": "§§"}', 'application/json', 400, /base64/],
    'a number': ['{"image": 7}', 'application/json', 400, /base64/],
    'an empty list': ['{"image": []}', 'application/json', 400, /one picture or more/],
    'another key': ['{"photo": "AAAA"}', 'application/json', 400, /photo/],
    'no key': ['{"inputs": {}}', 'application/json', 400, /a picture/],
    'a form without boundary': ['x', 'multipart/form-data', 400, /boundary/],
    'a form that is cut off': [
      '--b\r\ncontent-disposition: form-data; name="image"; filename="a"\r\n\r\nabc',
      'multipart/form-data; boundary=b',
      400,
      /ends before/,
    ],
    'a form of nothing': ['--b--', 'multipart/form-data; boundary=b', 400, /a picture/],
  };
  it.for(Object.entries(bad))('%s is refused with the reason', async ([, [content, type, status, why]]) => {
    const started = performance.now();
    const answer = await send('pixels', content, type);
    expect(answer.body.error.message).toMatch(why);
    expect(answer.status).toBe(status);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('is refused in a form by the name of its field', async () => {
    const form = new FormData();
    form.append('picture', new Blob([await png('red')]), 'a.png');
    const { status, body } = await send('pixels', form);
    expect([status, body.error.message]).toEqual([400, expect.stringMatching(/picture: expected only image/)]);
  });

  it('does not stop the others, nor fill the memory', async () => {
    const header = Buffer.from((await png('red')).subarray(0, 33));
    header.writeUInt32BE(45_000, 16);
    header.writeUInt32BE(45_000, 20);
    const good = await png('red');
    const before = process.memoryUsage.rss();
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        send('pixels', i % 3 === 0 ? good : i % 3 === 1 ? header : good.subarray(0, 60), 'image/png'),
      ),
    );
    expect(answers.map(({ status }, i) => status === (i % 3 === 0 ? 200 : 400)).every(Boolean)).toBe(true);
    expect(process.memoryUsage.rss() - before).toBeLessThan(300e6);
  });

  it('is refused where a model takes no pictures', async () => {
    const form = new FormData();
    form.append('image', new Blob([await png('red')]), 'a.png');
    expect((await send('rows', form)).status).toBe(415);
    expect((await send('rows', await png('red'), 'image/png')).status).toBeGreaterThanOrEqual(400);
    expect((await send('rows', '{"x": [[1, 2]]}', 'image/png')).status).toBeLessThan(500);
    const fields = new FormData();
    fields.append('x', '[[1, 2]]');
    expect((await send('rows', fields)).status).toBeLessThan(500);
  });
});
