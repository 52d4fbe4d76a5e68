import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { drop, exists, openProjectWith, read, withRemote, write } from '../../../test/support/repo.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { add } from '../workspace/add.ts';
import { fsck } from './fsck.ts';
import { gc } from './gc.ts';
import { pull } from './pull.ts';
import { fetch, push } from './transfer.ts';

async function tracked(): Promise<DataRepo> {
  const repo = await withRemote(
    await openProjectWith({ 'data/a.txt': 'one', 'data/b.txt': 'two', 'model.bin': 'weights' }),
  );
  await add(repo, { targets: ['data', 'model.bin'] });
  return repo;
}

const objects = (folder: string): string[] =>
  fs.existsSync(folder)
    ? fs
        .readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => /\/[0-9a-f]{30}(\.dir)?$/.test(`/${name}`))
    : [];
const cacheOf = (repo: DataRepo): string => path.join(repo.root, '.dvc/cache');
const remoteOf = (repo: DataRepo): string => repo.remote()?.url ?? '';

describe('push and pull', () => {
  it('send what the remote lacks, and bring back what the cache and the workspace lack', async () => {
    const repo = await tracked();
    expect(await push(repo, { targets: [] })).toEqual({ count: 4, absent: [] });
    expect((await push(repo, { targets: [] })).count).toBe(0);
    expect(objects(remoteOf(repo))).toHaveLength(4);
    drop(repo, 'data', 'model.bin', '.dvc/cache');
    repo.data.forgetObjects();
    const report = await pull(repo, { targets: ['data'] });
    expect(report).toMatchObject({ fetched: 3, absent: [], failure: undefined });
    expect([read(repo, 'data/b.txt'), exists(repo, 'model.bin')]).toEqual(['two', false]);
  });

  it('say what is in neither place', async () => {
    const repo = await tracked();
    drop(repo, '.dvc/cache');
    repo.data.forgetObjects();
    const { count, absent } = await fetch(repo, { targets: [] });
    expect(count).toBe(0);
    expect(absent.length).toBeGreaterThan(0);
  });

  it('want a remote', async () => {
    const repo = await openProjectWith({ x: '1' });
    await add(repo, { targets: ['x'] });
    await expect(push(repo, { targets: [] })).rejects.toMatchObject({ code: 'no_remote' });
    await expect(push(await tracked(), { targets: [], remote: 'nowhere' })).rejects.toMatchObject({
      code: 'no_remote',
    });
  });
});

describe('pull of large files', () => {
  const large = 'x'.repeat(9 << 20);
  const pushed = async (options: Readonly<Record<string, string>> = {}): Promise<DataRepo> => {
    const repo = await withRemote(
      await openProjectWith({ 'data/large': large, 'data/twin': large, one: large }),
      options,
    );
    await add(repo, { targets: ['data', 'one'] });
    await push(repo, { targets: [] });
    drop(repo, 'data', 'one', '.dvc/cache');
    repo.data.forgetObjects();
    return repo;
  };
  const spoilRemote = (repo: DataRepo): void => {
    const [name = ''] = objects(remoteOf(repo)).filter((object) => !object.endsWith('.dir'));
    const file = path.join(remoteOf(repo), name);
    fs.chmodSync(file, 0o644);
    fs.appendFileSync(file, 'more');
  };

  it('makes the copy for the workspace while it fetches, and moves it there', async () => {
    const repo = await pushed();
    await fetch(repo, { targets: [], toPlace: true });
    const [spare = ''] = [...(repo.data.spares.made('md5')?.values() ?? [])];
    const { ino } = fs.statSync(spare);
    await pull(repo, { targets: [] });
    expect(repo.data.spares.made('md5')).toBeUndefined();
    const places = ['data/large', 'data/twin', 'one'].map((file) => fs.statSync(path.join(repo.root, file)));
    expect(places.map((stat) => [stat.size, stat.mode & 0o200, stat.nlink])).toEqual(
      places.map(() => [9 << 20, 0o200, 1]),
    );
    expect(places.map((stat) => stat.ino)).toContain(ino);
    expect(read(repo, 'one')).toBe(large);
    const [object = ''] = objects(cacheOf(repo)).filter((name) => !name.endsWith('.dir'));
    expect(fs.statSync(path.join(cacheOf(repo), object)).mode & 0o777).toBe(0o444);
  });

  it('leaves nothing of copies that no checkout took', async () => {
    const repo = await pushed();
    await fetch(repo, { targets: [], toPlace: true });
    const [spare = ''] = [...(repo.data.spares.made('md5')?.values() ?? [])];
    repo.data.spares.clear();
    expect(fs.existsSync(path.dirname(spare))).toBe(false);
    await fetch(repo, { targets: [] });
    expect(repo.data.spares.made('md5')).toBeUndefined();
  });

  it('refuses what is not what its name says, and keeps no copy of it', async () => {
    const repo = await pushed();
    spoilRemote(repo);
    const report = await pull(repo, { targets: [], allowMissing: true });
    expect(report.failure).toMatchObject({ code: 'transfer_failed' });
    expect([exists(repo, 'one'), exists(repo, 'data')]).toEqual([false, false]);
    expect(repo.data.spares.made('md5')).toBeUndefined();
  });

  it('believes the remote where `verify = false` says so, as DVC does', async () => {
    const repo = await pushed({ verify: 'false' });
    spoilRemote(repo);
    const report = await pull(repo, { targets: [] });
    expect(report.failure).toBeUndefined();
    expect(read(repo, 'one')).toBe(`${large}more`);
  });
});

describe('gc', () => {
  it('removes from the cache what the workspace does not use, when a scope says so', async () => {
    const repo = await tracked();
    write(repo, 'model.bin', 'better');
    await add(repo, { targets: ['model.bin'] });
    expect(objects(cacheOf(repo))).toHaveLength(5);
    await expect(gc(repo, {})).rejects.toMatchObject({ code: 'usage' });
    const dry = await gc(repo, { workspace: true, dry: true });
    expect(dry.flatMap(({ removed }) => removed)).toHaveLength(1);
    expect(objects(cacheOf(repo))).toHaveLength(5);
    await gc(repo, { workspace: true });
    expect(objects(cacheOf(repo))).toHaveLength(4);
  });
});

describe('fsck', () => {
  it('finds a broken object, and heals it from the remote', async () => {
    const repo = await tracked();
    await push(repo, { targets: [] });
    const [name = ''] = objects(cacheOf(repo)).filter((object) => !object.endsWith('.dir'));
    const file = path.join(cacheOf(repo), name);
    fs.chmodSync(file, 0o644);
    fs.writeFileSync(file, 'garbage');
    const { findings } = await fsck(repo, {});
    expect(findings).toHaveLength(1);
    const healed = await fsck(repo, { repair: true });
    expect(healed.healed).toHaveLength(1);
    expect((await fsck(repo, { remote: '' })).findings).toEqual([]);
  });
});
