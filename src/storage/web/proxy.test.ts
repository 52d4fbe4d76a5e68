import { expect, it } from 'vitest';

import { proxyRoute } from './proxy.ts';

type Environment = Readonly<Record<string, string>>;

const settings = { connectTimeout: 1000 };
const both = { http_proxy: 'http://plain:1', https_proxy: 'http://secure:2' };

function nameFor(url: string, env: Environment): string | undefined {
  return proxyRoute(new URL(url), env, settings)?.name;
}

it('takes the variable of the scheme; lower case wins, an empty one counts as none', () => {
  expect(nameFor('http://a/', both)).toBe('http://plain:1');
  expect(nameFor('https://a/', both)).toBe('http://secure:2');
  expect(nameFor('https://a/', { HTTPS_PROXY: 'http://upper:1' })).toBe('http://upper:1');
  expect(nameFor('https://a/', { HTTPS_PROXY: 'http://upper:1', https_proxy: 'http://lower:1' })).toBe(
    'http://lower:1',
  );
  expect(nameFor('https://a/', { HTTPS_PROXY: 'http://upper:1', https_proxy: '' })).toBeUndefined();
  expect(nameFor('https://a/', { HTTP_PROXY: 'http://plain:1', ALL_PROXY: 'http://all:1' })).toBeUndefined();
  expect(nameFor('http://a/', { HTTP_PROXY: 'http://plain:1', REQUEST_METHOD: 'GET' })).toBeUndefined();
});

it('takes a proxy without a scheme, with a user, and behind TLS, and never shows the password', () => {
  expect(nameFor('http://a/', { http_proxy: 'proxy.corp:3128' })).toBe('http://proxy.corp:3128');
  const route = proxyRoute(new URL('http://a:81/x'), { http_proxy: 'https://me:p%40ss@proxy.corp' }, settings);
  expect(route?.name).toBe('https://proxy.corp');
  expect(route).toMatchObject({ secure: true, address: { host: 'proxy.corp', port: 443 }, pathStart: 'http://a:81' });
  const login = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
  expect(route?.headers).toEqual({ 'proxy-authorization': login });
});

it('says which variable is no proxy, without its content', () => {
  for (const value of ['socks5://me:secret@host:1080', 'http://me:secret@', 'http://me:secret@host:port']) {
    const failure = catching(() => nameFor('http://a/', { http_proxy: value }));
    expect(failure).toMatchObject({ code: 'remote_misconfigured' });
    expect(String(failure)).toContain('http_proxy');
    expect(String(failure)).not.toContain('secret');
  }
});

it.each([
  ['*', 'https://anything:9/', true],
  ['example.com', 'https://example.com/', true],
  ['example.com', 'https://data.example.com/', true],
  ['.example.com', 'https://data.example.com/', true],
  ['*.example.com', 'https://data.example.com/', true],
  ['EXAMPLE.com', 'https://Example.COM/', true],
  ['example.com', 'https://notexample.com/', false],
  ['a.org, example.com ,b.org', 'https://example.com/', true],
  ['example.com:8443', 'https://example.com:8443/', true],
  ['example.com:443', 'https://example.com/', true],
  ['example.com:8443', 'https://example.com/', false],
  ['127.0.0.1', 'http://127.0.0.1:9000/', true],
  ['127.0.0.1:9000', 'http://127.0.0.1:9000/', true],
  ['0.0.1', 'http://127.0.0.1/', false],
  ['10.0.0.0/8', 'http://10.1.2.3/', true],
  ['10.0.0.0/8', 'http://11.1.2.3/', false],
  ['10.0.0.0/8', 'http://ten.example/', false],
  ['10.0.0.0/99', 'http://10.1.2.3/', false],
  ['::1', 'http://[::1]:9000/', true],
  ['[::1]', 'http://[::1]:9000/', true],
  ['[::1]:9000', 'http://[::1]:9000/', true],
  ['fd00::/8', 'http://[fd12::1]/', true],
  ['', 'https://example.com/', false],
  // Loopback is not special, as for Python's clients.
  ['', 'http://localhost:9000/', false],
  ['', 'http://127.0.0.1:9000/', false],
  ['localhost', 'http://localhost:9000/', true],
])('no_proxy %j and %s: without the proxy is %s', (list, url, direct) => {
  expect(nameFor(url, { ...both, no_proxy: list }) === undefined).toBe(direct);
  expect(nameFor(url, { ...both, NO_PROXY: list }) === undefined).toBe(direct);
});

function catching(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
