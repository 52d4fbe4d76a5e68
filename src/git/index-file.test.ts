import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

import { indexEntries } from './index.ts';

function repository(...init: string[]): { root: string; git: (...args: string[]) => void } {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-index-'));
  onTestFinished(() => fs.rmSync(root, { recursive: true, force: true }));
  const git = (...args: string[]): void => void execFileSync('git', args, { cwd: root, stdio: 'pipe' });
  git('init', '-q', ...init);
  return { root, git };
}

function write(root: string, ...names: string[]): void {
  for (const name of names) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), name);
  }
}

const names = (root: string): string[] => indexEntries(root, '.dvc', '.mlops0').map((entry) => entry.path);
const long = `.dvc/${'x'.repeat(200)}/${'y'.repeat(200)}`;
const files = ['.a', '.dvc/config', '.dvc/tmp/a b', long, '.mlops/aside/x/moved.json', '.mlopsy', 'z'];
const wanted = ['.dvc/config', '.dvc/tmp/a b', long, '.mlops/aside/x/moved.json'];

it('finds what lies between two paths, in every version of the file', () => {
  for (const version of ['2', '3', '4']) {
    const { root, git } = repository();
    write(root, ...files);
    git('add', '-f', '.');
    // Makes the file one of version 3.
    git('update-index', '--index-version', version);
    if (version === '3') git('update-index', '--skip-worktree', '.dvc/config');
    expect(fs.readFileSync(path.join(root, '.git/index')).readUInt32BE(4), version).toBe(Number(version));
    expect(names(root), version).toEqual(wanted);
  }
});

it('tells links from files, and finds submodules', () => {
  const { root, git } = repository();
  fs.symlinkSync('/tmp', path.join(root, '.dvc'));
  git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},.mlops`);
  git('add', '-A', '.dvc');
  expect(indexEntries(root, '.dvc', '.mlops0')).toEqual([
    { path: '.dvc', isLink: true },
    { path: '.mlops', isLink: false },
  ]);
});

it('reads on where the wanted entries are far from the beginning', () => {
  const { root, git } = repository();
  write(root, ...files);
  git('add', '-f', '.');
  const many = Array.from({ length: 1500 }, (_, i) => `100644 ${'1'.repeat(40)}\t.aa/${String(i).padStart(40, '0')}`);
  execFileSync('git', ['update-index', '--index-info'], { cwd: root, input: `${many.join('\n')}\n` });
  expect(fs.statSync(path.join(root, '.git/index')).size).toBeGreaterThan(100_000);
  expect(names(root)).toEqual(wanted);
});

it('asks git where the file is of another kind: split, and with SHA-256', () => {
  const split = repository();
  write(split.root, ...files);
  split.git('add', '-f', '.');
  split.git('update-index', '--split-index');
  write(split.root, '.mlops/keys.json');
  split.git('add', '-f', '.');
  expect(names(split.root)).toEqual([...wanted, '.mlops/keys.json']);
  const sha256 = repository('--object-format=sha256');
  write(sha256.root, ...files);
  sha256.git('add', '-f', '.');
  expect(names(sha256.root)).toEqual(wanted);
});

it('follows the file that stands for `.git` in other work trees, and knows nothing where there is no index', () => {
  const { root, git } = repository();
  expect(names(root)).toEqual([]);
  write(root, ...files);
  git('add', '-f', '.');
  git('-c', 'user.name=t', '-c', 'user.email=t@example.org', 'commit', '-qm', 'x');
  const other = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-index-')), 'work');
  onTestFinished(() => fs.rmSync(path.dirname(other), { recursive: true, force: true }));
  git('worktree', 'add', '-q', other);
  expect(names(other)).toEqual(wanted);
});
