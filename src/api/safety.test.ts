import * as fs from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createShell, listen, type Listening } from '../http/index.ts';
import { openTracking, type TrackingStore } from '../tracking/index.ts';
import { hostGuard, registerMlflowApi, registerWebUi, wrongAddress } from './index.ts';

let folder: string;
let store: TrackingStore;
let server: Listening;

beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-safety-'));
  fs.writeFileSync(path.join(folder, 'secret.txt'), 'secret');
  store = await openTracking('memory:', { artifacts: path.join(folder, 'artifacts') });
  const shell = await createShell({
    screen: hostGuard({ allowedOrigins: ['https://app.example'] }),
    bodyLimit: 100_000,
    notFound: wrongAddress(),
  });
  registerMlflowApi(shell, { store });
  registerWebUi(shell, { store });
  server = await listen(shell, { host: '127.0.0.1', port: 0 });
});

afterEach(async () => {
  await server.close(0);
  await store.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A request whose path is sent as it is: `fetch` would tidy it. */
function send(
  method: string,
  target: string,
  options: { headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: '127.0.0.1', port: server.port, method, path: target, headers: options.headers ?? {} },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
}

const post = async (url: string, body: unknown): Promise<Answer & { json: Record<string, never> }> => {
  const answer = await send('POST', `/api/2.0/mlflow/${url}`, {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { ...answer, json: JSON.parse(answer.body.toString()) as Record<string, never> };
};

const proxy = '/api/2.0/mlflow-artifacts/artifacts';

const climbing = [
  '../secret.txt',
  '../../etc/passwd',
  '..%2fsecret.txt',
  '%2e%2e/secret.txt',
  '%2e%2e%2fsecret.txt',
  '..%252fsecret.txt',
  '%252e%252e%252fsecret.txt',
  '%25252e%25252e%25252fsecret.txt',
  'a/../../secret.txt',
  'a/%2e%2e/%2e%2e/secret.txt',
  '/etc/passwd',
  '%2fetc%2fpasswd',
  '//etc/passwd',
  'file:///etc/passwd',
  'C:/x',
  'a%5c..%5cb',
  '..%5c..%5csecret.txt',
  'a%00b',
  '..',
];

describe('artifact paths', () => {
  it.each(climbing)('refuse %s to be read, written and deleted', async (bad) => {
    for (const [method, body] of [
      ['GET', undefined],
      ['PUT', 'x'],
      ['DELETE', undefined],
    ] as const) {
      const answer = await send(method, `${proxy}/${bad}`, body === undefined ? {} : { body });
      expect([method, answer.status >= 400 && answer.status < 500]).toEqual([method, true]);
      expect(answer.body.toString()).not.toContain('root:');
    }
    expect(fs.readFileSync(path.join(folder, 'secret.txt'), 'utf8')).toBe('secret');
    expect(fs.readdirSync(folder).toSorted()).toEqual(['secret.txt']);
  });

  it('refuse the same as queries, of lists and of downloads', async () => {
    const { json } = await post('runs/create', { experiment_id: '0' });
    const id = (json as unknown as { run: { info: { run_id: string } } }).run.info.run_id;
    for (const bad of climbing) {
      for (const target of [
        `${proxy}?path=${bad}`,
        `/get-artifact?run_id=${id}&path=${bad}`,
        `/ajax-api/2.0/mlflow/artifacts/list?run_id=${id}&path=${bad}`,
      ]) {
        const answer = await send('GET', target);
        expect([target, answer.status >= 400 && answer.status < 500]).toEqual([target, true]);
      }
      const upload = await send('POST', `/ajax-api/2.0/mlflow/upload-artifact?run_uuid=${id}&path=${bad}`, {
        body: 'x',
      });
      expect([bad, upload.status]).toEqual([bad, 400]);
    }
    expect(fs.existsSync(path.join(folder, 'artifacts'))).toBe(false);
  });
});

describe('artifact locations and version sources', () => {
  const places = [
    '/etc',
    'file:///etc',
    'file:///tmp/../etc',
    '//proc/self/root',
    'http:///#/../../../../etc/',
    'http://host/api/2.0/mlflow-artifacts/artifacts/../../..',
    'mlflow-artifacts://host/../../..',
    'mlflow-artifacts:/../../x',
    'mlflow-artifacts:/%2e%2e/x',
    's3:/b/../..',
    's3://b/a?/../../../../../etc',
    's3://b/a;/../../../etc',
    's3://b/#/../../etc',
    'file://\\..\\..\\etc',
    '\\..\\..\\etc',
    'C:\\Windows',
    'ftp://host/x',
    'https://169.254.169.254/latest',
  ];

  it.each(places)('refuse %s', async (place) => {
    const experiment = await post('experiments/create', { name: place, artifact_location: place });
    expect([experiment.status, experiment.json['error_code']]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
    const run = await post('runs/create', { experiment_id: '0' });
    const id = (run.json as unknown as { run: { info: { run_id: string } } }).run.info.run_id;
    await post('registered-models/create', { name: 'm' });
    for (const extra of [{}, { run_id: id }]) {
      const version = await post('model-versions/create', { name: 'm', source: place, ...extra });
      expect(version.status).toBe(400);
    }
    // A prompt has no files, and its source is not what somebody else may read.
    const prompt = { name: 'm', source: place, tags: [{ key: 'mlflow.prompt.is_prompt', value: 'true' }] };
    expect((await post('model-versions/create', prompt)).status).toBe(400);
    expect((await post('model-versions/create', { ...prompt, source: 'dummy-source' })).status).toBe(200);
  });

  it('keep object stores as they are, and versions of another run out', async () => {
    const made = await post('experiments/create', { name: 's', artifact_location: 's3://bucket/a' });
    expect(made.status).toBe(200);
    const [one, two] = await Promise.all([0, 1].map(() => post('runs/create', { experiment_id: '0' })));
    const idOf = (answer: typeof one): string =>
      (answer!.json as unknown as { run: { info: { run_id: string } } }).run.info.run_id;
    await post('registered-models/create', { name: 'm' });
    const foreign = { name: 'm', run_id: idOf(two), source: `mlflow-artifacts:/0/${idOf(one)}/artifacts/model` };
    expect((await post('model-versions/create', foreign)).status).toBe(400);
    expect((await post('model-versions/create', { ...foreign, run_id: idOf(one) })).status).toBe(200);
  });
});

describe('hosts and origins', () => {
  it.each([
    ['localhost:5000', 200],
    ['127.0.0.1', 200],
    ['[::1]:80', 200],
    ['10.1.2.3:5000', 200],
    ['192.168.0.7', 200],
    ['172.16.0.1', 200],
    ['172.32.0.1', 403],
    ['10.evil.com', 403],
    ['192.168.evil.com', 403],
    ['evil.com', 403],
    ['localhost.evil.com', 403],
    ['127.0.0.1@evil.com', 403],
  ])('answers Host %s with %i', async (host, status) => {
    const answer = await send('GET', '/api/2.0/mlflow/experiments/get?experiment_id=0', { headers: { host } });
    expect(answer.status).toBe(status);
    if (status === 403)
      expect(answer.body.toString()).toContain('Invalid Host header - possible DNS rebinding attack detected');
    const health = await send('GET', '/health', { headers: { host } });
    expect([health.status, health.body.toString()]).toEqual([200, 'OK']);
  });

  it('matches configured hosts with and without port and as patterns', async () => {
    const allows = (allowedHosts: string[], host: string): boolean => {
      const screen = hostGuard({ allowedHosts });
      const reply = {
        header: () => reply,
        headers: () => reply,
        code: () => reply,
        type: () => reply,
        send: () => reply,
      };
      return screen({ headers: { host }, url: '/x', method: 'GET' } as never, reply as never);
    };
    expect(allows(['ml.example.com'], 'ml.example.com:8080')).toBe(true);
    expect(allows(['ml.example.com:80'], 'ml.example.com:8080')).toBe(false);
    expect(allows(['ml.example.com:*'], 'ml.example.com:8080')).toBe(true);
    expect(allows(['*.example.com'], 'a.example.com')).toBe(true);
    expect(allows(['*.example.com'], 'example.com.evil.org')).toBe(false);
    expect(allows(['10.*'], '10.2.3.4:1')).toBe(true);
    expect(allows(['10.*'], '10.evil.com')).toBe(false);
    expect(allows(['*'], 'anything')).toBe(true);
  });

  it('blocks changes from foreign pages and lets local and allowed ones through', async () => {
    const create = (origin: string, method = 'POST', extra: Record<string, string> = {}) =>
      send(method, '/api/2.0/mlflow/experiments/create', {
        headers: { 'content-type': 'application/json', origin, ...extra },
        body: method === 'OPTIONS' ? '' : JSON.stringify({ name: origin }),
      });
    for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.com']) {
      const answer = await create(origin);
      expect([answer.status, answer.body.toString().startsWith('Cross-origin request blocked')]).toEqual([403, true]);
      expect((await create(origin, 'OPTIONS', { 'access-control-request-method': 'POST' })).status).toBe(400);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
    for (const origin of ['http://localhost:3000', 'https://app.example']) {
      const answer = await create(origin);
      expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, origin]);
      expect((await create(origin, 'OPTIONS', { 'access-control-request-method': 'POST' })).status).toBe(204);
    }
    const put = await send('PUT', `${proxy}/x.txt`, { headers: { origin: 'https://evil.example' }, body: 'x' });
    expect(put.status).toBe(403);
  });
});

describe('limits', () => {
  it('bound bodies, headers and odd framing', async () => {
    const large = await send('POST', '/api/2.0/mlflow/experiments/create', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'x'.repeat(200_000) }),
    });
    expect([large.status, JSON.parse(large.body.toString()).error_code]).toEqual([413, 'INVALID_PARAMETER_VALUE']);
    const smuggled = await new Promise<string>((resolve) => {
      const socket = net.connect(server.port, '127.0.0.1');
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('close', () => resolve(text));
      socket.write(
        'POST /api/2.0/mlflow/experiments/create HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      );
    });
    expect(smuggled).toMatch(/^HTTP\/1.1 400/);
  });
});

describe('files', () => {
  const content = Buffer.from(Array.from({ length: 5_000 }, (_, i) => i % 251));

  it('go up and down whole, in ranges and by tag, as attachments', async () => {
    const name = `${proxy}/0/a%20b/${encodeURIComponent('ü+x.html')}`;
    expect((await send('PUT', name, { headers: { 'content-type': 'text/html' }, body: content })).status).toBe(200);
    const whole = await send('GET', name);
    expect(whole.body.equals(content)).toBe(true);
    expect(whole.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'content-disposition': `attachment; filename="_+x.html"; filename*=UTF-8''%C3%BC%2Bx.html`,
      'content-length': '5000',
      'accept-ranges': 'bytes',
    });
    const range = await send('GET', name, { headers: { range: 'bytes=10-19' } });
    expect([range.status, range.headers['content-range'], range.body.equals(content.subarray(10, 20))]).toEqual([
      206,
      'bytes 10-19/5000',
      true,
    ]);
    const tail = await send('GET', name, { headers: { range: 'bytes=-5' } });
    expect(tail.body.equals(content.subarray(-5))).toBe(true);
    expect((await send('GET', name, { headers: { range: 'bytes=9000-' } })).status).toBe(416);
    const etag = whole.headers.etag ?? '';
    expect((await send('GET', name, { headers: { 'if-none-match': etag } })).status).toBe(304);
    const stale = await send('GET', name, { headers: { range: 'bytes=0-1', 'if-range': '"other"' } });
    expect([stale.status, stale.body.length]).toEqual([200, 5000]);
    const head = await send('HEAD', name);
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '5000', 0]);
    const list = await send('GET', `${proxy}?path=0%2Fa%20b`);
    expect(JSON.parse(list.body.toString())).toEqual({ files: [{ path: 'ü+x.html', is_dir: false, file_size: 5000 }] });
    expect((await send('GET', `${proxy}/0/none`)).status).toBe(404);
    expect((await send('GET', `${proxy}/0`)).status).toBe(400);
    expect((await send('DELETE', `${proxy}/0`)).body.toString()).toBe('{}');
    expect((await send('DELETE', `${proxy}/0`)).status).toBe(200);
    expect((await send('GET', name)).status).toBe(404);
  });

  it('leave nothing behind when the upload is cut', async () => {
    const socket = net.connect(server.port, '127.0.0.1');
    socket.write(`PUT ${proxy}/0/cut.bin HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n`);
    socket.write(Buffer.alloc(1000));
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await send('GET', `${proxy}/0/cut.bin`)).status).toBe(404);
    expect(fs.readdirSync(path.join(folder, 'artifacts', '0'))).toEqual([]);
    expect((await send('PUT', `${proxy}/0/empty`, { body: '' })).status).toBe(200);
    expect((await send('GET', `${proxy}/0/empty`)).headers['content-length']).toBe('0');
  });
});

describe('the web UI', () => {
  it('is one document under a strict policy, and wrong addresses have a page', async () => {
    const page = await send('GET', '/');
    expect(page.status).toBe(200);
    const policy = page.headers['content-security-policy'] ?? '';
    for (const rule of [
      "default-src 'none'",
      "script-src 'self';",
      "require-trusted-types-for 'script'",
      'frame-ancestors',
    ]) {
      expect(policy).toContain(rule);
    }
    expect(policy).not.toMatch(/unsafe-(?:inline|eval)/);
    expect(page.headers['cache-control']).toBe('no-store');
    const text = page.body.toString();
    expect(text).not.toMatch(/<script(?![^>]*src=)|<style|\son\w+=/);
    const script = /src="(\/static\/ui\/main-\w+\.js)"/.exec(text)?.[1] ?? '';
    const packed = await send('GET', script, { headers: { 'accept-encoding': 'gzip, br' } });
    expect(packed.headers).toMatchObject({
      'content-encoding': 'br',
      'cache-control': expect.stringContaining('immutable'),
    });
    expect((await send('GET', script)).headers['content-encoding']).toBeUndefined();
    expect((await send('GET', '/static/ui/..%2f..%2fpackage.json')).status).toBe(404);
    expect((await send('GET', '/static/ui/index.html')).status).toBe(404);
    const old = await send('GET', '/experiments/1/runs/abc?path=x');
    expect([old.status, old.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect((await send('GET', '/nothing/here')).headers['content-type']).toContain('application/json');
    const wrong = await send('GET', '/nothing/here', { headers: { accept: 'text/html,*/*' } });
    expect([wrong.status, wrong.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
    expect((await send('POST', '/nothing/here')).status).toBe(404);
  });

  it('shows logged pages without an origin and without scripts', async () => {
    const { info } = await store.createRun({ experimentId: '0' });
    await store.artifacts(info.artifactUri).put('a.html', Buffer.from('<script>alert(1)</script>'));
    const page = await send('GET', `/ajax-api/2.0/mlflow/mlops-ui/page?run_id=${info.id}&path=a.html`);
    expect(page.status).toBe(200);
    expect(page.headers['content-security-policy']).toMatch(/^sandbox; default-src 'none'/);
    expect(page.headers['x-content-type-options']).toBe('nosniff');
    expect((await send('GET', `/ajax-api/2.0/mlflow/mlops-ui/page?run_id=${info.id}&path=../x`)).status).toBe(400);
  });
});
