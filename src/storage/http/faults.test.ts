import * as fs from 'node:fs';
import type * as http from 'node:http';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import * as zlib from 'node:zlib';
import { expect, it, onTestFinished, vi } from 'vitest';

import { answering, listening, type Answer } from '../../../test/support/answers.ts';
import type { BlobStore } from '../port/blob-store.ts';
import { patterned } from '../port/contract.ts';
import { openStore, type RemoteOptions } from '../index.ts';

vi.setConfig({ testTimeout: 60_000 });

const content = patterned(300_000);

async function storeOn(answer: Answer, options: RemoteOptions = {}): Promise<BlobStore> {
  const store = await openStore(await answering(answer), options);
  onTestFinished(() => store.close());
  return store;
}

/** Downloads and gives back what arrived. */
async function downloaded(store: BlobStore, key = 'a'): Promise<Buffer> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-http-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  const target = path.join(folder, 'file');
  try {
    await store.download(key, target);
  } catch (error) {
    expect(fs.existsSync(target)).toBe(false);
    throw error;
  }
  return fs.readFileSync(target);
}

/** A range, if one was asked for, of what is really sent. */
function send(request: http.IncomingMessage, response: http.ServerResponse, sent: Buffer, more: object): void {
  const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? [];
  const [start, end] = [Number(from), Math.min(Number(to || sent.length), sent.length - 1)];
  if (request.headers.range === undefined) {
    response.writeHead(200, { ...more, 'content-length': sent.length });
    return void response.end(request.method === 'HEAD' ? undefined : sent);
  }
  const range = { 'content-range': `bytes ${start}-${end}/${sent.length}`, 'content-length': end - start + 1 };
  response.writeHead(206, { ...more, ...range }).end(sent.subarray(start, end + 1));
}

it.each([
  ['gzip', zlib.gzipSync(content)],
  ['x-gzip', zlib.gzipSync(content)],
  ['deflate', zlib.deflateSync(content)],
  ['br', zlib.brotliCompressSync(content)],
  ['gzip, br', zlib.brotliCompressSync(zlib.gzipSync(content))],
])('what comes packed as %s although it was not asked for is unpacked', async (encoding, packed) => {
  const asked: (string | undefined)[] = [];
  const store = await storeOn((request, response) => {
    asked.push(request.headers['accept-encoding']);
    send(request, response, packed, { 'content-encoding': encoding, etag: '"e"' });
  });
  expect((await downloaded(store)).equals(content)).toBe(true);
  expect(Buffer.from(await store.read('a')).equals(content)).toBe(true);
  expect(await store.stat?.('a')).toEqual({ checksum: '"e"' });
  expect(new Set(asked)).toEqual(new Set(['identity']));
});

it('a packed answer that is cut is asked for again, and never taken for whole', async () => {
  const packed = zlib.gzipSync(content);
  const cutting =
    (times: number): Answer =>
    (_, response, count) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      if (count >= times) return void response.end(packed);
      response.end(packed.subarray(0, packed.length / 2));
    };
  expect((await downloaded(await storeOn(cutting(2)))).equals(content)).toBe(true);
  await expect(downloaded(await storeOn(cutting(Number.POSITIVE_INFINITY)))).rejects.toMatchObject({
    code: 'remote_unreachable',
  });
});

it('an answer that is not packed as it says, or in an unknown way, is told', async () => {
  for (const [encoding, code] of [
    ['gzip', 'remote_misconfigured'],
    ['br', 'remote_misconfigured'],
    ['zstd', 'remote_unsupported'],
  ]) {
    const headers = { 'content-encoding': encoding };
    const store = await storeOn((_, response) => response.writeHead(200, headers).end('plain text '.repeat(100)));
    await expect(downloaded(store)).rejects.toMatchObject({ code });
    await expect(store.read('a')).rejects.toMatchObject({ code });
  }
});

it('a range that is not the one asked for is not taken', async () => {
  const large = patterned(20 << 20);
  const store = await storeOn((request, response) => {
    const start = Number(/bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0);
    // Answers any later range with the first bytes.
    const end = (8 << 20) - 1;
    const range = `bytes 0-${end}/${large.length}`;
    response.writeHead(206, {
      'content-range': range,
      'content-length': end + 1,
      ...(start > 0 ? {} : { etag: '"e"' }),
    });
    response.end(large.subarray(0, end + 1));
  });
  await expect(downloaded(store)).rejects.toMatchObject({ code: 'remote_unreachable' });
});

it('a length that is too long, too short or cut off is no download; the right bytes at last are', async () => {
  const tooLong = await storeOn(
    (_, response) => {
      response.writeHead(200, { 'content-length': content.length + 10 });
      response.write(content);
    },
    { read_timeout: 0.2 },
  );
  await expect(downloaded(tooLong)).rejects.toMatchObject({ code: 'remote_unreachable' });
  const healing = await storeOn((request, response, count) => {
    if (count >= 2) return send(request, response, content, {});
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, 1000), () => response.socket?.destroy());
  });
  expect((await downloaded(healing)).equals(content)).toBe(true);
});

it('redirects in a circle, to other protocols, refusals, and servers of other protocols are told in words', async () => {
  const banner = await listening(net.createServer((socket) => void socket.end('220 ftp ready\r\n')));
  const plain = await answering((_, response) => response.end());
  const cases = [
    [
      await answering((request, response) => response.writeHead(302, { location: request.url }).end()),
      'remote_misconfigured',
      'circle',
    ],
    [
      await answering((_, response) => response.writeHead(302, { location: 'ftp://x/y' }).end()),
      'remote_misconfigured',
      "'ftp://'",
    ],
    [
      await answering((_, response) => response.writeHead(302, { location: 'http://[bad' }).end()),
      'remote_misconfigured',
      'redirects',
    ],
    [await answering((_, response) => response.writeHead(403).end()), 'remote_denied', '403'],
    [await answering((_, response) => response.writeHead(400).end()), 'remote_misconfigured', '400'],
    [await answering((_, response) => response.writeHead(429).end()), 'remote_unreachable', '429'],
    [banner, 'remote_unreachable', 'does not speak HTTP'],
    [plain.replace('http:', 'https:'), 'remote_misconfigured', 'no TLS is spoken there'],
  ] as const;
  const told = await Promise.all(
    cases.map(async ([url]) => {
      const store = await openStore(url);
      return store.read('a').catch((error: unknown) => error as { code: string; message: string });
    }),
  );
  expect(told).toMatchObject(cases.map(([, code]) => ({ code })));
  for (const [i, [, , words]] of cases.entries()) expect(String(told[i])).toContain(words);
});
