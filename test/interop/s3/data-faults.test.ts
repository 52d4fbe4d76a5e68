import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { openStore } from '../../../src/storage/index.ts';
import { freshProject, mlops, startMlops } from '../../cli.ts';
import { digestsOf, expectSound, fill, leftovers, md5 } from '../../support/sound.ts';
import { describeWithTool } from '../../tools.ts';
import { faultProxy, startMinio, type Fault, type Minio } from './minio.ts';

vi.setConfig({ testTimeout: 400_000, hookTimeout: 120_000 });

describeWithTool('minio', 'push and pull while S3 misbehaves', ({ minio: program }) => {
  let minio: Minio;
  beforeAll(async () => {
    minio = await startMinio(program);
    minio.makeBucket('bucket');
  });
  afterAll(() => minio.stop());

  /** A project with data whose remote is on the bucket, reached through an endpoint. */
  const withData = (prefix: string, endpoint: string, count: number) => {
    const project = freshProject();
    const remote = ['endpointurl', endpoint, 'access_key_id', minio.options['access_key_id'] ?? ''];
    const options = [...remote, 'secret_access_key', minio.options['secret_access_key'] ?? ''];
    run(project, 'remote', 'add', '-d', 'm', `s3://bucket/${prefix}`);
    for (let i = 0; i < options.length; i += 2) {
      run(project, 'remote', 'modify', '--local', 'm', options[i] ?? '', options[i + 1] ?? '');
    }
    const data = path.join(project, 'data');
    const wanted = fill(data, count, 18);
    run(project, 'add', 'data');
    return { project, data, wanted, cache: path.join(project, '.dvc/cache/files/md5') };
  };

  /** Everything below a prefix must be what its name says, and no manifest may be there before its files. */
  const expectSoundRemote = async (prefix: string): Promise<number> => {
    const store = await openStore(`s3://bucket/${prefix}`, minio.options);
    const ids = new Map<string, Uint8Array>();
    for await (const { key } of store.list('files/md5'))
      ids.set(key.replace('files/md5/', '').replace('/', ''), await store.read(key));
    for (const [id, content] of ids) {
      expect(md5(content)).toBe(id.slice(0, 32));
      if (!id.endsWith('.dir')) continue;
      const files = JSON.parse(Buffer.from(content).toString()) as { md5: string }[];
      expect(files.filter((file) => !ids.has(file.md5))).toEqual([]);
    }
    await store.close();
    return ids.size;
  };

  it('a proxy that answers 503, resets and cuts: everything arrives whole all the same', async () => {
    const faults: Fault[] = ['slow-down', 'reset', 'cut-answer', 'lose-answer'];
    const proxy = await faultProxy(minio.port, (_, i) =>
      i % 5 === 2 ? (faults[((i - 2) / 5) % 4] ?? 'pass') : 'pass',
    );
    onTestFinished(() => proxy.close());
    const { project, data, wanted, cache } = withData('faults', proxy.endpoint, 60);
    const push = startMlops(project, ['push']);
    expect((await push.ended).status, push.output.stderr).toBe(0);
    await expectSoundRemote('faults');
    fs.rmSync(cache, { recursive: true });
    fs.rmSync(data, { recursive: true });
    const pull = startMlops(project, ['pull']);
    expect((await pull.ended).status, pull.output.stderr).toBe(0);
    expect(digestsOf(data)).toEqual(wanted);
    for (const fault of faults) expect(proxy.played.get(fault), fault).toBeGreaterThan(0);
    const check = startMlops(project, ['fsck', '--remote']);
    expect((await check.ended).status, check.output.stderr).toBe(0);
  });

  it('a server that is gone in the middle: a clear failure, nothing half, and the next run brings the rest', async () => {
    // A door in front of the server shows when the transfer is in its middle, and lets no more through then.
    let open = true;
    let allowed = Number.POSITIVE_INFINITY;
    let passed = 0;
    const proxy = await faultProxy(minio.port, () => {
      if (open && passed++ >= allowed) {
        open = false;
        void minio.crash();
      }
      return open ? 'pass' : 'reset';
    });
    onTestFinished(() => proxy.close());
    const { project, data, wanted, cache } = withData('gone', proxy.endpoint, 200);
    const interrupted = async (verb: string): Promise<void> => {
      [passed, allowed] = [0, 40];
      const { ended, output } = startMlops(project, [verb]);
      expect((await ended).status).toBe(1);
      expect(output.stderr).not.toContain('    at ');
      expect(open).toBe(false);
      minio = await startMinio(program, minio);
      [open, allowed] = [true, Number.POSITIVE_INFINITY];
    };
    await interrupted('push');
    expect(await expectSoundRemote('gone')).toBeLessThan(201);
    const push = startMlops(project, ['push']);
    expect((await push.ended).status, push.output.stderr).toBe(0);
    expect(await expectSoundRemote('gone')).toBe(new Set(wanted.values()).size + 1);

    fs.rmSync(cache, { recursive: true });
    fs.rmSync(data, { recursive: true });
    await interrupted('pull');
    expectSound(cache);
    expect(leftovers(cache)).toEqual([]);
    expect(fs.existsSync(data)).toBe(false);
    const pull = startMlops(project, ['pull']);
    expect((await pull.ended).status, pull.output.stderr).toBe(0);
    expect(digestsOf(data)).toEqual(wanted);
  });

  it.each<[Fault, RegExp]>([
    ['deny', /denied: AccessDenied.*\nhint: check the credentials/],
    ['expire', /ExpiredToken.*\nhint: get new credentials/],
    ['no-bucket', /there is no bucket 'bucket'/],
    ['web-page', /does not answer as S3 does/],
    ['slow-down', /SlowDown: Please reduce your rate/],
    ['other-bytes', /corrupt/],
  ])(
    '%s from the middle on: said so at once, nothing is lost, and the next run brings the rest',
    async (fault, words) => {
      let spoil = 0;
      let asked = 0;
      const proxy = await faultProxy(minio.port, ({ method, url = '' }) => {
        const spoilt = spoil > 0 && /files\/md5\/..\//.test(url) && (fault !== 'other-bytes' || method === 'GET');
        return spoilt && ++asked > spoil ? fault : 'pass';
      });
      onTestFinished(() => proxy.close());
      const { project, data, wanted, cache } = withData(`from-${fault}`, proxy.endpoint, 120);
      const interrupted = async (verb: string): Promise<void> => {
        [spoil, asked] = [30, 0];
        const { ended, output } = startMlops(project, [verb]);
        expect([1, 255]).toContain((await ended).status);
        expect(output.stderr).toMatch(words);
        expect(output.stderr).not.toMatch(/^ {4}at |Warning/m);
        spoil = 0;
      };
      const through = async (verb: string): Promise<void> => {
        const { ended, output } = startMlops(project, [verb]);
        expect((await ended).status, output.stderr).toBe(0);
      };
      if (fault !== 'other-bytes') {
        await interrupted('push');
        expect(await expectSoundRemote(`from-${fault}`)).toBeGreaterThanOrEqual(30);
      }
      await through('push');
      expect(await expectSoundRemote(`from-${fault}`)).toBe(new Set(wanted.values()).size + 1);
      fs.rmSync(cache, { recursive: true });
      fs.rmSync(data, { recursive: true });
      await interrupted('pull');
      expectSound(cache);
      expect(leftovers(cache)).toEqual([]);
      expect(fs.existsSync(data)).toBe(false);
      await through('pull');
      expect(digestsOf(data)).toEqual(wanted);
    },
  );

  it('kill -9 in the middle of push and pull: what is there is whole, and the next run gets through', async () => {
    const { project, data, wanted, cache } = withData('killed', minio.endpoint, 250);
    const killedUntilDone = async (verb: string, check: () => Promise<void> | void): Promise<void> => {
      for (let delay = 250, status: number | null = null; status !== 0; delay = Math.round(delay * 1.5)) {
        const { child, ended } = startMlops(project, [verb]);
        await sleep(delay);
        child.kill('SIGKILL');
        ({ status } = await ended);
        await check();
        expect(delay).toBeLessThan(120_000);
      }
    };
    await killedUntilDone('push', async () => void (await expectSoundRemote('killed')));
    fs.rmSync(cache, { recursive: true });
    fs.rmSync(data, { recursive: true });
    await killedUntilDone('pull', () => expectSound(cache));
    expect(digestsOf(data)).toEqual(wanted);
    run(project, 'fsck', '--remote');
  });
});

function run(project: string, ...args: string[]): void {
  const { status, stderr } = mlops(project, args);
  expect(status, `${args.join(' ')}: ${stderr}`).toBe(0);
}
