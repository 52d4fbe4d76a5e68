// 100 kB of each awkward kind in every place of every request: answered in time that grows with the bytes, never by 500.
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awkwardTexts, awkwardValues, expectLinear } from '../../../test/support/awkward.ts';
import { identityModel, linearModel } from '../../../test/support/onnx.ts';
import { startServer } from '../../../test/support/serving.ts';
import { MemorySource, type RunningServer } from '../index.ts';

let directory: string;
let server: RunningServer;

beforeAll(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-linear-'));
  const source = new MemorySource()
    .add('rows', '1', linearModel(4, 1))
    .add('ints', '1', identityModel('int64', ['N']))
    .add('texts', '1', identityModel('string', ['N']))
    .add('floats', '1', identityModel('float32', ['N', 'M']));
  server = await startServer(source, { predictionLog: { directory } });
});

afterAll(async () => {
  await server.close(1_000);
  fs.rmSync(directory, { recursive: true, force: true });
});

function send(method: string, target: string, headers: Record<string, string> = {}, body?: string) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const { port } = server.listening;
    const request = http.request({ host: '127.0.0.1', port, method, path: target, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (data: string) => (text += data));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      // Refused before all of it was sent.
      if (error.code === 'EPIPE' || error.code === 'ECONNRESET') resolve({ status: 400, text: '' });
      else reject(error);
    });
    request.end(body);
  });
}

async function judge(what: string, ask: (size: number) => ReturnType<typeof send>): Promise<void> {
  await expectLinear(what, async (size) => {
    const { status, text } = await ask(size);
    // A log that has no room for more feedback says so.
    if (status >= 500 && status !== 503) expect.fail(`${what}: ${status} ${text.slice(0, 300)}`);
  });
}

/** Many small things that differ, and few that are wide: what a table makes of them may be their product. */
const wideValues: Readonly<Record<string, (size: number) => string>> = {
  ...awkwardValues,
  'rows of one name each': (size) => `[${Array.from({ length: size / 20 }, (_, i) => `{"column${i}":1}`).join()}]`,
  'a row of many names': (size) => `[{${Array.from({ length: size / 20 }, (_, i) => `"column${i}":1`).join()}}]`,
  'columns of one value each': (size) => `{${Array.from({ length: size / 20 }, (_, i) => `"column${i}":[1]`).join()}}`,
  'rows of growing length': (size) =>
    `[${Array.from({ length: Math.sqrt(size) }, (_, i) => `[${Array(i).fill(1).join()}]`).join()}]`,
};

const mark = '@';
/** The mark stands for each leaf in turn, and for each part that is no leaf. */
function places(value: unknown): unknown[] {
  if (Array.isArray(value))
    return [mark, ...value.flatMap((one, i) => places(one).map((inner) => value.with(i, inner)))];
  if (typeof value !== 'object' || value === null) return [mark];
  const inner = Object.entries(value).flatMap(([key, one]) =>
    places(one).map((changed) => ({ ...value, [key]: changed })),
  );
  return [mark, ...inner];
}

const v2 = { name: 'x', shape: [1, 4], datatype: 'FP32', data: [1, 2, 3, 4], parameters: { binary_data_size: 1 } };
const requests: readonly (readonly [url: string, body: unknown])[] = [
  ['/predict?model=rows', { inputs: { x: [[1, 2, 3, 4]] }, outputs: ['y'], model_version: '1', id: 'a' }],
  ['/predict', { model: 'texts', instances: ['a'], parameters: {} }],
  ['/predict?model=ints', { x: [1] }],
  ['/predict/similarity?model=floats', { inputs: { x: [[1, 2]] }, output: 'y' }],
  ['/predict/similarity?model=floats', { query: { x: [[1, 2]] }, candidates: { x: [[1, 2]] } }],
  ['/invocations?model=rows', { dataframe_split: { columns: ['a', 'b', 'c', 'd'], index: [0], data: [[1, 2, 3, 4]] } }],
  ['/invocations?model=rows', { dataframe_records: [{ a: 1, b: 2, c: 3, d: 4 }] }],
  ['/invocations?model=texts', { instances: ['a'] }],
  ['/invocations?model=rows', { inputs: { x: [[1, 2, 3, 4]] }, params: { a: 1 } }],
  ['/v2/models/floats/infer', { id: 'a', inputs: [v2], outputs: [{ name: 'y', parameters: { binary_data: true } }] }],
  [
    '/v2/models/texts/infer',
    { inputs: [{ name: 'x', shape: [1], datatype: 'BYTES', data: ['a'] }], parameters: { a: 1 } },
  ],
  ['/feedback', { prediction_id: 'a', label: 'b', comment: 'c' }],
  ['/v2/repository/index', { ready: true }],
  ['/v2/repository/models/none/load', { parameters: { config: 'a' } }],
];

describe('every place of every request takes linear time', () => {
  it.each(requests)(
    '%s %j',
    async (url, body) => {
      for (const place of places(body)) {
        const text = JSON.stringify(place);
        for (const [kind, make] of Object.entries(awkwardTexts)) {
          await judge(`${url} ${text}: ${kind}`, (size) =>
            send(
              'POST',
              url,
              { 'content-type': 'application/json' },
              text.replace(`"${mark}"`, () => JSON.stringify(make(size))),
            ),
          );
        }
        for (const [kind, make] of Object.entries(wideValues)) {
          await judge(`${url} ${text}: ${kind}`, (size) =>
            send(
              'POST',
              url,
              { 'content-type': 'application/json' },
              text.replace(`"${mark}"`, () => make(size)),
            ),
          );
        }
      }
    },
    600_000,
  );

  it('bodies of each type that are no JSON', async () => {
    const types = ['application/json', 'text/csv', 'text/csv; charset=utf-8', 'application/octet-stream'];
    for (const url of ['/invocations?model=rows', '/predict?model=rows', '/v2/models/floats/infer']) {
      for (const type of types) {
        for (const [kind, make] of Object.entries({ ...awkwardTexts, ...wideValues })) {
          for (const wrap of ['@', 'a,b,c,d\n@,1,1,1\n', 'a,b,c,d\n"@",1,1,1\n', '{"inputs":@', '{"inputs":"@']) {
            await judge(`${url} ${type} ${wrap}: ${kind}`, (size) =>
              send(
                'POST',
                url,
                { 'content-type': type },
                wrap.replace(mark, () => make(size)),
              ),
            );
          }
        }
      }
    }
  }, 600_000);

  it('tables of many columns and rows', async () => {
    const list = (count: number, make: (i: number) => string): string =>
      Array.from({ length: count }, (_, i) => make(i)).join();
    const tables: Readonly<Record<string, (size: number) => string>> = {
      'a header alone': (size) => `${list(size / 8, (i) => `c${i}`)}\n`,
      'a header and a row': (size) => `${list(size / 16, (i) => `c${i}`)}\n${list(size / 16, () => '1')}\n`,
      'one name': (size) => `${'a,'.repeat(size / 4)}a\n${'1,'.repeat(size / 4)}1\n`,
      'rows of digits and a letter': (size) => `a,b,c,d\n${`${'1'.repeat(1_000)}x,1,1,1\n`.repeat(size / 1_007)}`,
      'rows of quotes': (size) => `a\n${`"${'""'.repeat(100)}"\n`.repeat(size / 203)}`,
      'short rows': (size) => `a\n${'1\n'.repeat(size / 2)}`,
    };
    for (const model of ['rows', 'floats', 'texts', 'ints']) {
      for (const [kind, make] of Object.entries(tables)) {
        await judge(`CSV ${model}: ${kind}`, (size) =>
          send('POST', `/invocations?model=${model}`, { 'content-type': 'text/csv' }, make(size)),
        );
      }
    }
  }, 600_000);

  it('targets and headers', async () => {
    const clean = (text: string): string => text.replaceAll(/[^\t\x20-\x7e]/g, '');
    for (const [kind, make] of Object.entries(awkwardTexts)) {
      for (const url of [
        '/@',
        '/predict?model=@',
        '/models/info?model=@',
        '/models/load/@',
        '/v2/models/@',
        '/v2/models/a/versions/@/infer',
        '/docs/@',
      ]) {
        for (const method of ['GET', 'POST']) {
          await judge(`${method} ${url}: ${kind}`, (size) =>
            send(
              method,
              url.replace(mark, () => encodeURIComponent(clean(make(size / 20)))),
              { 'content-type': 'application/json' },
              method === 'GET' ? undefined : '{}',
            ),
          );
        }
      }
      for (const name of [
        'content-type',
        'content-encoding',
        'inference-header-content-length',
        'traceparent',
        'x-request-id',
        'authorization',
        'x-api-key',
        'origin',
        'accept',
        'range',
      ]) {
        await judge(`${name}: ${kind}`, (size) =>
          send(
            'POST',
            '/invocations?model=rows',
            { 'content-type': 'application/json', [name]: clean(make(size / 8)) },
            '{}',
          ),
        );
      }
    }
  }, 600_000);
});
