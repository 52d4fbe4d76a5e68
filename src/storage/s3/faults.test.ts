import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';

import { listening } from '../../../test/support/answers.ts';
import { errorAnswer, failure, storeAt, storeOn } from '../../../test/support/fake-s3.ts';
import { patterned } from '../port/contract.ts';

vi.setConfig({ testTimeout: 60_000 });

it('a storm of SlowDown passes, and one that does not is told after a while', async () => {
  const passing = await storeOn((_, response, count) => {
    if (count < 9) return errorAnswer(response, 503, 'SlowDown');
    response.writeHead(200, { etag: '"e"' }).end();
  });
  await passing.write('a', Buffer.from('x'));
  let asked = 0;
  const lasting = await storeOn((_, response) => {
    asked++;
    errorAnswer(response, 503, 'SlowDown');
  });
  expect(await failure(lasting.read('a'))).toMatchObject({
    code: 'remote_unreachable',
    message: expect.stringContaining('SlowDown') as string,
  });
  expect(asked).toBeGreaterThan(5);
});

it('silence ends after read_timeout, before the answer and in its middle, and what arrived is kept', async () => {
  const silent = await storeOn(() => undefined, { read_timeout: 0.1 });
  expect(await failure(silent.read('a'))).toMatchObject({
    code: 'remote_unreachable',
    message: expect.stringContaining('no answer in time') as string,
  });
  const content = patterned(3_000_000);
  const starts: number[] = [];
  const stalling = await storeOn(
    (request, response) => {
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      starts.push(start);
      const end = content.length - 1;
      const range = { 'content-range': `bytes ${start}-${end}/${content.length}`, etag: '"e"' };
      response.writeHead(206, { ...range, 'content-length': content.length - start });
      response.write(content.subarray(start, start + 1_000_000));
    },
    { read_timeout: 1 },
  );
  const target = temporaryFile();
  await stalling.download('a', target);
  expect(fs.readFileSync(target).equals(content)).toBe(true);
  expect(starts[0]).toBe(0);
  expect(starts).toEqual(starts.toSorted((a, b) => a - b));
  expect(starts.at(-1)).toBeGreaterThan(1_000_000);
});

it('a body that is shorter than its length, for good, is no download', async () => {
  for (const size of [5000, 2_000_000]) {
    const store = await storeOn((request, response) => {
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(start > 0 ? 206 : 200, { 'content-length': size - start });
      if (start > 0) return void response.socket?.destroy();
      response.write(Buffer.alloc(size / 2), () => response.socket?.destroy());
    });
    const target = temporaryFile();
    expect((await failure(store.download('a', target))).code).toBe('remote_unreachable');
    expect(fs.existsSync(target)).toBe(false);
  }
});

it('an answer without a length is taken to its end', async () => {
  const content = patterned(500_000);
  const store = await storeOn((_, response) => {
    response.writeHead(200, { etag: '"e"' });
    response.write(content.subarray(0, 100_000));
    response.end(content.subarray(100_000));
  });
  expect(Buffer.from(await store.read('a')).equals(content)).toBe(true);
  const target = temporaryFile();
  await store.download('a', target);
  expect(fs.readFileSync(target).equals(content)).toBe(true);
});

it('etags that are no md5, weak ones and none at all are no reason to fail', async () => {
  const content = patterned(9 << 20);
  for (const etag of ['"not-an-md5"', 'W/"weak"', 'bare', '']) {
    const conditions = new Set<string | undefined>();
    const store = await storeOn((request, response) => {
      if (request.method === 'PUT') return void response.writeHead(200, { etag: '"sse-kms"' }).end();
      conditions.add(request.headers['if-match']);
      const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? [];
      const [start, end] = [Number(from), Math.min(Number(to || content.length), content.length - 1)];
      const range = { 'content-range': `bytes ${start}-${end}/${content.length}`, 'content-length': end - start + 1 };
      response.writeHead(206, { ...range, ...(etag === '' ? {} : { etag }) });
      response.end(content.subarray(start, end + 1));
    });
    await store.write('a', Buffer.from('x'));
    const target = temporaryFile();
    await store.download('a', target);
    expect(fs.readFileSync(target).equals(content)).toBe(true);
    const strong = etag !== '' && !etag.startsWith('W/');
    expect([...conditions]).toEqual(strong ? [undefined, `"${etag.replaceAll('"', '')}"`] : [undefined]);
  }
});

it('a large upload whose last answer is an error inside of 200 has failed, and leaves nothing behind', async () => {
  const asked: string[] = [];
  const store = await storeOn((request, response) => {
    const { method = '', url = '' } = request;
    asked.push(`${method} ${url.replace(/^.*\?/, '').replace(/=.*/, '')}`);
    if (method === 'PUT') return void response.writeHead(200, { etag: '"e"' }).end();
    if (method === 'GET') return errorAnswer(response, 501, 'NotImplemented');
    if (method === 'DELETE') return void response.writeHead(204).end();
    if (url.includes('uploads='))
      return void response.end('<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>');
    errorAnswer(response, 200, 'InvalidPart');
  });
  const source = temporaryFile();
  fs.writeFileSync(source, Buffer.alloc(17 << 20));
  expect(await failure(store.upload(source, 'a'))).toMatchObject({
    code: 'remote_misconfigured',
    message: expect.stringContaining('InvalidPart') as string,
  });
  expect(asked.at(-1)).toMatch(/^DELETE uploadId/);
});

it('what speaks another protocol, or is nowhere, is told in words', async () => {
  const banner = net.createServer((socket) => void socket.end('SSH-2.0-OpenSSH_9.6\r\n'));
  const tls = net.createServer(
    (socket) => void socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  );
  const plain = await listening(tls);
  const wants = await storeOn((_, response) => {
    response.writeHead(400).end('Client sent an HTTP request to an HTTPS server.\n');
  });
  const cases = [
    [await storeAt(await listening(banner)), 'remote_unreachable', 'does not speak HTTP'],
    [await storeAt(plain.replace('http:', 'https:')), 'remote_misconfigured', 'no TLS is spoken there'],
    [wants, 'remote_misconfigured', 'speaks TLS only'],
    [await storeAt('http://127.0.0.1:1'), 'remote_unreachable', 'ECONNREFUSED'],
  ] as const;
  const told = await Promise.all(cases.map(([store]) => failure(store.read('a'))));
  expect(told.map(({ code }) => code)).toEqual(cases.map(([, code]) => code));
  for (const [i, [, , words]] of cases.entries()) expect(told[i]?.message).toContain(words);
});

it('a server that takes connections and never greets is given up after connect_timeout', async () => {
  const mute = await listening(net.createServer());
  const store = await storeAt(mute.replace('http:', 'https:'), { connect_timeout: 0.1 });
  expect(await failure(store.read('a'))).toMatchObject({
    code: 'remote_unreachable',
    message: expect.stringContaining('no connection in time') as string,
  });
});

it('a search for credentials that fails says what was searched', async () => {
  const folder = path.dirname(temporaryFile());
  const config = path.join(folder, 'config');
  const session =
    'sso_start_url = https://x.example\nsso_region = eu-west-3\nsso_registration_scopes = sso:account:access';
  const login = 'sso_session = s\nsso_account_id = 1\nsso_role_name = r';
  fs.writeFileSync(config, `[profile login]\n${login}\n[sso-session s]\n${session}\n`);
  onTestFinished(() => void vi.unstubAllEnvs());
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(name, undefined);
  for (const [name, value] of [
    ['AWS_CONFIG_FILE', config],
    ['AWS_SHARED_CREDENTIALS_FILE', path.join(folder, 'none')],
    ['AWS_EC2_METADATA_DISABLED', 'true'],
    ['HOME', folder],
  ] as const) {
    vi.stubEnv(name, value);
  }
  const searching = { access_key_id: undefined, secret_access_key: undefined };
  const told = async (profile: string | undefined): Promise<{ code: string; message: string; hint: string }> =>
    failure((await storeAt('http://127.0.0.1:1', { ...searching, profile })).read('a'));
  expect(await told(undefined)).toMatchObject({
    code: 'remote_denied',
    hint: expect.stringContaining('AWS_ACCESS_KEY_ID') as string,
  });
  expect(await told('absent')).toMatchObject({
    code: 'remote_denied',
    message: expect.stringContaining('absent') as string,
  });
  expect(await told('login')).toMatchObject({
    code: 'remote_denied',
    hint: expect.stringContaining('aws sso login') as string,
  });
});

it('a call that is stopped ends at once, whatever it waits for', async () => {
  const store = await storeOn(() => undefined);
  const stop = new AbortController();
  const calls = Array.from({ length: 30 }, (_, i) => store.read(`a${i}`, { signal: stop.signal }));
  setTimeout(() => stop.abort(new Error('enough')), 50);
  for (const outcome of await Promise.allSettled(calls)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'enough' } });
  }
});

function temporaryFile(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-s3-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, 'file');
}
