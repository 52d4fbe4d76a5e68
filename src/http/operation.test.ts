import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as https from 'node:https';
import * as path from 'node:path';
import type { TLSSocket } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';

import { temporaryFolder } from '../../test/cli.ts';
import { createShell, followTls, listen, readTls, RequestMetrics, type Listening, type ShellOptions } from './index.ts';
import { RateLimiter } from './traffic-limits.ts';

async function serve(options: ShellOptions): Promise<Listening> {
  const shell = await createShell(options);
  shell.get('/open', async () => 'open');
  shell.get('/work', { config: { scope: 'read' } }, async (request) => {
    await delay(request.headers['x-slow'] === undefined ? 0 : 300);
    return request.ip;
  });
  const listening = await listen(shell, { host: '127.0.0.1', port: 0 });
  onTestFinished(async () => void (await listening.close(100)));
  return listening;
}

function certificate(folder: string, name: string): void {
  const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=${name}`;
  const files = ['-keyout', path.join(folder, 'key.pem.new'), '-out', path.join(folder, 'cert.pem.new')];
  execFileSync('openssl', [...words.split(' '), ...files], { stdio: 'ignore' });
  for (const file of ['key.pem', 'cert.pem']) fs.renameSync(path.join(folder, `${file}.new`), path.join(folder, file));
}

function nameOver(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = https.get(`${url}/open`, { rejectUnauthorized: false, agent: false }, (answer) => {
      answer.resume();
      resolve(String((answer.socket as TLSSocket).getPeerCertificate().subject.CN));
    });
    asked.on('error', reject);
  });
}

it('speaks TLS, and takes a new certificate while it runs', async () => {
  const folder = temporaryFolder();
  certificate(folder, 'first');
  const files = { cert: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem') };
  const shell = await createShell({ tls: readTls(files) });
  shell.get('/open', async () => 'open');
  const stop = followTls(shell.server as unknown as https.Server, files, () => undefined);
  const listening = await listen(shell, { host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    stop();
    await listening.close(100);
  });
  expect(listening.url.startsWith('https://')).toBe(true);
  expect(await nameOver(listening.url)).toBe('first');
  certificate(folder, 'second');
  await expect.poll(() => nameOver(listening.url), { timeout: 20_000, interval: 200 }).toBe('second');
  fs.writeFileSync(files.key, 'no key');
  expect(() => readTls(files)).toThrow(/do not make TLS/);
  expect(await nameOver(listening.url)).toBe('second');
});

it('limits the rate of a caller, and says when to come again', async () => {
  const { url } = await serve({ limits: { rate: 0.01 } });
  const statuses: number[] = [];
  for (let i = 0; i < 4; i++) statuses.push((await fetch(`${url}/work`)).status);
  expect(statuses).toEqual([200, 429, 429, 429]);
  const refused = await fetch(`${url}/work`);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(await refused.json()).toMatchObject({ error: { code: 'too_many_requests' } });
  expect((await fetch(`${url}/open`)).status).toBe(200);
});

it('fills the bucket of a caller again, each its own', () => {
  const limiter = new RateLimiter(2);
  for (let i = 0; i < 20; i++) limiter.take('ada', 0);
  expect(() => limiter.take('ada', 100)).toThrow(/2 requests a second/);
  limiter.take('bob', 100);
  limiter.take('ada', 600);
  expect(() => limiter.take('ada', 600)).toThrow();
});

it('lets only so many requests be under way, and counts them all', async () => {
  const metrics = new RequestMetrics();
  const { url } = await serve({ limits: { requests: 1 }, metrics });
  const slow = fetch(`${url}/work`, { headers: { 'x-slow': 'yes' } });
  await expect.poll(() => metrics.underWay, { timeout: 5_000 }).toBe(1);
  const other = await fetch(`${url}/work`);
  expect([other.status, other.headers.get('retry-after')]).toEqual([503, '1']);
  expect((await slow).status).toBe(200);
  await expect.poll(() => metrics.underWay, { timeout: 5_000 }).toBe(0);
  const text = metrics.text(3);
  expect(text).toContain('http_requests_total{method="GET",status="200"} 1');
  expect(text).toContain('http_requests_total{method="GET",status="503"} 1');
  expect(text).toContain('http_request_duration_seconds_count 2');
  expect(text).toContain('http_connections 3');
});

it('believes forwarded addresses of proxies that it knows, and of no others', async () => {
  const headers = { 'x-forwarded-for': '192.0.2.7' };
  const known = await serve({ trustedProxies: ['loopback'] });
  expect(await (await fetch(`${known.url}/work`, { headers })).text()).toBe('192.0.2.7');
  const unknown = await serve({});
  expect(await (await fetch(`${unknown.url}/work`, { headers })).text()).toBe('127.0.0.1');
});
