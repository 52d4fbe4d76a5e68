import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { PyDate, PyFloat, type PyValue } from '../../base/index.ts';
import { arbitraryYaml } from '../../../test/support/yaml-arbitrary.ts';
import { parseYaml, parseYamlWithPositions } from './read.ts';
import { dumpYaml } from './write.ts';

const read = (text: string): PyValue => parseYaml(text, 'dvc.yaml');
const valueOf = (text: string): PyValue => (read(`k: ${text}\n`) as Map<string, PyValue>).get('k') ?? null;

describe('reading YAML', () => {
  it.each<[string, PyValue]>([
    ['yes', 'yes'],
    ['True', true],
    ['017', 17],
    ['0o17', 15],
    ['0x1F', 31],
    ['0b101', 5],
    ['-1_000', -1000],
    ['123456789012345678901234567890', 123456789012345678901234567890n],
    ['1.0', new PyFloat(1)],
    ['1e-5', new PyFloat(1e-5)],
    ['12e03', new PyFloat(12000)],
    ['-.inf', new PyFloat(-Infinity)],
    ['1.5.2', '1.5.2'],
    ['~', null],
    ['', null],
    ['2020-01-31', new PyDate('2020-01-31')],
    ['"1"', '1'],
    ['!!str 1', '1'],
    ['!!float 1', new PyFloat(1)],
    ['[a, {b: 1}]', ['a', new Map([['b', 1]])]],
    ['|\n  a\n  b\n', 'a\nb\n'],
  ])('%s as ruamel does', (text, value) => {
    expect(valueOf(text)).toEqual(value);
  });

  it('merges mappings, with keys of its own first in rank', () => {
    const text = 'a: &a {x: 1, y: 2}\nb: &b {x: 3}\nc:\n  z: 0\n  <<: [*b, *a]\n  y: 9\n';
    const merged = (read(text) as Map<string, Map<string, PyValue>>).get('c');
    expect(merged).toEqual(
      new Map([
        ['x', 3],
        ['y', 9],
        ['z', 0],
      ]),
    );
  });

  it('takes an empty text for null', () => {
    expect(read('')).toBeNull();
    expect(read('# only a comment\n')).toBeNull();
  });

  it.each([
    ['a: 1\na: 2\n', 'Found duplicate key "a" with value "2" (original value: "1"), in line 2'],
    ['a:\n  b: [x_${k}.txt]\n', 'in line 2, column 10'],
    ['a:\n\tb: 1\n', 'in line 2, column 1'],
    ['a: 1\n---\nb: 1\n', 'Expected a single document in the stream'],
    ['a: *nope\n', "undefined alias 'nope', in line 1, column 4"],
    ['a: &x [*x]\n', 'contains itself'],
    ['a: !thing 1\n', "tag '!thing'"],
    ['<<<<<<< HEAD\na: 1\n', 'possible merge conflicts'],
  ])('says what is wrong with %j and where', (text, message) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'bad_yaml' }));
    expect(() => read(text)).toThrow(message);
  });

  it('knows where mappings and lists start', () => {
    const { locate } = parseYamlWithPositions('stages:\n  s1:\n    bad: 1\n    outs: [1]\n', 'dvc.yaml');
    expect(locate(['stages', 's1'])).toEqual({ line: 3, column: 5 });
    expect(locate(['stages', 's1', 'outs'])).toEqual({ line: 4, column: 11 });
    expect(locate(['stages', 's1', 'bad'])).toBeUndefined();
    expect(locate(['nope', 1])).toBeUndefined();
  });
});

describe('writing YAML', () => {
  it('is undone by reading', () => {
    // ruamel leaves these three raw and reads them as line breaks, which YAML 1.2 does not.
    const oldBreaks = /[\u0085\u2028\u2029]/;
    fc.assert(
      fc.property(arbitraryYaml, (value) => {
        const text = dumpYaml(value);
        fc.pre(!oldBreaks.test(text));
        expect(read(text)).toEqual(value);
      }),
      { numRuns: 1000 },
    );
  });

  it('puts lists under their key, folds at column 80 and leaves null empty', () => {
    const text = `${'word '.repeat(18)}end`;
    const value: PyValue = new Map<string, PyValue>([
      [
        'deps',
        [
          new Map<string, PyValue>([
            ['path', 'a'],
            ['size', 1],
          ]),
          [1, []],
        ],
      ],
      ['cmd', text],
      ['none', null],
      ['quoted', '1.0'],
      ['lr', new PyFloat(1e-5)],
    ]);
    expect(dumpYaml(value)).toBe(
      `deps:\n- path: a\n  size: 1\n- - 1\n  - []\ncmd: ${'word '.repeat(15)}\n  word word word end\nnone:\nquoted: '1.0'\nlr: 1e-05\n`,
    );
  });

  it('writes a list that occurs twice once, with an anchor', () => {
    const list: PyValue = [1];
    expect(
      dumpYaml(
        new Map([
          ['a', list],
          ['b', list],
        ]),
      ),
    ).toBe('a: &id001\n- 1\nb: *id001\n');
  });
});
