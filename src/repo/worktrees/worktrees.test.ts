import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import { commitAll, openProjectWith, write } from '../../../test/support/repo.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { openDataRepo } from '../open/open-data-repo.ts';
import { repro } from '../pipeline/repro.ts';
import { Worktrees } from './worktrees.ts';

const homeOf = (repo: DataRepo): string => path.join(repo.root, '.mlops/worktrees');

describe('worktrees', () => {
  it('run stages on the state of the workspace, share the cache and leave the workspace alone', async () => {
    const repo = await openProjectWith({
      'dvc.yaml':
        'stages:\n  a: {cmd: cp in a.txt, deps: [in], outs: [a.txt]}\n  b: {cmd: cat a.txt params.yaml > b.txt, deps: [a.txt], params: [lr], outs: [b.txt]}\n',
      'params.yaml': 'lr: 1\n',
      in: 'first\n',
    });
    await repro(repo);
    commitAll(repo);
    write(repo, 'in', 'changed, not committed\n');
    const trees = await Worktrees.open({ root: repo.root, writes: ['a.txt', 'b.txt'] });
    write(repo, 'in', 'too late\n');
    const tree = trees.make();
    fs.writeFileSync(path.join(tree.root, 'params.yaml'), 'lr: 2\n');
    const inside = await openDataRepo(tree.root);
    expect(inside.data.cacheDir).toBe(repo.data.cacheDir);
    await repro(inside);
    inside.close();
    expect(fs.readFileSync(path.join(tree.root, 'b.txt'), 'utf8')).toBe('changed, not committed\nlr: 2\n');
    expect(fs.readFileSync(path.join(repo.root, 'b.txt'), 'utf8')).toBe('first\nlr: 1\n');
    const second = trees.make();
    const again = await openDataRepo(second.root);
    const kinds: string[] = [];
    await repro(again, { onEvent: ({ kind }) => void kinds.push(kind) });
    again.close();
    expect(kinds.filter((kind) => kind === 'running')).toHaveLength(1);
    trees.close();
    expect(fs.readdirSync(homeOf(repo))).toEqual([]);
    repo.close();
  });

  it('of a revision have its files, also those with uncommitted changes', async () => {
    const repo = await openProjectWith({ 'dvc.yaml': 'stages: {}\n', 'src/code.py': 'old\n' });
    commitAll(repo);
    write(repo, 'src/code.py', 'new\n');
    const trees = await Worktrees.open({ root: repo.root, writes: [], revision: 'HEAD' });
    expect(fs.readFileSync(path.join(trees.make().root, 'src/code.py'), 'utf8')).toBe('old\n');
    await expect(Worktrees.open({ root: repo.root, writes: [], revision: 'nowhere' })).rejects.toThrow(/nowhere/);
    trees.close();
    repo.close();
  });

  it('find what lies beside and above the project where it was', async () => {
    const repo = await openProjectWith({ 'dvc.yaml': 'stages: {}\n' });
    const beside = fs.mkdtempSync(path.join(path.dirname(repo.root), 'beside-'));
    onTestFinished(() => fs.rmSync(beside, { recursive: true, force: true }));
    const name = path.basename(beside);
    fs.writeFileSync(path.join(beside, 'data.txt'), 'outside\n');
    const home = path.basename(path.dirname(repo.root));
    const outside = [`../${name}/data.txt`, `../${name}`, `../../${home}/${name}/data.txt`];
    const trees = await Worktrees.open({ root: repo.root, writes: [], outside });
    for (const { root } of [trees.make(), trees.make()]) {
      for (const file of [outside[0] ?? '', outside[2] ?? '']) {
        expect(fs.readFileSync(path.join(root, file), 'utf8')).toBe('outside\n');
      }
    }
    trees.close();
    expect(fs.readdirSync(homeOf(repo))).toEqual([]);
    expect(fs.readdirSync(beside)).toEqual(['data.txt']);
    for (const file of ['..', '../base/x']) {
      const opened = Worktrees.open({ root: repo.root, writes: [], outside: [file] });
      await expect(opened).rejects.toThrow(/is outside of the project/);
    }
    repo.close();
  });

  it('are removed when their process was killed', async () => {
    const repo = await openProjectWith({ 'dvc.yaml': 'stages: {}\n' });
    const dead = spawnSync('true').pid;
    const left = path.join(homeOf(repo), 'left');
    fs.mkdirSync(path.join(left, 'base'), { recursive: true });
    fs.writeFileSync(path.join(left, 'owner.json'), JSON.stringify({ pid: dead, born: '1' }));
    const trees = await Worktrees.open({ root: repo.root, writes: [] });
    expect(fs.existsSync(left)).toBe(false);
    const other = await Worktrees.open({ root: repo.root, writes: [] });
    expect(fs.existsSync(trees.base)).toBe(true);
    trees.close();
    other.close();
    repo.close();
  });

  it('are made in a moment for 10,000 files, with large folders linked whole and written ones real', async () => {
    const repo = await openProjectWith({ 'dvc.yaml': 'stages: {}\n', 'src/code.py': 'x = 1\n', 'out/old': 'x\n' });
    for (let folder = 0; folder < 10; folder++) {
      fs.mkdirSync(path.join(repo.root, `data/${folder}`), { recursive: true });
      for (let i = 0; i < 1000; i++) fs.writeFileSync(path.join(repo.root, `data/${folder}/${i}.txt`), String(i));
    }
    const trees = await Worktrees.open({ root: repo.root, writes: ['data/made', 'out'] });
    trees.make();
    const startedAt = performance.now();
    const { root } = trees.make();
    expect(performance.now() - startedAt).toBeLessThan(300);
    expect(fs.lstatSync(path.join(root, 'data')).isDirectory()).toBe(true);
    expect(fs.lstatSync(path.join(root, 'data/9')).isSymbolicLink()).toBe(true);
    expect(fs.readFileSync(path.join(root, 'data/9/7.txt'), 'utf8')).toBe('7');
    expect(fs.lstatSync(path.join(root, 'src/code.py')).isFile()).toBe(true);
    expect(fs.existsSync(path.join(root, 'out'))).toBe(false);
    trees.close();
    repo.close();
  });
});
