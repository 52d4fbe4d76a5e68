import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { commitAll, exists, openProjectWith, read, withRemote, write } from '../../../test/support/repo.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { workspaceStatus } from '../compare/status.ts';
import { push } from '../sync/transfer.ts';
import { add } from '../workspace/add.ts';
import { get } from './get.ts';
import { importFromRepo, importFromUrl } from './import.ts';
import { list } from './list.ts';
import { update } from './update.ts';

/** A repository with tracked data on its remote, and nothing in its workspace or cache. */
async function published(): Promise<DataRepo> {
  const repo = await withRemote(
    await openProjectWith({ 'data/a.txt': 'one', 'data/b.txt': 'two', 'src/code.py': 'print()' }),
  );
  await add(repo, { targets: ['data'] });
  await push(repo, { targets: [] });
  commitAll(repo);
  fs.rmSync(path.join(repo.root, '.dvc/cache'), { recursive: true });
  fs.rmSync(path.join(repo.root, 'data'), { recursive: true });
  return repo;
}

describe('another repository', () => {
  it("is listed with Git's files and DVC's", async () => {
    const { root } = await published();
    const all = await list('/', { url: root, recursive: true });
    expect(all.map((entry) => entry.path)).toEqual(
      expect.arrayContaining(['data/a.txt', 'data/b.txt', 'src/code.py', 'data.dvc']),
    );
    await expect(list('/', { url: root, path: 'nothing' })).rejects.toMatchObject({ code: 'object_missing' });
  });

  it('gives a folder or one file of it', async () => {
    const source = await published();
    const here = await openProjectWith();
    expect(await get(here.root, { url: source.root, path: 'data' })).toEqual({ count: 2, out: 'data' });
    await get(here.root, { url: source.root, path: 'data/b.txt', out: 'mine.txt' });
    expect([read(here, 'data/a.txt'), read(here, 'mine.txt')]).toEqual(['one', 'two']);
    await expect(get(here.root, { url: source.root, path: 'data' })).rejects.toMatchObject({
      code: 'files_in_the_way',
    });
  });

  it('is imported with where it comes from, and followed by update', async () => {
    const source = await published();
    const here = await openProjectWith();
    await importFromRepo(here, { url: source.root, path: 'data' });
    expect(read(here, 'data/a.txt')).toBe('one');
    expect(read(here, 'data.dvc')).toContain(`url: ${source.root}`);
    write(source, 'data/a.txt', 'changed');
    write(source, 'data/b.txt', 'two');
    await add(source, { targets: ['data'] });
    await push(source, { targets: [] });
    commitAll(source, 'next');
    here.forget();
    expect((await workspaceStatus(here)).stages.has('data.dvc')).toBe(true);
    await update(here, { targets: ['data.dvc'] });
    expect(read(here, 'data/a.txt')).toBe('changed');
    expect((await workspaceStatus(here)).stages.size).toBe(0);
  });
});

describe('a file from elsewhere', () => {
  it('is imported, and followed by update', async () => {
    const outside = await openProjectWith({ 'raw.csv': 'a,b\n' });
    const here = await openProjectWith();
    const url = path.join(outside.root, 'raw.csv');
    await importFromUrl(here, { url });
    expect(read(here, 'raw.csv')).toBe('a,b\n');
    write(outside, 'raw.csv', 'a,b\n1,2\n');
    await update(here, { targets: ['raw.csv.dvc'] });
    expect(read(here, 'raw.csv')).toBe('a,b\n1,2\n');
    await expect(importFromUrl(here, { url: path.join(outside.root, 'gone') })).rejects.toMatchObject({
      code: 'missing_dependency',
    });
    expect(exists(here, 'gone.dvc')).toBe(false);
  });
});
