import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { beforeEach, describe, expect, it } from 'vitest';

import { createProjectFiles } from './init-project.ts';
import { findProject, findProjectRoot, toTreePath, tryFindProject } from './project.ts';

let root: string;

beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-project-')));
  fs.mkdirSync(path.join(root, 'deep/er'), { recursive: true });
  return () => fs.rmSync(root, { recursive: true, force: true });
});

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

  it('translates paths of the command line', () => {
    const cwd = path.join(root, 'deep');
    expect(toTreePath({ root }, cwd, 'er/x')).toBe('deep/er/x');
    expect(toTreePath({ root }, cwd, '..')).toBe('');
    expect(toTreePath({ root }, cwd, '../..')).toBeUndefined();
  });
});
