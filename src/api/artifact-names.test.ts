// Names of artifacts on every route, and uploads in parts. Answers by MLflow 3.17.2.
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { createShell, listen, mlflowErrorBody, type Listening } from '../http/index.ts';
import { openTracking, type TrackingStore } from '../tracking/index.ts';
import { registerMlflowApi, tidyTarget } from './index.ts';

const base = '/api/2.0/mlflow-artifacts';
let folder: string;
let store: TrackingStore;
let server: Listening;
let run: string;

beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-names-'));
  store = await openTracking('memory:', { artifacts: folder });
  const shell = await createShell({ rewrite: tidyTarget, errors: mlflowErrorBody });
  registerMlflowApi(shell, { store, prefix: '/mlflow' });
  server = await listen(shell, { host: '127.0.0.1', port: 0 });
  run = (await store.createRun({ experimentId: '0' })).info.id;
});

afterEach(async () => {
  await server.close(0);
  await store.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** A request whose path is sent as it is: `fetch` would tidy it. */
function send(method: string, target: string, body?: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: '127.0.0.1', port: server.port, method, path: target, headers },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}
const home = (): string => `${base}/artifacts/0/${run}/artifacts`;
const put = async (name: string): Promise<number> => (await send('PUT', `${home()}/${name}`, 'x')).status;
async function files(target: string): Promise<string[]> {
  const { body } = await send('GET', target);
  return ((JSON.parse(body) as { files?: { path: string }[] }).files ?? []).map((file) => file.path);
}

it('percent signs are decoded until nothing is left, on every route', async () => {
  for (const name of [
    'my%2520model/f.txt',
    '100%25_a%2520b.txt',
    'rate_5%ab.txt',
    'k%25step%253%255ce60.png',
    '100%',
  ]) {
    expect([name, await put(name)]).toEqual([name, 200]);
  }
  const expected = ['100%', '100%_a b.txt', 'k%step%3\\e60.png', 'my model', 'rate_5\ufffd.txt'];
  expect(await files(`${base}/artifacts?path=0/${run}/artifacts`)).toEqual(expected);
  for (const asked of ['my%20model', 'my%2520model', 'my%252520model']) {
    const query = `run_id=${run}&path=${asked}/f.txt`;
    expect(await files(`${base}/artifacts?path=0/${run}/artifacts/${asked}`)).toEqual(['f.txt']);
    expect(await files(`/mlflow/ajax-api/2.0/mlflow/artifacts/list?run_id=${run}&path=${asked}`)).toEqual([
      'my model/f.txt',
    ]);
    expect((await send('GET', `${home()}/${asked}/f.txt`)).body).toBe('x');
    expect((await send('GET', `/mlflow/get-artifact?${query}`)).body).toBe('x');
  }
  expect((await send('GET', `${home()}/rate_5%EF%BF%BD.txt`)).body).toBe('x');
  expect((await send('DELETE', `${home()}/my%20model`)).status).toBe(200);
  expect(await files(`${base}/artifacts?path=0/${run}/artifacts/my%20model`)).toEqual([]);
});

it('files that did not come by a request are found under the name that they have', async () => {
  const own = path.join(folder, '0', run, 'artifacts');
  fs.mkdirSync(path.join(own, 'a%20b'), { recursive: true });
  for (const name of ['a%20b/f', 'line\nbreak', 'b\\c', 'a#b']) fs.writeFileSync(path.join(own, name), 'y');
  fs.writeFileSync(Buffer.concat([Buffer.from(`${own}/caf`), Buffer.from([0xe9])]), 'y');
  expect(await files(`${base}/artifacts?path=0/${run}/artifacts`)).toEqual([
    ...['a#b', 'a%20b', 'b\\c', 'caf\ufffd', 'line\nbreak'],
  ]);
  expect(await files(`${base}/artifacts?path=0/${run}/artifacts/a%2520b`)).toEqual(['f']);
  for (const name of ['a%2520b/f', 'line%0Abreak', 'line%250abreak', 'b%5Cc', 'a%23b']) {
    expect([name, (await send('GET', `${home()}/${name}`)).body]).toEqual([name, 'y']);
  }
});

it('dots and doubled slashes name nothing', async () => {
  expect(await put('d//f')).toBe(200);
  for (const bad of ['./g', 'd/./g', '.', '%2e/g', 'q/', '']) expect([bad, await put(bad)]).toEqual([bad, 400]);
  for (const asked of ['.', './', './d', 'd/.', 'd//', '%2e/d']) {
    const listed = await files(`${base}/artifacts?path=0/${run}/artifacts/${asked}`);
    expect([asked, listed]).toEqual([asked, asked.includes('d') ? ['f'] : ['d']]);
  }
  for (const asked of ['d/./f', './d/f', 'd//f']) {
    expect((await send('GET', `${home()}/${asked}`)).body).toBe('x');
    expect((await send('GET', `/mlflow/get-artifact?run_id=${run}&path=${asked}`)).body).toBe('x');
  }
  for (const odd of ['d', '.', '']) expect((await send('GET', `${home()}/${odd}`)).status).toBe(400);
});

it('a path is looked at before the run, the model or the version is', async () => {
  for (const target of [
    '/mlflow/get-artifact?run_id=nope&path=../x',
    '/mlflow/model-versions/get-artifact?name=n&version=1&path=../x',
    '/mlflow/ajax-api/2.0/mlflow/artifacts/list?run_id=nope&path=../x',
    '/mlflow/ajax-api/2.0/mlflow/logged-models/m-x/artifacts/files?artifact_file_path=../x',
    '/mlflow/ajax-api/2.0/mlflow/logged-models/m-x/artifacts/directories?artifact_directory_path=../x',
  ]) {
    const { status, body } = await send('GET', target);
    expect([target, status, JSON.parse(body).message]).toEqual([target, 400, 'Invalid path']);
  }
  const upload = '/mlflow/ajax-api/2.0/mlflow/upload-artifact';
  for (const [query, body, message] of [
    ['', 'x', 'Request must specify run_uuid.'],
    ['?run_uuid=nope', 'x', 'Request must specify path.'],
    ['?run_uuid=nope&path=../a', 'x', 'Invalid path'],
    ['?run_uuid=nope&path=a', '', 'Request must specify data.'],
  ] as const) {
    expect(JSON.parse((await send('POST', upload + query, body)).body).message).toBe(message);
  }
  expect((await send('POST', `${upload}?run_uuid=nope&path=a`, 'x')).status).toBe(404);
  expect((await send('POST', `${upload}?run_uuid=${run}&path=a%20b/c.txt`, 'x')).status).toBe(200);
  expect(await files(`${base}/artifacts?path=0/${run}/artifacts/a%20b`)).toEqual(['c.txt']);
});

it('the proxy stands below the prefix too, and a file is no folder', async () => {
  for (const api of ['/mlflow/api', '/mlflow/ajax-api', '/api']) {
    const proxy = `${api}/2.0/mlflow-artifacts/artifacts`;
    expect((await send('PUT', `${proxy}/d/f`, api)).status).toBe(200);
    expect((await send('GET', `${proxy}/d/f`)).body).toBe(api);
    expect(await files(`${proxy}?path=d`)).toEqual(['f']);
  }
  for (const bad of ['d/f/g', 'd']) expect((await send('PUT', `${base}/artifacts/${bad}`, 'x')).status).toBe(400);
});

it('types are those of MLflow: text for what people read', async () => {
  for (const [name, type] of Object.entries({
    'f.csv': 'text/plain',
    'f.json': 'text/plain',
    'f.md': 'text/plain',
    'f.ipynb': 'text/plain',
    MLmodel: 'text/plain',
    MLproject: 'application/octet-stream',
    'f.html': 'text/html',
    'f.JSON': 'application/json',
    'f.onnx': 'application/octet-stream',
  })) {
    await put(name);
    expect([name, (await send('GET', `${home()}/${name}`)).headers['content-type']]).toEqual([name, type]);
  }
});

it('large files come in parts, in any order', async () => {
  const call = async (verb: string, body: unknown, folderOf = 'd'): Promise<Answer> =>
    send('POST', `${base}/mpu/${verb}/0/${run}/artifacts/${folderOf}`, JSON.stringify(body), {
      'content-type': 'application/json',
      authorization: 'Basic eDp5',
    });
  const file = { path: '/home/me/big%20file.bin' };
  const created = JSON.parse((await call('create', { ...file, num_parts: 3 })).body) as {
    upload_id: string;
    credentials: { url: string; part_number: number; headers: Record<string, string> }[];
  };
  expect(created.credentials.map((one) => [one.part_number, one.headers])).toEqual(
    [1, 2, 3].map((number) => [number, { Authorization: 'Basic eDp5' }]),
  );
  const parts = await Promise.all(
    created.credentials.toReversed().map(async ({ url, part_number: number, headers }) => {
      expect(url.startsWith(`http://127.0.0.1:${server.port}/`)).toBe(true);
      const sent = await fetch(url, { method: 'PUT', body: `part ${number}, `, headers });
      return { part_number: number, etag: sent.headers.get('etag') ?? '', url };
    }),
  );
  expect(await files(`${base}/artifacts`)).toEqual([]);
  const upload = { ...file, upload_id: created.upload_id };
  expect((await call('complete', { ...upload, parts: parts.slice(1) })).status).toBe(400);
  const altered = parts.map((part) => ({ ...part, etag: '"other"' }));
  expect((await call('complete', { ...upload, parts: altered })).status).toBe(400);
  expect((await call('complete', { ...upload, parts }, 'elsewhere')).status).toBe(400);
  expect((await call('complete', { ...upload, parts })).status).toBe(200);
  expect((await send('GET', `${home()}/d/big%20file.bin`)).body).toBe('part 1, part 2, part 3, ');
  expect((await call('complete', { ...upload, parts })).status).toBe(404);
  expect(fs.readdirSync(folder)).toEqual(['0']);

  const second = JSON.parse((await call('create', { ...file, num_parts: 2 })).body) as typeof created;
  await fetch(second.credentials[0]?.url ?? '', { method: 'PUT', body: 'x' });
  const given = [1, 2].map((number) => ({ part_number: number, etag: '', url: '' }));
  expect((await call('complete', { ...file, upload_id: second.upload_id, parts: given })).status).toBe(400);
  expect((await call('abort', { ...file, upload_id: second.upload_id })).status).toBe(200);
  expect(fs.readdirSync(folder)).toEqual(['0']);
  for (const parts of [0, 10_001]) expect((await call('create', { ...file, num_parts: parts })).status).toBe(400);
  expect((await call('create', {})).status).toBe(400);
});
