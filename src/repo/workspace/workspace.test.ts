import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { drop, exists, openProjectWith, read, write } from '../../../test/support/repo.ts';
import { add } from './add.ts';
import { checkout } from './checkout.ts';
import { commit } from './commit.ts';
import { move } from './move.ts';
import { remove } from './remove.ts';

const folder = { 'data/a.txt': 'one', 'data/sub/b.txt': 'two', 'model.bin': 'weights' };

describe('add', () => {
  it('tracks files and folders, and makes Git ignore them', async () => {
    const repo = await openProjectWith(folder);
    const changed = await add(repo, { targets: ['data', 'model.bin'] });
    expect(changed).toEqual(expect.arrayContaining(['data.dvc', 'model.bin.dvc', '.gitignore']));
    // md5 of `weights`, as `md5sum` has it.
    expect(read(repo, 'model.bin.dvc')).toBe(
      'outs:\n- md5: 63f4f1e9b725370f459720575cd5f953\n  size: 7\n  hash: md5\n  path: model.bin\n',
    );
    expect(read(repo, 'data.dvc')).toMatch(/md5: [0-9a-f]{32}\.dir\n {2}size: 6\n {2}nfiles: 2\n/);
    expect(read(repo, '.gitignore').split('\n')).toEqual(expect.arrayContaining(['/data', '/model.bin']));
    expect(repo.stages().map((stage) => stage.address)).toEqual(['data.dvc', 'model.bin.dvc']);
  });

  it('refuses what is not there, and what overlaps what is tracked', async () => {
    const repo = await openProjectWith({
      ...folder,
      'dvc.yaml': 'stages: {s: {cmd: make, outs: [made/x]}}\n',
      'made/x': '1',
    });
    await expect(add(repo, { targets: ['nothing'] })).rejects.toMatchObject({ code: 'object_missing' });
    await expect(add(repo, { targets: ['made'] })).rejects.toThrow(/overlap/);
    expect(exists(repo, 'made.dvc')).toBe(false);
  });

  it('takes a part of a tracked folder without reading the rest', async () => {
    const repo = await openProjectWith(folder);
    await add(repo, { targets: ['data'] });
    const before = read(repo, 'data.dvc');
    write(repo, 'data/new.txt', 'three');
    drop(repo, 'data/a.txt');
    await add(repo, { targets: ['data/new.txt'] });
    expect(read(repo, 'data.dvc')).not.toBe(before);
    await checkout(repo, { targets: ['data'], force: true });
    expect(fs.readdirSync(path.join(repo.root, 'data')).sort()).toEqual(['a.txt', 'new.txt', 'sub']);
  });
});

describe('checkout', () => {
  it('brings back what was deleted, and says what it did', async () => {
    const repo = await openProjectWith(folder);
    await add(repo, { targets: ['data', 'model.bin'] });
    drop(repo, 'data', 'model.bin');
    const report = await checkout(repo, { targets: [] });
    expect(report).toMatchObject({ added: ['data/', 'model.bin'], modified: [], deleted: [], failed: [] });
    expect(read(repo, 'data/sub/b.txt')).toBe('two');
  });

  it('touches nothing when files would be lost that are in no cache', async () => {
    const repo = await openProjectWith(folder);
    await add(repo, { targets: ['data', 'model.bin'] });
    write(repo, 'model.bin', 'my own');
    drop(repo, 'data');
    await expect(checkout(repo, { targets: [] })).rejects.toMatchObject({ code: 'unsaved_files' });
    expect(exists(repo, 'data')).toBe(false);
    await checkout(repo, { targets: [], force: true });
    expect([read(repo, 'model.bin'), read(repo, 'data/a.txt')]).toEqual(['weights', 'one']);
  });

  it('tells what the cache lacks, and brings the rest', async () => {
    const repo = await openProjectWith(folder);
    await add(repo, { targets: ['data', 'model.bin'] });
    drop(repo, 'model.bin', 'data', '.dvc/cache/files/md5/63');
    repo.data.forgetObjects();
    const report = await checkout(repo, { targets: [] });
    expect(report.failed).toEqual(['model.bin']);
    expect(read(repo, 'data/a.txt')).toBe('one');
  });
});

describe('commit', () => {
  it('takes what is in the workspace, when it may', async () => {
    const repo = await openProjectWith(folder);
    await add(repo, { targets: ['model.bin'] });
    write(repo, 'model.bin', 'better');
    await expect(commit(repo, { targets: [] })).rejects.toMatchObject({ code: 'not_committed' });
    await commit(repo, { targets: [], force: true });
    expect(read(repo, 'model.bin.dvc')).toContain('size: 6');
  });
});

describe('move and remove', () => {
  it('take the .dvc file and the ignore line along', async () => {
    const repo = await openProjectWith(folder);
    await add(repo, { targets: ['model.bin'] });
    fs.mkdirSync(path.join(repo.root, 'models'));
    move(repo, 'model.bin', 'models');
    expect([exists(repo, 'model.bin.dvc'), exists(repo, 'models/model.bin.dvc')]).toEqual([false, true]);
    expect(read(repo, 'models/.gitignore')).toBe('/model.bin\n');
    remove(repo, ['models/model.bin.dvc']);
    expect([exists(repo, 'models/model.bin.dvc'), exists(repo, 'models/.gitignore')]).toEqual([false, false]);
    expect(read(repo, 'models/model.bin')).toBe('weights');
    expect(() => remove(repo, ['nope.dvc'])).toThrow(expect.objectContaining({ code: 'unknown_stage' }) as Error);
  });
});
