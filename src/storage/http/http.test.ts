import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import type * as http from 'node:http';
import * as os from 'node:os';
import * as path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

import { answering, type Answer } from '../../../test/support/answers.ts';
import { patterned } from '../port/contract.ts';
import { openStore } from '../index.ts';

it('reads files, ranges and facts of a web server, and says what is absent', async () => {
  const { url } = await serve(plain({ '/d/a.txt': Buffer.from('0123456789'), '/d/empty': Buffer.alloc(0) }));
  const store = await openStore(`${url}/d/`);
  expect(Buffer.from(await store.read('a.txt')).toString()).toBe('0123456789');
  expect((await store.read('empty')).length).toBe(0);
  expect(await store.stat?.('a.txt')).toEqual({ size: 10, checksum: etagOf(Buffer.from('0123456789')) });
  expect(await store.exists('nope')).toBe(false);
  await expect(store.read('nope')).rejects.toMatchObject({ code: 'blob_not_found' });
  const { stream, size } = await store.open('a.txt', { start: 3, end: 5 });
  expect(size).toBe(3);
  expect(Buffer.concat(await stream.toArray()).toString()).toBe('345');
});

it('refuses to be written to and to be listed', async () => {
  const store = await openStore('http://127.0.0.1:9/');
  await expect(store.write('a', new Uint8Array())).rejects.toMatchObject({ code: 'remote_unsupported' });
  await expect(store.list('')[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'remote_unsupported' });
});

it('downloads a large file in parts, goes on where bodies are cut, and observes each byte once', async () => {
  const content = patterned(20 * 1024 * 1024 + 3);
  let answers = 0;
  const { url } = await serve((request, response) => {
    const cut = answers++ % 2 === 0;
    if (!cut) return plain({ '/large': content })(request, response);
    const [start, end] = rangeOf(request, content.length);
    response.writeHead(206, { ...headersOf(content, start, end), etag: etagOf(content) });
    response.write(content.subarray(start, start + Math.floor((end - start) / 2)), () => response.socket?.destroy());
  });
  const store = await openStore(url);
  const target = temporaryFile();
  const seen: Uint8Array[] = [];
  await store.download('large', target, { observe: () => (chunk) => void seen.push(Uint8Array.from(chunk)) });
  expect(fs.readFileSync(target).equals(content)).toBe(true);
  expect(Buffer.concat(seen).equals(content)).toBe(true);
}, 30_000);

it('takes a server that knows neither ranges nor HEAD nor lengths', async () => {
  const content = patterned(9 * 1024 * 1024);
  const { url } = await serve((request, response) => {
    if (request.method === 'HEAD') return void response.writeHead(405).end();
    response.write(content);
    response.end();
  });
  const store = await openStore(url);
  expect(await store.exists('x')).toBe(true);
  const target = temporaryFile();
  await store.download('x', target);
  expect(fs.readFileSync(target).equals(content)).toBe(true);
});

it('never joins two versions of a file', async () => {
  const versions = [patterned(20 * 1024 * 1024), Buffer.alloc(20 * 1024 * 1024, 7)];
  let requests = 0;
  const { url } = await serve((request, response) => {
    const current = versions[requests++ < 1 ? 0 : 1] ?? Buffer.alloc(0);
    plain({ '/x': current })(request, response);
  });
  const store = await openStore(url);
  const target = temporaryFile();
  await store.download('x', target);
  const got = fs.readFileSync(target);
  expect(versions.some((version) => version.equals(got))).toBe(true);
}, 30_000);

it('follows redirects, and gives its password to no other host', async () => {
  const seen: (string | undefined)[] = [];
  const other = await serve((request, response) => {
    seen.push(request.headers.authorization);
    plain({ '/there': Buffer.from('moved') })(request, response);
  });
  const { url } = await serve((_, response) => {
    response.writeHead(302, { location: `${other.url}/there` }).end();
  });
  const store = await openStore(url, { auth: 'basic', user: 'u', password: 'p' });
  expect(Buffer.from(await store.read('here')).toString()).toBe('moved');
  expect(seen).toEqual([undefined]);
});

it('authenticates with basic, digest and a header of its own', async () => {
  const { url } = await serve((request, response) => {
    const given = request.headers.authorization;
    const ok =
      given === `Basic ${Buffer.from('u:p w').toString('base64')}` ||
      request.headers['x-token'] === 'p w' ||
      isDigest(given, request.method ?? '', 'u', 'p w');
    if (ok) return plain({ '/x': Buffer.from('secret') })(request, response);
    response.writeHead(401, { 'www-authenticate': 'Digest realm="r", nonce="n1", qop="auth", algorithm=MD5' }).end();
  });
  const login = { user: 'u', password: 'p w' };
  for (const options of [
    { auth: 'basic', ...login },
    { auth: 'digest', ...login },
    { auth: 'custom', custom_auth_header: 'X-Token', password: 'p w' },
  ]) {
    const store = await openStore(url, options);
    expect(Buffer.from(await store.read('x')).toString(), options.auth).toBe('secret');
  }
  const wrong = await openStore(url, { auth: 'digest', user: 'u', password: 'very secret' });
  const error = await wrong.read('x').catch((failure: unknown) => failure);
  expect(error).toMatchObject({ code: 'remote_denied' });
  expect(String(error)).not.toContain('very secret');
});

it('tries again what may pass', async () => {
  let requests = 0;
  const { url } = await serve((request, response) => {
    if (requests++ < 2) return void response.writeHead(503).end();
    plain({ '/x': Buffer.from('at last') })(request, response);
  });
  const store = await openStore(url);
  expect(Buffer.from(await store.read('x')).toString()).toBe('at last');
});

async function serve(answer: Answer): Promise<{ url: string }> {
  return { url: await answering(answer) };
}

/** A well-behaved file server with ranges and etags. */
function plain(
  files: Readonly<Record<string, Buffer>>,
): (request: http.IncomingMessage, response: http.ServerResponse) => void {
  return (request, response) => {
    const content = files[request.url ?? ''];
    if (content === undefined) return void response.writeHead(404).end();
    const etag = etagOf(content);
    const condition = request.headers['if-range'];
    if (request.headers.range === undefined || (condition !== undefined && condition !== etag)) {
      response.writeHead(200, { 'content-length': content.length, etag });
      return void response.end(request.method === 'HEAD' ? undefined : content);
    }
    const [start, end] = rangeOf(request, content.length);
    if (start >= content.length) return void response.writeHead(416).end();
    response.writeHead(206, { ...headersOf(content, start, end), etag });
    response.end(content.subarray(start, end + 1));
  };
}

function rangeOf(request: http.IncomingMessage, size: number): [number, number] {
  const match = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '');
  const end = match?.[2] === undefined || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return [Number(match?.[1] ?? 0), end];
}

function headersOf(content: Buffer, start: number, end: number): Record<string, string> {
  return { 'content-length': String(end - start + 1), 'content-range': `bytes ${start}-${end}/${content.length}` };
}

function etagOf(content: Buffer): string {
  return `"${md5(content)}"`;
}

function isDigest(header: string | undefined, method: string, user: string, password: string): boolean {
  const value = (name: string): string => new RegExp(`${name}="?([^",]*)`).exec(header ?? '')?.[1] ?? '';
  if (header?.startsWith('Digest ') !== true) return false;
  const first = md5(`${user}:${value('realm')}:${password}`);
  const second = md5(`${method}:${value('uri')}`);
  const own = md5(`${first}:${value('nonce')}:${value('nc')}:${value('cnonce')}:auth:${second}`);
  return /(^|[^c])response="?([0-9a-f]+)/.exec(header)?.[2] === own;
}

function md5(content: string | Buffer): string {
  return createHash('md5').update(content).digest('hex');
}

function temporaryFile(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-http-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, 'file');
}
