import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import {
  addToGitignore,
  cloneRepository,
  fetchRepository,
  findGitRoot,
  gitIdentity,
  gitState,
  headCommit,
  ignoredByGit,
  initRepository,
  installHooks,
  listBranches,
  listCommits,
  listTags,
  recentCommits,
  removeFromGitignore,
  resolveRevision,
  stageFiles,
  trackedByGit,
} from './index.ts';

let root: string;

beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-git-')));
  git('init', '-q', '-b', 'main');
  git('config', 'user.name', 'Ada');
  git('config', 'user.email', 'ada@example.org');
  return () => fs.rmSync(root, { recursive: true, force: true });
});

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
}

function write(name: string, content: string): string {
  const file = path.join(root, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
  return file;
}

function commit(name: string, content: string): string {
  write(name, content);
  git('add', '-A');
  git('commit', '-q', '-m', `write ${name}`);
  return git('rev-parse', 'HEAD');
}

describe('the state of a work tree', () => {
  it('has no commit before the first one', () => {
    expect(gitState(root)).toEqual({ commit: undefined, branch: 'main', dirty: false });
    expect(headCommit(root)).toBeUndefined();
    expect(listCommits(root)).toEqual([]);
  });

  it('names commit and branch, and is dirty once a tracked file changes', () => {
    const hash = commit('a', '1');
    write('untracked', '');
    expect(gitState(root)).toEqual({ commit: hash, branch: 'main', dirty: false });
    write('a', '2');
    expect(gitState(root).dirty).toBe(true);
    git('add', 'a');
    expect(gitState(root).dirty).toBe(true);
  });

  it('has no branch when HEAD is detached', () => {
    const hash = commit('a', '1');
    git('checkout', '-q', '--detach');
    expect(gitState(root)).toEqual({ commit: hash, branch: undefined, dirty: false });
  });

  it('is not there outside a repository', () => {
    expect(findGitRoot(path.join(root, 'x', 'y'))).toBe(root);
    expect(findGitRoot(os.tmpdir())).toBeUndefined();
    expect(() => gitState(os.tmpdir())).toThrow(expect.objectContaining({ code: 'not_a_git_repo' }));
  });

  it('asks for git when it is not on the PATH', () => {
    vi.stubEnv('PATH', '/nonexistent');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(() => gitState(root)).toThrow(expect.objectContaining({ code: 'program_missing' }));
  });
});

describe('revisions', () => {
  it('are found by branch, tag, short hash and expression', () => {
    const first = commit('a', '1');
    git('tag', '-a', 'v1', '-m', 'one');
    git('branch', 'dev/x');
    const second = commit('a', '2');
    expect(resolveRevision(root, 'v1')).toBe(first);
    expect(resolveRevision(root, 'HEAD~1')).toBe(first);
    expect(resolveRevision(root, second.slice(0, 8))).toBe(second);
    expect(resolveRevision(root, 'dev/x')).toBe(first);
    expect(listBranches(root)).toEqual(['dev/x', 'main']);
    expect(listTags(root)).toEqual(['v1']);
    expect(listCommits(root)).toEqual([second, first]);
    expect(recentCommits(root, 'main', 1)).toEqual([second]);
  });

  it('that do not exist are an error', () => {
    commit('a', '1');
    for (const name of ['nope', '', '--help', 'HEAD~7'])
      expect(() => resolveRevision(root, name)).toThrow(expect.objectContaining({ code: 'unknown_revision' }));
  });
});

describe('tracked and ignored paths', () => {
  it('knows a tracked directory by its files, and odd names', () => {
    commit('d/e/f', '1');
    write('d/é *.txt', '');
    stageFiles(root, ['d/é *.txt']);
    const asked = ['d', 'd/e', 'd/e/f', 'd/é *.txt', 'd/x', 'nope', path.join(root, 'd')];
    expect([...trackedByGit(root, asked)]).toEqual(['d', 'd/e', 'd/e/f', 'd/é *.txt', path.join(root, 'd')]);
  });

  it('honours patterns of every level', () => {
    write('.gitignore', '*.log\ndata/\n');
    write('sub/.gitignore', '!keep.log\n');
    write('data/x', '');
    const asked = ['a.log', 'sub/keep.log', 'data', 'data/x', 'b'];
    expect([...ignoredByGit(root, asked)]).toEqual(['a.log', 'data', 'data/x']);
  });

  it('adds lines as DVC does, and only those needed', () => {
    const file = write('.gitignore', '*.log');
    const paths = ['x.log', 'data', 'we[ird] #1!', 'sub/é'].map((name) => path.join(root, name));
    expect(addToGitignore(root, paths).files).toEqual([file, path.join(root, 'sub/.gitignore')]);
    expect(fs.readFileSync(file, 'utf8')).toBe('*.log\n/data\n/we\\[ird\\] \\#1\\!\n');
    expect(fs.readFileSync(path.join(root, 'sub/.gitignore'), 'utf8')).toBe('/é\n');
    expect(addToGitignore(root, paths)).toEqual({ files: [], added: [] });
  });

  it('takes them out again, and the file when nothing is left', () => {
    const paths = ['data', 'plain', 'sub/é'].map((name) => path.join(root, name));
    write('.gitignore', '# mine\r\n');
    addToGitignore(root, paths);
    expect(removeFromGitignore(root, paths)).toEqual([path.join(root, '.gitignore')]);
    expect(fs.readFileSync(path.join(root, '.gitignore'), 'utf8')).toBe('# mine\r\n');
    expect(fs.existsSync(path.join(root, 'sub/.gitignore'))).toBe(false);
    expect(removeFromGitignore(root, paths)).toEqual([]);
  });

  it('leaves escaped lines when a name goes, as DVC, and writes them once', () => {
    const odd = path.join(root, 'we[ird]');
    addToGitignore(root, [odd]);
    expect(removeFromGitignore(root, [odd])).toEqual([]);
    const spaced = path.join(root, 'ends ');
    addToGitignore(root, [spaced]);
    addToGitignore(root, [spaced]);
    expect(fs.readFileSync(path.join(root, '.gitignore'), 'utf8')).toBe('/we\\[ird\\]\n/ends \n');
  });

  it('refuses paths outside the repository', () => {
    expect(() => addToGitignore(root, [path.join(os.tmpdir(), 'x')])).toThrow('is outside');
  });
});

describe('hooks', () => {
  it('are written executable, and never over existing ones', () => {
    installHooks(root, { 'pre-push': 'exec mlops git-hook pre-push "$@"' });
    const file = path.join(root, '.git/hooks/pre-push');
    expect(fs.readFileSync(file, 'utf8')).toBe('#!/bin/sh\nexec mlops git-hook pre-push "$@"\n');
    expect(fs.statSync(file).mode & 0o111).toBe(0o111);
    expect(() => installHooks(root, { 'pre-commit': 'x', 'pre-push': 'y' })).toThrow("Hook 'pre-push' already exists");
    expect(fs.existsSync(path.join(root, '.git/hooks/pre-commit'))).toBe(false);
  });
});

describe('cloning and founding', () => {
  it('clones, and fetches moved tags', async () => {
    const first = commit('a', '1');
    git('tag', 'v1');
    const copy = path.join(root, '.git/copy');
    await cloneRepository(root, copy);
    expect(resolveRevision(copy, 'v1')).toBe(first);
    const second = commit('a', '2');
    git('tag', '-f', 'v1');
    await fetchRepository(copy);
    expect(resolveRevision(copy, 'v1')).toBe(second);
  });

  it('tells what could not be cloned, without the password in the address', async () => {
    const url = 'https://me:secret@127.0.0.1:1/x.git';
    const failed = cloneRepository(url, path.join(root, 'c'));
    await expect(failed).rejects.toThrow(expect.objectContaining({ code: 'git_failed' }));
    await expect(failed).rejects.not.toThrow(/secret/);
  });

  it('makes a repository with a first commit and branches', async () => {
    const folder = path.join(root, 'new');
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, 'a'), '1');
    vi.stubEnv('GIT_AUTHOR_NAME', 'Ada');
    vi.stubEnv('GIT_AUTHOR_EMAIL', 'ada@example.org');
    vi.stubEnv('GIT_COMMITTER_NAME', 'Ada');
    vi.stubEnv('GIT_COMMITTER_EMAIL', 'ada@example.org');
    onTestFinished(() => void vi.unstubAllEnvs());
    const made = await initRepository(folder, 'First', ['trunk', 'dev']);
    expect(made).toEqual({ created: true, commit: headCommit(folder) });
    expect(listBranches(folder)).toEqual(['dev', 'trunk']);
    expect(gitState(folder)).toMatchObject({ branch: 'trunk', dirty: false });
    expect(gitIdentity(folder)).toBe('Ada <ada@example.org>');
  });
});
