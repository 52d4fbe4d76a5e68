import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { isMlopsError, PyFloat, type PyValue } from '../../base/index.ts';
import { arbitraryYaml } from '../../../test/support/yaml-arbitrary.ts';
import { parseYamlFully } from './read.ts';
import { readYamlSubset } from './subset.ts';
import { dumpYaml } from './write.ts';

const lock = `schema: '2.0'
stages:
  train@us:
    cmd: python src/train.py --learning-rate 0.01 --epochs 100 --output model.onnx --seed 42 
      --verbose
    deps:
    - path: data/raw
      hash: md5
      md5: c3936ccd135c302c2180b402751ee574.dir
      size: 19
      nfiles: 2
    params:
      params.yaml:
        lr: 1e-05
        names:
        - a
        - - b
          - 'no'
        empty: {}
    outs: []
`;

/** What the full parser says: the value, or undefined for an error. */
function fully(text: string): PyValue | undefined {
  try {
    return parseYamlFully(text, 'x');
  } catch (error) {
    if (isMlopsError(error, 'bad_yaml')) return undefined;
    throw error;
  }
}

describe('the subset reader', () => {
  it('reads a lock file', () => {
    const value = readYamlSubset(lock) as Map<string, Map<string, Map<string, PyValue>>>;
    expect(value).toEqual(parseYamlFully(lock, 'dvc.lock'));
    const params = value.get('stages')?.get('train@us')?.get('params') as Map<string, Map<string, PyValue>>;
    expect(params.get('params.yaml')?.get('lr')).toEqual(new PyFloat(1e-5));
  });

  it('reads what people write: comments, indented lists, blank lines', () => {
    const text =
      '# top\nstages:\n  a:   # first\n    cmd: echo a#b # c\n\n    deps:\n      - x\n      # y\n      - "z"\n';
    expect(readYamlSubset(text)).toEqual(parseYamlFully(text, 'x'));
  });

  it.each([
    'a: |\n  x\n',
    'a: [1, [2]]\n',
    'a: {b: 1}\n',
    'a: &x 1\n',
    '- a\n',
    'a: 1\na: 2\n',
    '? a\n: b\n',
    'a: b: c\n',
    '<<: 1\n',
    'a:\tb\n',
    '',
  ])('leaves %j to the full parser', (text) => {
    expect(readYamlSubset(text)).toBeUndefined();
  });

  it('agrees with the full parser on everything it reads', () => {
    fc.assert(
      fc.property(arbitraryYaml, (value) => {
        const text = dumpYaml(value);
        const fast = readYamlSubset(text);
        if (fast !== undefined) expect(fast).toEqual(fully(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with the full parser on damaged and rearranged texts', () => {
    const pieces = [
      ...lock.split('\n'),
      ...[
        '# c',
        '',
        ' ',
        '  - x',
        'a: b',
        '\'q\': "r"',
        '  k:',
        '- ',
        '    deep',
        'x: y # z',
        'x:#y',
        'l: [a, 1, "b c"] # d',
        'm: [ x y ,-1 ]',
        '- [- a, b]',
        '${k}/{x}: ${v} [w]',
        'n: [a,,b, ]',
        '  ? z',
        'a : b',
      ],
    ];
    const text = fc
      .array(fc.tuple(fc.constantFrom(...pieces), fc.constantFrom('', ' ', '  ', ' #', ':', "'", '- ')), {
        maxLength: 8,
      })
      .map((lines) => lines.map(([line, more], i) => (i % 2 === 0 ? more + line : line + more)).join('\n'));
    fc.assert(
      fc.property(text, (damaged) => {
        const fast = readYamlSubset(damaged);
        if (fast !== undefined) expect(fast).toEqual(fully(damaged));
      }),
      { numRuns: 5000 },
    );
  });

  it('reads nearly all lock files of machines', () => {
    let read = 0;
    for (const cmd of fc.sample(fc.stringMatching(/^[a-z0-9 ./=_-]{1,200}$/), 200)) {
      const text = dumpYaml(new Map([['stages', new Map([['s', new Map([['cmd', `x ${cmd.trim()}`]])]])]]));
      if (readYamlSubset(text) !== undefined) read++;
    }
    expect(read).toBeGreaterThan(190);
  });
});
