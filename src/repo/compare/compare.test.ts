import { describe, expect, it } from 'vitest';

import { commitAll, drop, openProjectWith, withRemote, write } from '../../../test/support/repo.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { repro } from '../pipeline/repro.ts';
import { push } from '../sync/transfer.ts';
import { add } from '../workspace/add.ts';
import { compareWithRemote } from './cloud-status.ts';
import { dataStatus } from './data-status.ts';
import { diff } from './diff.ts';
import { statusJson, workspaceStatus } from './status.ts';

async function tracked(): Promise<DataRepo> {
  const repo = await openProjectWith({ 'data/a.txt': 'one', 'data/b.txt': 'two', x: '1' });
  await add(repo, { targets: ['data', 'x'] });
  commitAll(repo);
  return repo;
}

const status = async (repo: DataRepo): Promise<unknown> => JSON.parse(statusJson((await workspaceStatus(repo)).stages));

describe('status', () => {
  it('tells data that changed, is deleted or is in no cache', async () => {
    const repo = await tracked();
    expect(await status(repo)).toEqual({});
    write(repo, 'x', 'other');
    drop(repo, 'data');
    expect(await status(repo)).toEqual({
      'data.dvc': [{ 'changed outs': { data: 'deleted' } }],
      'x.dvc': [{ 'changed outs': { x: 'modified' } }],
    });
    drop(repo, '.dvc/cache/files/md5');
    repo.data.forgetObjects();
    expect(await status(repo)).toMatchObject({ 'x.dvc': [{ 'changed outs': { x: 'not in cache' } }] });
  });

  it('tells deps, params, outputs and commands of stages', async () => {
    const repo = await openProjectWith({
      'dvc.yaml': 'stages: {s: {cmd: cp d o, deps: [d], params: [lr, depth], outs: [o]}}\n',
      'params.yaml': 'lr: 0.1\ndepth: 3\n',
      d: '1',
    });
    await repro(repo);
    repo.forget();
    expect(await status(repo)).toEqual({});
    write(repo, 'd', '2');
    write(repo, 'params.yaml', 'lr: 0.2\ndepth: 3\n');
    write(repo, 'dvc.yaml', 'stages: {s: {cmd: cat d > o, deps: [d], params: [lr, depth], outs: [o]}}\n');
    expect(await status(repo)).toEqual({
      s: [{ 'changed deps': { d: 'modified', 'params.yaml': { lr: 'modified' } } }, 'changed command'],
    });
  });

  it('knows an empty project', async () => {
    expect(await workspaceStatus(await openProjectWith())).toMatchObject({ empty: true });
  });
});

describe('what changed in tracked data', () => {
  it('between a commit and the workspace', async () => {
    const repo = await tracked();
    expect(await diff(repo, { from: 'HEAD', to: undefined, targets: [] })).toBeUndefined();
    write(repo, 'data/a.txt', 'changed');
    write(repo, 'data/c.txt', 'new');
    drop(repo, 'data/b.txt');
    const report = await diff(repo, { from: 'HEAD', to: undefined, targets: [] });
    const paths = (kind: 'added' | 'deleted' | 'modified') => report?.[kind].map((entry) => entry.path);
    expect([paths('added'), paths('deleted'), paths('modified')]).toEqual([
      ['data/c.txt'],
      ['data/b.txt'],
      ['data/', 'data/a.txt'],
    ]);
    await expect(diff(repo, { from: 'nowhere', to: undefined, targets: [] })).rejects.toMatchObject({
      code: 'unknown_revision',
    });
  });

  it('since the last commit, and since it was added', async () => {
    const repo = await tracked();
    write(repo, 'x', 'other');
    await add(repo, { targets: ['x'] });
    write(repo, 'data/a.txt', 'changed');
    const found = await dataStatus(repo, { targets: [], granular: true });
    expect(found.committed).toEqual({ modified: ['x'] });
    expect(found.uncommitted).toEqual({ modified: ['data/', 'data/a.txt'] });
    expect(found.unchanged).toEqual(['data/b.txt']);
  });
});

describe('the cache and a remote', () => {
  it('are compared object by object', async () => {
    const repo = await withRemote(await tracked());
    const before = await compareWithRemote(repo, { targets: [] });
    expect(new Set(before.values())).toEqual(new Set(['new']));
    await push(repo, { targets: [] });
    expect(await compareWithRemote(repo, { targets: [] })).toEqual(new Map());
    drop(repo, '.dvc/cache');
    repo.data.forgetObjects();
    expect(new Set((await compareWithRemote(repo, { targets: ['x'] })).values())).toEqual(new Set(['deleted']));
  });
});
