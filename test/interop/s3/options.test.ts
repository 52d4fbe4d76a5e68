import { createHash, createHmac, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';

import { openStore, type BlobStore, type RemoteOptions } from '../../../src/storage/index.ts';
import { freshProject, mlops } from '../../cli.ts';
import { describeWithTool } from '../../tools.ts';
import { faultProxy, minioPassword, minioUser, startMinio, type Minio } from './minio.ts';

vi.setConfig({ testTimeout: 120_000 });

/** The options of DVC's S3 remotes that change how requests are made, against a MinIO with a certificate of its own. */
describeWithTool('minio', 'S3: options', ({ minio: program }) => {
  let secure: Minio;
  let plain: Minio;
  beforeAll(async () => {
    [secure, plain] = await Promise.all([startMinio(program, { tls: true }), startMinio(program)]);
    secure.makeBucket('bucket');
    for (const bucket of ['bucket', 'open']) plain.makeBucket(bucket);
  }, 120_000);
  afterAll(() => Promise.all([secure.stop(), plain.stop()]));

  const open = async (minio: Minio, options: RemoteOptions, url = 's3://bucket/here'): Promise<BlobStore> => {
    const store = await openStore(url, { ...minio.options, ...options });
    onTestFinished(() => store.close());
    return store;
  };
  const text = async (store: BlobStore, key: string): Promise<string> => Buffer.from(await store.read(key)).toString();
  const certificate = (): string => secure.certificate ?? '';

  it('ssl_verify: a certificate of its own is refused, trusted by file, or not looked at', async () => {
    const distrusting = await open(secure, {});
    await expect(distrusting.write('a', Buffer.from('a'))).rejects.toThrow(/certificate/i);
    const trusting = await open(secure, { ssl_verify: certificate() });
    await trusting.write('a', Buffer.from('trusted'));
    expect(await text(await open(secure, { ssl_verify: 'false' }), 'a')).toBe('trusted');
    await expect(openStore('s3://bucket/x', { ...secure.options, ssl_verify: '/no/such/file' })).rejects.toMatchObject({
      code: 'remote_misconfigured',
    });
  });

  it('sse and sse_kms_key_id: the server encrypts, as asked, whole objects and parts', async () => {
    for (const [options, expected] of [
      [{ sse: 'AES256' }, 'AES256'],
      [{ sse: 'aws:kms', sse_kms_key_id: 'test-key' }, 'aws:kms'],
    ] as const) {
      const store = await open(plain, options);
      await store.write('small', Buffer.from('small'));
      const large = Buffer.alloc(17 << 20, 'large');
      const file = path.join(plain.folder, 'source');
      fs.writeFileSync(file, large);
      await store.upload(file, 'large');
      for (const key of ['small', 'large']) {
        const head = await signed(plain, 'HEAD', `/bucket/here/${key}`);
        expect(head.headers.get('x-amz-server-side-encryption')).toBe(expected);
      }
      expect(Buffer.from(await store.read('large')).equals(large)).toBe(true);
    }
  });

  it('sse_customer_key: only who has the key can read', async () => {
    const key = randomBytes(32).toString('base64');
    const options = { ssl_verify: certificate(), sse_customer_key: key };
    const store = await open(secure, options);
    await store.write('secret', Buffer.from('by customer key'));
    expect(await text(store, 'secret')).toBe('by customer key');
    expect(await store.exists('secret')).toBe(true);
    await expect((await open(secure, { ssl_verify: certificate() })).read('secret')).rejects.toThrow();
    const other = await open(secure, { ...options, sse_customer_key: randomBytes(32).toString('base64') });
    await expect(other.read('secret')).rejects.toThrow();
  });

  it('session_token: keys of the security token service work with their token, and not without', async () => {
    const answer = await signed(plain, 'POST', '/', 'Action=AssumeRole&Version=2011-06-15', 'sts');
    const xml = await answer.text();
    const field = (name: string): string => new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(xml)?.[1] ?? '';
    const keys = { access_key_id: field('AccessKeyId'), secret_access_key: field('SecretAccessKey') };
    const store = await open(plain, { ...keys, session_token: field('SessionToken') });
    await store.write('by-token', Buffer.from('token'));
    expect(await text(store, 'by-token')).toBe('token');
    await expect((await open(plain, keys)).read('by-token')).rejects.toMatchObject({ code: 'remote_denied' });
  });

  it('allow_anonymous_login: an open bucket needs no keys, even where wrong ones lie about', async () => {
    const policy = {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: ['*'] },
          Action: ['s3:GetObject', 's3:ListBucket'],
          Resource: ['arn:aws:s3:::open', 'arn:aws:s3:::open/*'],
        },
      ],
    };
    const put = await signed(plain, 'PUT', '/open?policy=', JSON.stringify(policy));
    expect(put.ok, await put.text()).toBe(true);
    await (await open(plain, {}, 's3://open/x')).write('a', Buffer.from('for all'));
    const anonymous = await openStore('s3://open/x', { endpointurl: plain.endpoint, allow_anonymous_login: 'true' });
    onTestFinished(() => anonymous.close());
    expect(await text(anonymous, 'a')).toBe('for all');
    await expect(anonymous.write('b', Buffer.from('b'))).rejects.toMatchObject({ code: 'remote_denied' });
  });

  it('acl and grants are asked for with every object', async () => {
    const asked: string[] = [];
    const proxy = await faultProxy(plain.port, (request) => {
      if (request.method === 'PUT' || request.method === 'POST') {
        const { 'x-amz-acl': acl, 'x-amz-grant-read': grant } = request.headers;
        asked.push(String(acl ?? grant ?? ''));
      }
      return 'pass';
    });
    onTestFinished(() => proxy.close());
    const at = { endpointurl: proxy.endpoint };
    await (await open(plain, { ...at, acl: 'bucket-owner-full-control' })).write('acl', Buffer.from('x'));
    await (await open(plain, { ...at, grant_read: 'id=abc' })).write('grant', Buffer.from('x'));
    expect(asked).toEqual(['bucket-owner-full-control', 'id=abc']);
    await expect(openStore('s3://bucket/x', { ...at, acl: 'private', grant_read: 'id=abc' })).rejects.toMatchObject({
      code: 'remote_misconfigured',
    });
  });

  it('a project pushes and pulls with all of it, and no word of its secrets is printed', () => {
    const project = freshProject();
    const key = randomBytes(32).toString('base64');
    const run = (...args: string[]): string => {
      const { status, stdout, stderr } = mlops(project, args);
      const said = `${stdout}${stderr}`;
      for (const secret of [minioPassword, key, 'wrong-secret']) expect(said).not.toContain(secret);
      return `${status} ${said}`;
    };
    const set = (option: string, value: string): unknown =>
      mlops(project, ['remote', 'modify', '--local', 'safe', option, value]);
    run('remote', 'add', '-d', 'safe', 's3://bucket/project');
    for (const [option, value] of Object.entries({ ...secure.options, sse_customer_key: key })) set(option, value);
    set('ssl_verify', certificate());
    fs.writeFileSync(path.join(project, 'x'), 'data');
    run('add', 'x');
    expect(run('push', '-v')).toMatch(/^0 /);
    expect(run('remote', 'list')).toMatch(/^0 /);
    fs.rmSync(path.join(project, '.dvc/cache'), { recursive: true });
    fs.rmSync(path.join(project, 'x'));
    expect(run('pull', '-v')).toMatch(/^0 /);
    expect(fs.readFileSync(path.join(project, 'x'), 'utf8')).toBe('data');
    set('secret_access_key', 'wrong-secret');
    expect(run('push', '-vv')).toMatch(/^[^0]/);
    expect(run('status', '-c', '-v')).toMatch(/^[^0]/);
  });
});

/** A request of its own, signed as AWS asks for (version 4). */
function signed(minio: Minio, method: string, target: string, body = '', service = 's3'): Promise<Response> {
  const url = new URL(minio.endpoint + target);
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${stamp.slice(0, 8)}/us-east-1/${service}/aws4_request`;
  const digest = createHash('sha256').update(body).digest('hex');
  const names = 'host;x-amz-content-sha256;x-amz-date';
  const headers = `host:${url.host}\nx-amz-content-sha256:${digest}\nx-amz-date:${stamp}\n`;
  const canonical = [method, url.pathname, url.search.slice(1), headers, names, digest].join('\n');
  const hashed = createHash('sha256').update(canonical).digest('hex');
  const key = scope
    .split('/')
    .reduce<string | Buffer>((last, part) => createHmac('sha256', last).update(part).digest(), `AWS4${minioPassword}`);
  const signature = createHmac('sha256', key).update(`AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${hashed}`).digest('hex');
  return fetch(url, {
    method,
    headers: {
      'x-amz-date': stamp,
      'x-amz-content-sha256': digest,
      authorization: `AWS4-HMAC-SHA256 Credential=${minioUser}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
      ...(service === 'sts' ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
    },
    ...(body === '' ? {} : { body }),
  });
}
