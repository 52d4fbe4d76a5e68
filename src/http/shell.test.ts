import * as http from 'node:http';
import * as net from 'node:net';
import * as zlib from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';

import { MlopsError } from '../base/index.ts';
import {
  createGuard,
  createShell,
  listen,
  mlflowErrorBody,
  parseTraceparent,
  type AccessEntry,
  type Listening,
  type ShellOptions,
} from './index.ts';

const open: Listening[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close(0);
});

async function start(options: ShellOptions = {}) {
  const shell = await createShell({ bodyLimit: 1_000, ...options });
  shell.post('/echo', (request) => request.body);
  shell.get('/thing/:id', (request) => request.params);
  shell.get('/bug', () => {
    throw new Error('secret /etc/path');
  });
  shell.get('/mlflow', { config: { errors: mlflowErrorBody } }, () => {
    throw new MlopsError('model_not_found', 'no model a');
  });
  shell.get('/slow', () => new Promise((resolve) => setTimeout(resolve, 800, { done: true })));
  shell.get('/admin', { config: { scope: 'admin' } }, (request) => ({ caller: request.identity?.name }));
  const server = await listen(shell, { host: '127.0.0.1', port: 0 });
  open.push(server);
  return server;
}

function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
    socket.setTimeout(3_000, () => socket.destroy());
  });
}

describe('the web-server shell', () => {
  it('gives every type of body as bytes and every answer an id', async () => {
    const { url } = await start();
    const answer = await fetch(`${url}/echo`, {
      method: 'POST',
      body: 'abc',
      headers: { 'content-type': 'strange/type', 'x-request-id': 'mine-1' },
    });
    expect([answer.status, await answer.text(), answer.headers.get('x-request-id')]).toEqual([200, 'abc', 'mine-1']);
    const other = await fetch(`${url}/thing/7`, { headers: { 'x-request-id': 'bad id\tx' } });
    expect(other.headers.get('x-request-id')).toMatch(/^[0-9a-f]{8}-\w+$/);
  });

  it('decompresses bodies up to the limit', async () => {
    const { url } = await start();
    const post = (body: Uint8Array, encoding: string) =>
      fetch(`${url}/echo`, { method: 'POST', body, headers: { 'content-encoding': encoding } });
    expect(await (await post(zlib.gzipSync('hello'), 'gzip')).text()).toBe('hello');
    expect(await (await post(zlib.deflateSync('hello'), 'deflate')).text()).toBe('hello');
    expect((await post(zlib.gzipSync(Buffer.alloc(1_000_000)), 'gzip')).status).toBe(413);
    expect((await post(Buffer.from('no gzip'), 'gzip')).status).toBe(400);
    expect((await post(Buffer.from('x'), 'zstd')).status).toBe(415);
  });

  it('answers errors by the catalogue, in the shape of the route, without inner details', async () => {
    const lines: string[] = [];
    const log = { level: 'error', error: (line: string) => lines.push(line) } as unknown as NonNullable<
      ShellOptions['log']
    >;
    const { url } = await start({ log });
    const get = async (path: string, method = 'GET') => {
      const answer = await fetch(url + path, { method });
      return { status: answer.status, allow: answer.headers.get('allow'), body: (await answer.json()) as never };
    };
    expect(await get('/nowhere')).toMatchObject({ status: 404, body: { error: { code: 'no_such_route' } } });
    expect(await get('/thing/1?q=2', 'DELETE')).toMatchObject({ status: 405, allow: 'GET, HEAD' });
    expect(await get('/mlflow')).toMatchObject({ status: 404, body: { error_code: 'RESOURCE_DOES_NOT_EXIST' } });
    const bug = await get('/bug');
    expect(bug.status).toBe(500);
    expect(JSON.stringify(bug.body)).not.toContain('secret');
    expect(lines[0]).toContain('secret');
    const large = await fetch(`${url}/echo`, { method: 'POST', body: 'x'.repeat(1_001) });
    expect([large.status, large.headers.get('connection')]).toEqual([413, 'close']);
    expect(await get('/%zz')).toMatchObject({ status: 400 });
  });

  it('asks the verifier for routes with a scope, before the body', async () => {
    const { url } = await start({
      verify: ({ headers }, scope) => {
        if (headers.authorization === 'Bearer k') return { name: `owner of k for ${scope}`, scopes: [scope] };
        throw new MlopsError('unauthorized', 'no valid key');
      },
    });
    const denied = await fetch(`${url}/admin`);
    expect([denied.status, denied.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="mlops"']);
    const allowed = await fetch(`${url}/admin`, { headers: { authorization: 'Bearer k' } });
    expect(await allowed.json()).toEqual({ caller: 'owner of k for admin' });
    expect((await fetch(`${url}/thing/1`)).status).toBe(200);
  });

  it('refuses foreign hosts and origins, answers allowed ones with CORS headers', async () => {
    const guard = { allowedHosts: ['127.0.0.1', 'localhost'], allowedOrigins: ['https://app.example'] };
    const { url, port } = await start({ guard });
    const withHeaders = (headers: Record<string, string>, method = 'GET') =>
      new Promise<http.IncomingMessage>((resolve) => {
        http.request({ port, host: '127.0.0.1', path: '/thing/1', method, headers }, resolve).end();
      });
    expect((await withHeaders({ host: 'evil.example' })).statusCode).toBe(403);
    expect((await withHeaders({ host: `localhost:${port}` })).statusCode).toBe(200);
    expect((await withHeaders({ origin: 'https://evil.example' })).statusCode).toBe(403);
    expect((await withHeaders({ origin: url })).statusCode).toBe(200);
    const allowed = await withHeaders({ origin: 'https://app.example' });
    expect(allowed.headers['access-control-allow-origin']).toBe('https://app.example');
    const preflight = await withHeaders(
      { origin: 'https://app.example', 'access-control-request-method': 'POST' },
      'OPTIONS',
    );
    expect([preflight.statusCode, preflight.headers['access-control-allow-methods']]).toEqual([
      204,
      'GET, POST, PUT, PATCH, DELETE, OPTIONS',
    ]);
    expect(() => createGuard({ allowedHosts: ['*'], allowedOrigins: ['*'] })({ host: 'x', origin: 'y' })).not.toThrow();
  });

  it('reports each request once and follows a trace', async () => {
    const entries: AccessEntry[] = [];
    const { url } = await start({ onAccess: (entry) => entries.push(entry) });
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const answer = await fetch(`${url}/thing/9`, { headers: { traceparent: `00-${trace}-b7ad6b7169203331-01` } });
    expect(answer.headers.get('traceresponse')).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
    expect(entries).toMatchObject([{ method: 'GET', path: '/thing/9', status: 200, trace }]);
    expect(parseTraceparent(`00-${'0'.repeat(32)}-b7ad6b7169203331-01`)).toBeUndefined();
    expect(parseTraceparent('nonsense')).toBeUndefined();
  });

  it('answers bytes that are no HTTP request and closes', async () => {
    const { port } = await start();
    expect(await raw(port, 'hello\r\n\r\n')).toMatch(/^HTTP\/1.1 400/);
    expect(
      await raw(port, 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'),
    ).toMatch(/^HTTP\/1.1 400/);
    expect(await raw(port, `GET /thing/1 HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431/,
    );
    const chunked =
      'POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n';
    expect(await raw(port, chunked)).toMatch(/200 OK[^]*ab$/);
  });
});

describe('listen', () => {
  it('says who has to move when the port is taken', async () => {
    const { port } = await start();
    const second = await createShell();
    await expect(listen(second, { host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'port_in_use' });
    await expect(listen(second, { host: '203.0.113.7', port: 0 })).rejects.toMatchObject({ code: 'usage' });
  });

  it('finishes requests under way, closes idle connections, and frees the port', async () => {
    const server = await start();
    const agent = new http.Agent({ keepAlive: true });
    const get = (path: string) =>
      new Promise<http.IncomingMessage>((resolve, reject) => {
        http.get({ port: server.port, host: '127.0.0.1', path, agent }, resolve).on('error', reject);
      });
    (await get('/thing/1')).resume();
    const slow = get('/slow');
    await new Promise((resolve) => setTimeout(resolve, 50));
    const closed = server.close(5_000);
    const answer = await slow;
    answer.resume();
    expect([answer.statusCode, answer.headers.connection]).toEqual([200, 'close']);
    expect(await closed).toBe(true);
    await expect(get('/thing/1')).rejects.toThrow(/ECONNREFUSED|hang up/);
    agent.destroy();
  });

  it('cuts what does not finish by the deadline', async () => {
    const server = await start();
    const slow = fetch(`${server.url}/slow`);
    slow.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await server.close(20)).toBe(false);
    await expect(slow).rejects.toThrow();
  });
});
