import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { memoryTree } from '../../git/index.ts';
import { IgnoreRules } from './ignore.ts';
import { segmentsOf, sourceOf } from './pattern.ts';
import { SegmentPattern } from './segments.ts';

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

  it('means the same step by step as by regular expressions', () => {
    // A class that leaves letters out takes a slash in a regular expression of pathspec, though in no path of Git.
    const word = fc.stringMatching(/^(?:[ab.]|\*|\?|\[ab\]){1,6}$/);
    const pattern = fc
      .tuple(fc.boolean(), fc.array(fc.oneof(word, fc.constant('**')), { minLength: 1, maxLength: 5 }), fc.boolean())
      .map(([first, words, last]) => `${first ? '/' : ''}${words.join('/')}${last ? '/' : ''}`);
    const name = fc.stringMatching(/^[ab.]{1,5}$/);
    const path = fc.tuple(fc.array(name, { minLength: 1, maxLength: 5 }), fc.constantFrom('', '/'));
    fc.assert(
      fc.property(pattern, path, (text, [names, end]) => {
        const segments = segmentsOf(text);
        fc.pre(segments !== undefined && typeof segments !== 'string');
        const given = names.join('/') + end;
        const wanted = new RegExp(`^(?:${sourceOf(segments)})`, 'u').test(given);
        expect(new SegmentPattern(segments).test(given)).toBe(wanted);
      }),
      { numRuns: 5000 },
    );
  });

  it('means the same among many lines as among few', () => {
    const word = fc.stringMatching(/^(?:[ab.]|\*|\?|\[ab\]|\[!a\]){1,6}$/);
    const step = fc.oneof(word, fc.constant('**'));
    const line = fc
      .tuple(
        fc.constantFrom('', '!'),
        fc.constantFrom('', '/'),
        fc.array(step, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('', '/'),
      )
      .map(([sign, start, steps, end]) => sign + start + steps.join('/') + end);
    const path = fc
      .array(fc.stringMatching(/^[ab.]{1,5}$/), { minLength: 1, maxLength: 4 })
      .map((names) => names.join('/'));
    const lines = fc.array(line, { minLength: 1, maxLength: 8 });
    const others = Array.from({ length: 40 }, (_, i) => (i % 3 === 0 ? `z${i}` : `*z${i}*/`));
    fc.assert(
      fc.property(lines, lines, path, fc.boolean(), (top, below, at, isDirectory) => {
        const verdict = (more: readonly string[]): boolean =>
          rules({ '.dvcignore': [...more, ...top].join('\n'), 'a/.dvcignore': [...below, ...more].join('\n') }).ignored(
            at,
            isDirectory,
          );
        expect(verdict(others)).toBe(verdict([]));
      }),
      { numRuns: 2000 },
    );
  });

  it('tries few of twenty thousand lines on a path', () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `dir${i}/*.tmp\n*.x${i}\n/a/b${i}/\n*_${i}_*\n`).join('');
    const ignore = rules({ '.dvcignore': lines });
    const began = performance.now();
    for (let i = 0; i < 2000; i++) expect(ignore.ignored(`data/d${i}/f`, false)).toBe(false);
    expect(ignore.ignored('q/f.x77', false)).toBe(true);
    expect(ignore.ignored('a/b4999/f', false)).toBe(true);
    expect(ignore.ignored('q/run_17_b', false)).toBe(true);
    expect(performance.now() - began).toBeLessThan(3000);
  });

  it.each([
    ['30 stars', `${'*a'.repeat(30)}b`, 'a'.repeat(200)],
    ['stars and question marks', '*?'.repeat(60), 'a'.repeat(59)],
    ['folders at any depth', `${'**/a/'.repeat(200)}b`, Array.from({ length: 100 }, () => 'a').join('/')],
    ['stars at any depth', `${'**/*a*a*a*b/'.repeat(40)}b`, Array.from({ length: 100 }, () => 'aaaaaaa').join('/')],
    ['a megabyte of stars', '*'.repeat(1_000_000), 'a'.repeat(200)],
    ['a megabyte of folders', '**/'.repeat(300_000), 'a/b/c'],
    ['a hundred thousand steps', 'a/'.repeat(100_000), 'a/b/c'],
    ['a hundred thousand letters', `*${'a'.repeat(100_000)}*b`, 'a'.repeat(200)],
  ])('takes no time for %s', (_, pattern, path) => {
    const ignore = rules({ '.dvcignore': `${pattern}\n` });
    const began = performance.now();
    ignore.ignored(path, false);
    expect(performance.now() - began).toBeLessThan(500);
  });
});
