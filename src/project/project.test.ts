import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { beforeEach, describe, expect, it } from 'vitest';

import { createProjectFiles } from './init-project.ts';
import {
  ensureStateDir,
  findProject,
  findProjectRoot,
  fromTreePath,
  projectAt,
  toTreePath,
  tryFindProject,
} from './project.ts';

let root: string;

beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-project-')));
  fs.mkdirSync(path.join(root, 'deep/er'), { recursive: true });
  return () => fs.rmSync(root, { recursive: true, force: true });
});

function git(...args: string[]): void {
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], { cwd: root });
}

describe('a project', () => {
  it('is found from any folder inside', () => {
    createProjectFiles(root, true);
    const project = findProject(path.join(root, 'deep/er'));
    expect(project).toMatchObject({
      root,
      cacheDir: path.join(root, '.dvc/cache'),
      tmpDir: path.join(root, '.dvc/tmp'),
      stateDir: path.join(root, '.mlops'),
      noScm: true,
      gitRoot: undefined,
    });
    expect(project.ignore.ignored('.dvc', true)).toBe(true);
  });

  it('is missed with the words of DVC', () => {
    expect(() => findProject(root)).toThrow(expect.objectContaining({ code: 'not_a_project' }));
    expect(() => findProject(root)).toThrow('you are not inside of a DVC repository (checked up to mount point');
    expect(() => findProjectRoot(path.join(root, 'nope'))).toThrow('does not exist');
    expect(tryFindProject(root)).toBeUndefined();
  });

  it('begins with the files of DVC', () => {
    const files = createProjectFiles(root, false);
    expect(files.map((file) => path.relative(root, file))).toEqual(['.dvc/config', '.dvcignore', '.dvc/.gitignore']);
    expect(fs.readFileSync(path.join(root, '.dvc/config'), 'utf8')).toBe('');
    expect(fs.readFileSync(path.join(root, '.dvc/.gitignore'), 'utf8')).toBe('/config.local\n/tmp\n/cache\n');
  });

  it('keeps its private folder out of Git', () => {
    createProjectFiles(root, false);
    git('init', '-q');
    fs.writeFileSync(path.join(ensureStateDir(findProject(root)), 'store.db'), '');
    git('add', '-A');
    expect(execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })).not.toContain('.mlops');
  });

  it('can be read as it was at a commit', () => {
    createProjectFiles(root, false);
    fs.writeFileSync(path.join(root, 'dvc.yaml'), 'stages: {}\n');
    git('init', '-q');
    git('add', '-A');
    git('commit', '-q', '-m', 'first');
    fs.rmSync(path.join(root, 'dvc.yaml'));
    const project = findProject(root);
    expect(Buffer.from(projectAt(project, 'HEAD').read('dvc.yaml') ?? '').toString()).toBe('stages: {}\n');
    expect(project.tree.read('dvc.yaml')).toBeUndefined();
    expect(() => projectAt({ ...project, gitRoot: undefined }, 'HEAD')).toThrow(
      expect.objectContaining({ code: 'not_a_git_repo' }),
    );
  });

  it('translates paths of the command line', () => {
    const cwd = path.join(root, 'deep');
    expect(toTreePath({ root }, cwd, 'er/x')).toBe('deep/er/x');
    expect(toTreePath({ root }, cwd, '..')).toBe('');
    expect(toTreePath({ root }, cwd, '../..')).toBeUndefined();
    expect(fromTreePath({ root }, cwd, 'data/x')).toBe('../data/x');
    expect(fromTreePath({ root }, cwd, 'deep')).toBe('.');
  });
});
