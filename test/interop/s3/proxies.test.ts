import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, it, onTestFinished, vi } from 'vitest';

import { openStore, type BlobStore, type RemoteOptions } from '../../../src/storage/index.ts';
import { cleanEnv, freshProject, mlops, startMlops } from '../../cli.ts';
import { webProxy, type WebProxy, type WebProxyOptions } from '../../support/web-proxy.ts';
import { describeWithTool } from '../../tools.ts';
import { startMinio, type Minio } from './minio.ts';

vi.setConfig({ testTimeout: 120_000 });

/** S3 and web servers behind a forward proxy. Nothing but what NO_PROXY names is reached without it, loopback neither. */
describeWithTool(['minio', 'dvc'], 'proxies', ({ minio: program, dvc }) => {
  let plain: Minio;
  let secure: Minio;
  let web: https.Server;
  let webUrl: string;
  beforeAll(async () => {
    [plain, secure] = await Promise.all([startMinio(program), startMinio(program, { tls: true })]);
    for (const minio of [plain, secure]) minio.makeBucket('bucket');
    web = https.createServer(pair(), (request, response) => {
      response.end(request.url === '/far' ? 'from afar' : 'from the web');
    });
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    webUrl = `https://127.0.0.1:${(web.address() as AddressInfo).port}`;
  }, 120_000);
  afterEach(() => vi.unstubAllEnvs());
  afterAll(async () => {
    web.closeAllConnections();
    web.close();
    await Promise.all([plain.stop(), secure.stop()]);
  });

  /** The certificate of the secure server, and its key. */
  const pair = (): { cert: Buffer; key: Buffer } => {
    const certificate = secure.certificate ?? '';
    const key = path.join(path.dirname(certificate), 'private.key');
    return { cert: fs.readFileSync(certificate), key: fs.readFileSync(key) };
  };
  const startProxy = async (options?: WebProxyOptions): Promise<WebProxy> => {
    const proxy = await webProxy(options);
    onTestFinished(() => proxy.close());
    return proxy;
  };
  const open = async (url: string, options: RemoteOptions): Promise<BlobStore> => {
    const store = await openStore(url, options);
    onTestFinished(() => store.close());
    return store;
  };
  const trusting = (): RemoteOptions => ({ ...secure.options, ssl_verify: secure.certificate });
  const text = async (store: BlobStore, key: string): Promise<string> => Buffer.from(await store.read(key)).toString();

  it.each([undefined, 'me:p%40ss'])('S3 over http: whole URLs, with login %s', async (login) => {
    const proxy = await startProxy(login === undefined ? {} : { login: decodeURIComponent(login) });
    vi.stubEnv('HTTP_PROXY', proxy.url.replace('me:p@ss', 'me:p%40ss'));
    const store = await open('s3://bucket/plain', plain.options);
    await store.write('a b+é', Buffer.from('through'));
    expect(await text(store, 'a b+é')).toBe('through');
    expect(await store.exists('c')).toBe(false);
    expect(proxy.asked).toEqual([
      `PUT ${plain.endpoint}/bucket/plain/a%20b%2B%C3%A9`,
      `GET ${plain.endpoint}/bucket/plain/a%20b%2B%C3%A9`,
      `HEAD ${plain.endpoint}/bucket/plain/c`,
    ]);
  });

  it('S3 over https: one tunnel for one connection, the certificate is still the server’s', async () => {
    const proxy = await startProxy({ login: 'me:secret' });
    vi.stubEnv('https_proxy', proxy.url);
    const store = await open('s3://bucket/tunnel', trusting());
    const content = Buffer.alloc(20 << 20, 'large');
    const file = path.join(plain.folder, 'large');
    fs.writeFileSync(file, content);
    await store.write('a', Buffer.from('tunnelled'));
    expect(await text(store, 'a')).toBe('tunnelled');
    expect(proxy.asked).toEqual([`CONNECT 127.0.0.1:${secure.port}`]);
    await store.upload(file, 'large');
    expect(Buffer.from(await store.read('large')).equals(content)).toBe(true);
    await expect((await open('s3://bucket/tunnel', secure.options)).read('a')).rejects.toMatchObject({
      code: 'remote_misconfigured',
      message: expect.stringMatching(/certificate/i) as string,
    });
  });

  it('web servers: tunnels for https, whole URLs for http', async () => {
    const proxy = await startProxy();
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    vi.stubEnv('http_proxy', `127.0.0.1:${proxy.port}`);
    const options = { ssl_verify: secure.certificate };
    expect(await text(await open(webUrl, options), 'x')).toBe('from the web');
    const health = await open(plain.endpoint, {});
    expect(await health.exists('minio/health/live')).toBe(true);
    expect(proxy.asked).toEqual([`CONNECT ${new URL(webUrl).host}`, `HEAD ${plain.endpoint}/minio/health/live`]);
    vi.stubEnv('NO_PROXY', 'example.com,127.0.0.1');
    expect(await text(await open(webUrl, options), 'far')).toBe('from afar');
    expect(proxy.asked.length).toBe(2);
  });

  it('a proxy that speaks TLS itself, and is trusted as the remote is', async () => {
    const proxy = await startProxy({ tls: pair(), login: 'me:secret' });
    for (const name of ['http_proxy', 'https_proxy']) vi.stubEnv(name, proxy.url);
    for (const options of [{ ...plain.options, ssl_verify: secure.certificate }, trusting()]) {
      const store = await open('s3://bucket/over-tls', options);
      await store.write('a', Buffer.from('twice wrapped'));
      expect(await text(store, 'a')).toBe('twice wrapped');
    }
    const asked = [`PUT ${plain.endpoint}/bucket/over-tls/a`, `GET ${plain.endpoint}/bucket/over-tls/a`];
    expect(proxy.asked).toEqual([...asked, `CONNECT 127.0.0.1:${secure.port}`]);
    await expect((await open('s3://bucket/over-tls', plain.options)).read('a')).rejects.toThrow(/certificate/i);
  });

  it('a proxy that cuts tunnels and answers: everything arrives whole', async () => {
    const content = Buffer.alloc(20 << 20, 'in parts ');
    for (const [minio, options, name] of [
      [plain, plain.options, 'http_proxy'],
      [secure, trusting(), 'https_proxy'],
    ] as const) {
      await (await open('s3://bucket/cut', options)).write('large', content);
      const cut = { times: 3, after: 1 << 20 };
      const proxy = await startProxy({ cut });
      vi.stubEnv(name, proxy.url);
      const store = await open('s3://bucket/cut', options);
      const target = path.join(minio.folder, 'target');
      await store.download('large', target);
      expect(fs.readFileSync(target).equals(content)).toBe(true);
      expect(cut.times).toBe(0);
    }
  });

  it('a wrong password, a refusal and a proxy that is not there: the proxy is named, its password is not', async () => {
    const wanting = await startProxy({ login: 'me:right' });
    const refusing = await startProxy({ refuse: 403, login: 'me:wrong-secret' });
    const failing = await startProxy({ refuse: 502, login: 'me:wrong-secret' });
    const gone = await startProxy();
    await gone.close();
    for (const [name, url, options] of [
      ['http_proxy', 's3://bucket/x', plain.options],
      ['https_proxy', 's3://bucket/x', trusting()],
      ['http_proxy', plain.endpoint, {}],
      ['https_proxy', webUrl, { ssl_verify: secure.certificate }],
    ] as const) {
      for (const [proxy, code, words] of [
        [wanting, 'remote_denied', '407'],
        [refusing, 'remote_denied', '403'],
        [failing, 'remote_unreachable', '502'],
        [gone, 'remote_unreachable', 'ECONNREFUSED'],
      ] as const) {
        vi.stubEnv(name, `http://me:wrong-secret@127.0.0.1:${proxy.port}`);
        const store = await open(url, options);
        const failure = await store.read('a', { signal: AbortSignal.timeout(60_000) }).catch((error: unknown) => error);
        const said = `${String(failure)} ${JSON.stringify(failure)}`;
        expect(failure, said).toMatchObject({ code });
        expect(said).toContain(`http://127.0.0.1:${proxy.port}`);
        expect(said).toContain(words);
        expect(said).not.toContain('wrong-secret');
      }
      vi.unstubAllEnvs();
    }
  });

  it('push and pull go through it as DVC’s do, on loopback too, and around it where NO_PROXY says so', async () => {
    const proxy = await startProxy({ login: 'me:secret' });
    const options = Object.entries({ url: 's3://bucket/project', ...plain.options });
    const project = freshProject();
    for (const [name, value] of options) mlops(project, ['config', `remote.m.${name}`, value]);
    mlops(project, ['config', 'core.remote', 'm']);
    fs.writeFileSync(path.join(project, 'x'), 'data');
    expect(mlops(project, ['add', 'x']).status).toBe(0);
    const object = `${plain.endpoint}/bucket/project/files/md5/8d/777f385d3dfec8815d20f7496026dc`;
    const push = startMlops(project, ['push'], { HTTP_PROXY: proxy.url });
    expect((await push.ended).status, push.output.stderr).toBe(0);
    expect(proxy.asked).toContain(`PUT ${object}`);
    const forget = (): void => {
      for (const target of ['.dvc/cache', 'x']) fs.rmSync(path.join(project, target), { recursive: true });
      proxy.asked.length = 0;
    };
    forget();
    const env = cleanEnv(path.join(path.dirname(project), 'home'), { HTTP_PROXY: proxy.url });
    await promisify(execFile)(dvc, ['pull'], { cwd: project, env });
    expect(proxy.asked).toContain(`GET ${object}`);
    forget();
    const pull = startMlops(project, ['pull'], {
      HTTP_PROXY: proxy.url,
      no_proxy: `localhost,127.0.0.1:${plain.port}`,
    });
    expect((await pull.ended).status, pull.output.stderr).toBe(0);
    expect(fs.readFileSync(path.join(project, 'x'), 'utf8')).toBe('data');
    expect(proxy.asked).toEqual([]);
  });
});
