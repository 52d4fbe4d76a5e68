import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import { memoryTree, revisionTree, worktreeTree, type MemoryFile } from './index.ts';
import { treeContract } from './tree-contract.ts';

function temporaryFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-tree-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function writeFiles(root: string, files: Readonly<Record<string, MemoryFile>>): void {
  for (const [name, file] of Object.entries(files)) {
    const target = path.join(root, name);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    if (typeof file === 'string' || file instanceof Uint8Array) fs.writeFileSync(target, file);
    else if ('link' in file) fs.symlinkSync(file.link, target);
    else fs.writeFileSync(target, file.content, { mode: file.executable === true ? 0o755 : 0o644 });
  }
}

function commitAll(root: string): void {
  const git = (...args: string[]): void => {
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], { cwd: root });
  };
  git('init', '-q');
  git('add', '-A');
  git('commit', '-q', '--allow-empty', '-m', 'first');
}

describe('worktree tree', () => {
  treeContract((files) => {
    const root = temporaryFolder();
    writeFiles(root, files);
    return worktreeTree(root);
  });

  it('does not wait for a pipe', () => {
    const root = temporaryFolder();
    execFileSync('sh', ['-c', 'mkfifo pipe'], { cwd: root });
    expect(worktreeTree(root).read('pipe')).toBeUndefined();
    expect(worktreeTree(root).entry('pipe')?.kind).toBe('other');
  });
});

describe('memory tree', () => {
  treeContract((files) => memoryTree(files));
});

describe('revision tree', () => {
  treeContract((files) => {
    const root = temporaryFolder();
    writeFiles(root, files);
    commitAll(root);
    fs.readdirSync(root)
      .filter((name) => name !== '.git')
      .forEach((name) => fs.rmSync(path.join(root, name), { recursive: true }));
    return revisionTree(root, 'HEAD');
  });

  it('of a subdirectory holds that subdirectory, with paths relative to it', () => {
    const root = temporaryFolder();
    writeFiles(root, { 'sub/dvc.yaml': 'stages: {}', other: '' });
    commitAll(root);
    const tree = revisionTree(path.join(root, 'sub'), 'HEAD');
    expect(tree.list('').map((item) => item.name)).toEqual(['dvc.yaml']);
    expect(tree.commit).toMatch(/^[0-9a-f]{40}$/);
  });

  it('refuses an unknown revision', () => {
    const root = temporaryFolder();
    commitAll(root);
    expect(() => revisionTree(root, 'nope')).toThrow("unknown Git revision 'nope'");
    expect(() => revisionTree(root, '--all')).toThrow("unknown Git revision '--all'");
  });
});

describe('a tree that no Git makes', () => {
  const entry = (mode: string, name: string, hash: string): Buffer =>
    Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(hash, 'hex')]);

  /** A repository whose commit has a folder with one entry of that name. */
  function repositoryWith(name: string, kind: 'file' | 'folder', others: readonly string[] = []): string {
    const root = temporaryFolder();
    const git = (input: string | Buffer, ...args: string[]): string =>
      execFileSync('git', args, { cwd: root, input }).toString().trim();
    git('', 'init', '-q', '-b', 'main');
    const tree = (content: Buffer): string => git(content, 'hash-object', '-t', 'tree', '-w', '--stdin', '--literally');
    const blob = git('x', 'hash-object', '-w', '--stdin');
    const inner = tree(entry('100644', 'x', blob));
    const bad = kind === 'file' ? entry('100644', name, blob) : entry('40000', name, inner);
    const folder = tree(Buffer.concat([...others.map((other) => entry('120000', other, blob)), bad]));
    const top = tree(entry('40000', 'data', folder));
    const commit = `tree ${top}\nauthor t <t@e> 1 +0000\ncommitter t <t@e> 1 +0000\n\nx\n`;
    git('', 'update-ref', 'refs/heads/main', git(commit, 'hash-object', '-t', 'commit', '-w', '--stdin'));
    return root;
  }

  it.each([
    '..',
    '.',
    '.git',
    '.GIT',
    '.gIt',
    'git~1',
    'GIT~1',
    '.git ',
    '.git.',
    '.g\u200cit',
    '.git::$INDEX_ALLOCATION',
    'a/b',
    'a\\.git',
    '..\\x',
  ])('is refused for a name such as %j', (name) => {
    for (const kind of ['file', 'folder'] as const)
      expect(() => revisionTree(repositoryWith(name, kind), 'main'), kind).toThrow(/has an entry that /);
  });

  it('is refused for an empty name, and for a name that is there twice', () => {
    expect(() => revisionTree(repositoryWith('', 'file'), 'main')).toThrow();
    expect(() => revisionTree(repositoryWith('link', 'folder', ['link']), 'main')).toThrow('is there twice');
  });

  it('is not what these are: names that only look odd', () => {
    for (const name of ['...', '.gitignore', 'a\\b', 'git~2', ' ', 'é', 'x.git'])
      expect(
        revisionTree(repositoryWith(name, 'file'), 'main')
          .list('data')
          .map((item) => item.name),
      ).toEqual([name]);
  });
});
