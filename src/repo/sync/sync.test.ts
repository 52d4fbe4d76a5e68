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
