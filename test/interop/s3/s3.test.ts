import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';

import { blobStoreContract, keysOf, patterned } from '../../../src/storage/port/contract.ts';
import { openStore, type BlobStore, type RemoteOptions } from '../../../src/storage/index.ts';
import { describeWithTool } from '../../tools.ts';
import { faultProxy, minioPassword, minioUser, startMinio, type Fault, type Minio } from './minio.ts';

const mebibyte = 1 << 20;

describeWithTool('minio', 'S3', ({ minio: program }) => {
  let minio: Minio;
  beforeAll(async () => {
    minio = await startMinio(program);
    minio.makeBucket('bucket');
  }, 60_000);
  afterAll(() => minio.stop());

  const open = async (prefix: string, options: RemoteOptions = {}): Promise<BlobStore> => {
    const store = await openStore(`s3://bucket/${prefix}`, { ...minio.options, ...options });
    onTestFinished(() => store.close());
    return store;
  };

  describe('a bucket as a store', () => {
    blobStoreContract(() => openStore('s3://bucket/contract', minio.options));
  });

  describe('listings', () => {
    it('go over many pages', async () => {
      const store = await open('pages');
      const keys = Array.from({ length: 2100 }, (_, i) => `p/${String(i).padStart(5, '0')}`);
      for (let i = 0; i < keys.length; i += 50) {
        await Promise.all(keys.slice(i, i + 50).map((key) => store.write(key, Buffer.from('x'))));
      }
      expect(await keysOf(store, 'p')).toEqual(keys);
      await store.remove(keys);
      expect(await keysOf(store, 'p')).toEqual([]);
    }, 60_000);

    it('show one level when asked', async () => {
      const store = await open('levels');
      for (const key of ['d/a', 'd/e/b', 'd/e/c', 'd/f/g']) await store.write(key, Buffer.from('x'));
      const entries = [];
      for await (const entry of store.listLevel?.('d') ?? [])
        entries.push('key' in entry ? entry.key : entry.directory);
      expect(entries).toEqual(['d/e', 'd/f', 'd/a']);
    });
  });

  describe('facts', () => {
    it('are size and etag', async () => {
      const store = await open('facts');
      await store.write('a', Buffer.from('hello'));
      expect(await store.stat?.('a')).toEqual({ size: 5, etag: '5d41402abc4b2a76b9719d911017c592' });
      expect(await store.stat?.('b')).toBeUndefined();
    });
  });

  describe('what goes wrong', () => {
    it('is told in words that help, without secrets', async () => {
      const nowhere = await openStore('s3://no-such-bucket/x', minio.options);
      await expect(nowhere.write('a', Buffer.from('x'))).rejects.toMatchObject({ code: 'bucket_not_found' });
      const wrong = await openStore('s3://bucket/x', { ...minio.options, secret_access_key: 'very-secret-thing' });
      const denied = await wrong.read('a').catch((error: unknown) => error as Error);
      expect(denied).toMatchObject({ code: 'remote_denied' });
      expect(JSON.stringify(denied) + String(denied)).not.toContain('very-secret-thing');
      const nobody = await openStore('s3://bucket/x', { endpointurl: minio.endpoint, allow_anonymous_login: 'true' });
      await expect(nobody.read('a')).rejects.toMatchObject({ code: 'remote_denied' });
    });

    it('says so when nobody answers', async () => {
      const store = await openStore('s3://bucket/x', { ...minio.options, endpointurl: 'http://127.0.0.1:1' });
      await expect(store.read('a')).rejects.toMatchObject({ code: 'remote_unreachable' });
    }, 60_000);
  });

  describe('credentials', () => {
    it('come from a profile in a file that the options name', async () => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-aws-'));
      onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
      const credentials = path.join(folder, 'credentials');
      fs.writeFileSync(
        credentials,
        `[default]\naws_access_key_id = x\naws_secret_access_key = y\n\n[mine]\naws_access_key_id = ${minioUser}\naws_secret_access_key = ${minioPassword}\n`,
      );
      const config = path.join(folder, 'config');
      fs.writeFileSync(config, `[profile mine]\nregion = eu-west-3\ns3 =\n  endpoint_url = ${minio.endpoint}\n`);
      const options = { credentialpath: credentials, configpath: config, profile: 'mine' };
      const store = await openStore('s3://bucket/profile', options);
      await store.write('a', Buffer.from('by profile'));
      expect(Buffer.from(await store.read('a')).toString()).toBe('by profile');
      const other = await openStore('s3://bucket/profile', {
        ...options,
        profile: 'default',
        endpointurl: minio.endpoint,
      });
      await expect(other.read('a')).rejects.toMatchObject({ code: 'remote_denied' });
    });

    it('come from the environment before a profile, and from a program that a profile names', async () => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-aws-'));
      onTestFinished(() => {
        vi.unstubAllEnvs();
        fs.rmSync(folder, { recursive: true, force: true });
      });
      const keys = { Version: 1, AccessKeyId: minioUser, SecretAccessKey: minioPassword };
      fs.writeFileSync(path.join(folder, 'keys.json'), JSON.stringify(keys));
      const config = path.join(folder, 'config');
      const print = `${process.execPath} -p "fs.readFileSync('${folder}/keys.json','utf8')"`;
      fs.writeFileSync(config, `[default]\naws_access_key_id = x\n[profile asked]\ncredential_process = ${print}\n`);
      vi.stubEnv('AWS_CONFIG_FILE', config);
      vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', path.join(folder, 'none'));
      vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
      const at = { endpointurl: minio.endpoint };
      await (await openStore('s3://bucket/asked', { ...at, profile: 'asked' })).write('a', Buffer.from('asked'));
      await expect((await openStore('s3://bucket/asked', at)).read('a')).rejects.toMatchObject({
        code: 'remote_denied',
        message: expect.stringContaining('no credentials') as string,
      });
      vi.stubEnv('AWS_PROFILE', 'asked');
      vi.stubEnv('AWS_ACCESS_KEY_ID', 'wrong');
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wrong');
      await expect((await openStore('s3://bucket/asked', at)).read('a')).rejects.toMatchObject({
        code: 'remote_denied',
      });
      const again = await openStore('s3://bucket/asked', { ...at, profile: 'asked' });
      expect(Buffer.from(await again.read('a')).toString()).toBe('asked');
    });
  });

  describe('under faults', () => {
    const spoiled = async (
      choose: (index: number, method: string, target: string) => Fault,
    ): Promise<{ endpointurl: string; played: Map<Fault, number> }> => {
      const proxy = await faultProxy(minio.port, (request, count) =>
        choose(count, request.method ?? '', request.url ?? ''),
      );
      onTestFinished(() => proxy.close());
      return { endpointurl: proxy.endpoint, played: proxy.played };
    };

    it('every call succeeds in the end when each third request fails in another way', async () => {
      const faults: Fault[] = ['slow-down', 'reset', 'cut-answer', 'lose-answer'];
      const { endpointurl, played } = await spoiled((i) =>
        i % 3 === 1 ? (faults[((i - 1) / 3) % 4] ?? 'pass') : 'pass',
      );
      const store = await open('faults', { endpointurl });
      const contents = new Map(Array.from({ length: 20 }, (_, i) => [`f/${i}`, patterned(i * 10_000 + 3)]));
      for (const [key, content] of contents) await store.write(key, content);
      for (const [key, content] of contents) expect(Buffer.from(await store.read(key)).equals(content)).toBe(true);
      expect(await keysOf(store, 'f')).toEqual([...contents.keys()].sort());
      expect([...played.keys()].sort()).toEqual([...faults, 'pass'].sort());
    }, 120_000);

    it('a large file comes whole though every answer is cut once, each byte observed once', async () => {
      const direct = await open('cuts');
      const content = patterned(20 * mebibyte + 11);
      await direct.writeStream('large', Readable.from([content]), { size: content.length });
      const { endpointurl, played } = await spoiled((i) => (i % 2 === 0 ? 'cut-answer' : 'pass'));
      const store = await open('cuts', { endpointurl });
      const target = temporaryFile();
      let observers = 0;
      const seen: Uint8Array[] = [];
      await store.download('large', target, {
        observe: () => {
          observers++;
          seen.length = 0;
          return (chunk) => void seen.push(Uint8Array.from(chunk));
        },
      });
      expect(played.get('cut-answer')).toBeGreaterThan(2);
      expect(observers).toBe(1);
      expect(Buffer.concat(seen).equals(content)).toBe(true);
      expect(fs.readFileSync(target).equals(content)).toBe(true);
      const opened = await store.open('large', { start: 5 });
      expect(Buffer.concat(await opened.stream.toArray()).equals(content.subarray(5))).toBe(true);
    }, 120_000);

    it('nothing is there under the name after an upload that failed, and the next one sends only what is missing', async () => {
      const source = temporaryFile();
      const content = patterned(40 * mebibyte);
      fs.writeFileSync(source, content);
      let broken = true;
      const parts: string[] = [];
      const { endpointurl } = await spoiled((_, method, target) => {
        const part = /partNumber=(\d+)/.exec(target)?.[1];
        if (method !== 'PUT' || part === undefined) return 'pass';
        if (!broken) parts.push(part);
        return broken && Number(part) > 3 ? 'reset' : 'pass';
      });
      const store = await open('resume', { endpointurl });
      await expect(store.upload(source, 'large')).rejects.toMatchObject({ code: 'remote_unreachable' });
      expect(await store.exists('large')).toBe(false);
      expect(await keysOf(store, '')).toEqual([]);
      broken = false;
      await store.upload(source, 'large');
      expect(parts.sort()).toEqual(['4', '5']);
      expect(Buffer.from(await store.read('large')).equals(content)).toBe(true);
    }, 120_000);

    it('an upload whose last answer is lost counts as done', async () => {
      const source = temporaryFile();
      const content = patterned(18 * mebibyte);
      fs.writeFileSync(source, content);
      const { endpointurl, played } = await spoiled((_, method, target) =>
        method === 'POST' && /uploadId=/.test(target) ? 'lose-answer' : 'pass',
      );
      const store = await open('lost', { endpointurl });
      await store.upload(source, 'large');
      expect(played.get('lose-answer')).toBeGreaterThan(0);
      expect(Buffer.from(await store.read('large')).equals(content)).toBe(true);
    }, 120_000);

    it('a download that cannot succeed leaves no file', async () => {
      const direct = await open('gone');
      await direct.write('a', patterned(100_000));
      const { endpointurl } = await spoiled(() => 'lose-answer');
      const store = await open('gone', { endpointurl });
      const target = temporaryFile();
      await expect(store.download('a', target, { signal: AbortSignal.timeout(4000) })).rejects.toThrow();
      expect(fs.existsSync(target)).toBe(false);
    }, 60_000);
  });
});

function temporaryFile(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-s3-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, 'file');
}
