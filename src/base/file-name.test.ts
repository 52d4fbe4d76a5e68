import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';

import { nameFault, pathFault, privateFolderName } from './index.ts';

describe('names of the folders of tools', () => {
  it('are known in every spelling that a file system takes for them', () => {
    const git = ['.git', '.GIT', '.gIt', 'git~1', 'GIT~1', '.git.', '.git ', '.git. . ', '.git::$INDEX_ALLOCATION'];
    const odd = ['.git:x', 'git~1.', '.g\u200cit', '.git\u200d', '\ufeff.git', '.g\u202ei\u206ft', '\u200f.GIT .'];
    for (const name of [...git, ...odd]) expect(privateFolderName(name), JSON.stringify(name)).toBe('.git');
    expect(['.dvc', '.DVC', '.dvc. ', 'dvc~1'].map(privateFolderName)).toEqual(['.dvc', '.dvc', '.dvc', '.dvc']);
    expect(['.mlops', '.Mlops', 'MLOPS~1', '.ml\u200bops'].map(privateFolderName)).toEqual([
      '.mlops',
      '.mlops',
      '.mlops',
      undefined,
    ]);
  });

  it('are none of the names around them', () => {
    const fine = [
      '.gitignore',
      '.gitattributes',
      '.github',
      'git',
      '.git2',
      'git~2',
      'data.dvc',
      '.dvcignore',
      'x.git',
    ];
    for (const name of [...fine, '.mlopsy', 'mlops', 'a~1', 'é', '..a'])
      expect(privateFolderName(name), name).toBeUndefined();
  });

  it('are those that Git refuses to have in its index', () => {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-names-'));
    onTestFinished(() => fs.rmSync(root, { recursive: true, force: true }));
    execFileSync('git', ['init', '-q'], { cwd: root });
    execFileSync('git', ['config', 'core.protectHFS', 'true'], { cwd: root });
    execFileSync('git', ['config', 'core.protectNTFS', 'true'], { cwd: root });
    const takes = (name: string): boolean => {
      const entry = `100644,${'1'.repeat(40)},${name}`;
      try {
        execFileSync('git', ['update-index', '--add', '--cacheinfo', entry], { cwd: root, stdio: 'pipe' });
        return true;
      } catch {
        return false;
      }
    };
    const part = fc.constantFrom(
      '.',
      'g',
      'i',
      't',
      '~1',
      ' ',
      ':',
      'G',
      'T',
      '\u200c',
      '\ufeff',
      '.git',
      'git~1',
      'x',
    );
    const name = fc
      .array(part, { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join(''))
      .filter((text) => !['.', '..'].includes(text));
    // Ignored characters and the endings of NTFS together are more than Git looks at.
    const isBoth = (text: string): boolean =>
      /[\u200c\ufeff]/.test(text) && /[ .:~]/.test(text.replace(/^[\u200c\ufeff]*\./, ''));
    fc.assert(
      fc.property(
        name.filter((text) => !isBoth(text)),
        (text) => {
          expect(privateFolderName(text) === undefined, JSON.stringify(text)).toBe(takes(text));
        },
      ),
      { numRuns: 150, seed: 7 },
    );
  });
});

describe('names that others chose', () => {
  it('are good when they name a file and nothing else', () => {
    for (const name of ['a', '...', '..a', 'a b', 'é', '.gitignore', 'x'.repeat(255), 'a:b'])
      expect(nameFault(name)).toBeUndefined();
  });

  it('are told what is wrong with them', () => {
    expect(['', '.', '..', 'a/b', 'a\\b', 'a\0', '.GIT', '.dvc'].map(nameFault)).toEqual([
      'is empty',
      "is '.'",
      "is '..'",
      'holds a slash, a backslash or a NUL',
      'holds a slash, a backslash or a NUL',
      'holds a slash, a backslash or a NUL',
      "means the folder '.git' of a tool",
      "means the folder '.dvc' of a tool",
    ]);
  });

  it('are judged in paths as one by one, however quickly', () => {
    const piece = fc.constantFrom(
      '.',
      '..',
      '/',
      '\\',
      'a',
      '.git',
      '~',
      'é',
      '\u200c',
      '\0',
      ' ',
      '-',
      'git~1',
      '.mlops',
    );
    const anyPath = fc.array(piece, { maxLength: 6 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(anyPath, (text) => {
        const wrong = text.split('/').find((name) => nameFault(name) !== undefined);
        expect(pathFault(text)?.name).toBe(wrong);
      }),
      { numRuns: 3000 },
    );
  });
});
