import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import * as os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import * as zlib from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';

import { until } from '../../test/support/until.ts';
import { createShell, listen, type Listening, type ShellOptions } from './index.ts';

const open: Listening[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close(0);
});

const digest = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');
let answering = 0;
let most = 0;

async function start(options: ShellOptions = {}): Promise<Listening> {
  const shell = await createShell(options);
  shell.post('/digest', (request) => digest(request.body as Buffer));
  shell.post('/slow', async (request) => {
    most = Math.max(most, ++answering);
    await delay(100);
    answering--;
    return String((request.body as Buffer).length);
  });
  shell.get('/health', () => 'OK');
  const server = await listen(shell, { host: '127.0.0.1', port: 0 });
  open.push(server);
  return server;
}

async function post(server: Listening, path: string, body: Uint8Array, headers: Record<string, string> = {}) {
  const answer = await fetch(server.url + path, {
    method: 'POST',
    body: Buffer.from(body),
    headers: { 'content-type': 'application/octet-stream', ...headers },
  });
  return { status: answer.status, text: await answer.text() };
}

/** The head of a request, and so many bytes of its body; what is answered, and whether the connection was ended. */
function begin(server: Listening, length: number, sent: number, path = '/digest') {
  const socket = net.connect(server.port, '127.0.0.1');
  const seen = { text: '', ended: false, socket };
  socket.on('data', (data) => (seen.text += data.toString()));
  socket.on('close', () => (seen.ended = true)).on('error', () => undefined);
  socket.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: a/b\r\nContent-Length: ${length}\r\n\r\n`);
  socket.write(Buffer.alloc(sent, 97));
  return seen;
}

describe('bodies', () => {
  it.each([0, 1, 262_144, 262_145, 5_000_000])(
    'of %d bytes arrive whole, with a length and in chunks, packed or not',
    async (size) => {
      const server = await start();
      const body = randomBytes(size);
      const wanted = { status: 200, text: digest(body) };
      if (size > 0) expect(await post(server, '/digest', body)).toEqual(wanted);
      expect(await post(server, '/digest', zlib.gzipSync(body), { 'content-encoding': 'gzip' })).toEqual(wanted);
      const chunked = await new Promise<string>((resolve) => {
        const headers = { 'content-type': 'a/b', 'transfer-encoding': 'chunked' };
        const request = http.request(`${server.url}/digest`, { method: 'POST', headers }, (answer) => {
          let text = '';
          answer.on('data', (data: Buffer) => (text += data.toString())).on('end', () => resolve(text));
        });
        request.write(body.subarray(0, size / 2));
        setTimeout(() => request.end(body.subarray(size / 2)), 20);
      });
      expect(chunked).toBe(wanted.text);
    },
  );

  it('beyond the limit are 413, however they come', async () => {
    const server = await start({ bodyLimit: 1_000_000 });
    expect(
      (await post(server, '/digest', zlib.gzipSync(Buffer.alloc(2_000_000)), { 'content-encoding': 'gzip' })).status,
    ).toBe(413);
    const told = begin(server, 1_000_001, 10);
    await until(() => told.ended);
    expect(told.text).toMatch(/^HTTP\/1.1 413/);
    const socket = net.connect(server.port, '127.0.0.1');
    let text = '';
    socket.on('data', (data) => (text += data.toString())).on('error', () => undefined);
    socket.write('POST /digest HTTP/1.1\r\nHost: localhost\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n');
    for (let i = 0; i < 12; i++) socket.write(`186a0\r\n${'a'.repeat(100_000)}\r\n`);
    await until(() => text.startsWith('HTTP/1.1 413'));
    socket.destroy();
  });

  it('that are unfinished are bounded together, and leave nothing behind', async () => {
    const server = await start({ bodies: { unfinished: 2_500_000 } });
    const before = fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith('mlops-body-'));
    const uploads = [1, 2].map(() => begin(server, 1_100_000, 1_000_000));
    await delay(200);
    const third = begin(server, 1_100_000, 1_000_000);
    await until(() => third.ended);
    expect(third.text).toMatch(/^HTTP\/1.1 503[^]*retry-after: 5/i);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    for (const { socket } of uploads) socket.destroy();
    await until(() => uploads.every(({ ended }) => ended));
    await delay(100);
    expect((await post(server, '/digest', Buffer.alloc(2_400_000))).status).toBe(200);
    expect(fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith('mlops-body-'))).toEqual(before);
  });

  it('that are small count, too', async () => {
    const server = await start({ bodies: { inMemory: 115_000 } });
    const uploads = [1, 2, 3].map(() => begin(server, 50_000, 30_000));
    await delay(200);
    const fourth = begin(server, 50_000, 30_000);
    await until(() => fourth.ended);
    expect(fourth.text).toMatch(/^HTTP\/1.1 503/);
    for (const upload of uploads) {
      upload.socket.write(Buffer.alloc(20_000));
      await until(() => upload.text.startsWith('HTTP/1.1 200'));
    }
    for (const { socket } of uploads) socket.destroy();
    expect((await post(server, '/digest', Buffer.alloc(90_000))).status).toBe(200);
  });

  it('that are large are answered a few at a time, in their order', async () => {
    const server = await start({ bodies: { held: 2_000_000 } });
    most = 0;
    const answers = await Promise.all([1, 2, 3, 4, 5].map((i) => post(server, '/slow', Buffer.alloc(900_000 + i))));
    expect(answers.map(({ text }) => text)).toEqual([1, 2, 3, 4, 5].map((i) => String(900_000 + i)));
    expect(most).toBe(2);
    // One whose client leaves gives its place away.
    const left = begin(server, 1_900_000, 1_900_000, '/slow');
    await delay(30);
    left.socket.destroy();
    expect((await post(server, '/slow', Buffer.alloc(3_000_000))).status).toBe(200);
  });

  it.each([1_000, 1_000_000])(
    'of %d bytes that do not come on are ended, those that come on are not',
    async (length) => {
      const server = await start({ progress: { every: 100, least: 20 } });
      const silent = begin(server, length, length / 2);
      const slow = begin(server, length, 0);
      const trickle = setInterval(() => slow.socket.write(Buffer.alloc(10)), 20);
      await until(() => silent.ended);
      expect(silent.text).toMatch(/^HTTP\/1.1 408/);
      expect(slow.ended).toBe(false);
      clearInterval(trickle);
      await until(() => slow.ended);
      expect((await fetch(`${server.url}/health`)).status).toBe(200);
    },
  );
});

it('a second Host header is refused', async () => {
  const server = await start();
  for (const second of ['Host: localhost', 'HOST: evil.example', 'host:']) {
    const socket = net.connect(server.port, '127.0.0.1');
    let text = '';
    socket.on('data', (data) => (text += data.toString()));
    socket.write(`GET /health HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n${second}\r\n\r\n`);
    await until(() => text.startsWith('HTTP/1.1 400'));
    socket.destroy();
  }
});
