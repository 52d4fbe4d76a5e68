import { describe, expect, it } from 'vitest';

import { memoryTree } from '../../git/index.ts';
import { IgnoreRules } from './ignore.ts';

function rules(files: Readonly<Record<string, string>>): IgnoreRules {
  return new IgnoreRules(memoryTree(files));
}

describe('.dvcignore', () => {
  it('leaves out what its patterns say, deeper files last', () => {
    const ignore = rules({ '.dvcignore': '*.log\n!keep.log\nbuild/\n/top\n', 'sub/.dvcignore': '!x.log\n/only\n' });
    const ignored = ['a.log', 'sub/a.log', 'top', 'sub/only'].map((path) => ignore.ignored(path, false));
    expect(ignored).toEqual([true, true, true, true]);
    const kept = ['keep.log', 'sub/x.log', 'sub/top', 'build', 'only', 'sub/deeper/only'];
    expect(kept.map((path) => ignore.ignored(path, false))).toEqual(kept.map(() => false));
    expect(ignore.ignored('build', true)).toBe(true);
    expect(ignore.ignored('q/build/x', false)).toBe(true);
  });

  it('names the rule that decided, also the one that spares a path', () => {
    const ignore = rules({ '.dvcignore': '# c\n*.log\n!keep.log\n' });
    expect(ignore.check('a.log', false)).toEqual({ ignored: true, rules: ['.dvcignore:2:*.log'] });
    expect(ignore.check('keep.log', false)).toEqual({ ignored: false, rules: ['.dvcignore:3:!keep.log'] });
    expect(ignore.check('other', false)).toEqual({ ignored: false, rules: [] });
  });

  it('always leaves out the folders of Git and DVC, and nested projects', () => {
    const ignore = rules({ 'nested/.dvc/config': '', 'nested/data': '', 'deep/er/.dvc/config': '' });
    expect(ignore.ignored('.git', true)).toBe(true);
    expect(ignore.ignored('.dvc/config', false)).toBe(true);
    expect(ignore.ignored('nested', true)).toBe(true);
    expect(ignore.ignored('deep/er/x', false)).toBe(true);
    expect(ignore.ignored('deep', true)).toBe(false);
  });

  it('does not read the file of a folder that is left out', () => {
    const ignore = rules({ '.dvcignore': 'out\n', 'out/.dvcignore': '!x\n' });
    expect(ignore.ignored('out/x', false)).toBe(true);
  });

  it('passes over patterns that mean nothing', () => {
    const ignore = rules({ '.dvcignore': '/\n[z-a]\n[open\nend\\\n!\n' });
    expect(['z', 'end', '[open', 'x'].map((path) => ignore.ignored(path, false))).toEqual([false, false, false, false]);
  });
});
