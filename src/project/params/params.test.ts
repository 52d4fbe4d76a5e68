import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { PyFloat, pythonJson, type PyMap, type PyValue } from '../../base/index.ts';
import {
  currentParams,
  editPythonParam,
  editToml,
  getParam,
  globPattern,
  parseDataFile,
  parsePythonJson,
} from '../index.ts';

describe('params files', () => {
  it('keep Python types in every format', () => {
    const expected: PyMap = new Map<PyValue, PyValue>([
      ['i', 1],
      ['f', new PyFloat(1)],
      ['s', 'x'],
      ['l', [1, new PyFloat(2.5)]],
    ]);
    expect(parseDataFile('i: 1\nf: 1.0\ns: x\nl: [1, 2.5]\n', 'p.yaml')).toEqual(expected);
    expect(parseDataFile('{"i": 1, "f": 1.0, "s": "x", "l": [1, 2.5]}', 'p.json')).toEqual(expected);
    expect(parseDataFile('i = 1\nf = 1.0\ns = "x"\nl = [1, 2.5]\n', 'p.toml')).toEqual(expected);
    expect(parseDataFile('i = 1\nf = 1.0\ns = "x"\nl = [1, 2.5]\n', 'p.py')).toEqual(expected);
  });

  it('read Python without running it: literals of modules, classes and __init__', () => {
    const text = [
      'import os  # a = 1',
      'LR: float = 1e-3',
      'A = B = 2',
      'PATH = os.getcwd()',
      'NEG = -5',
      'T = (1, "a" \'b\', [2,',
      '     3])',
      'D = {"k": {"n": None}, 4: True}',
      'S = {1, 2}',
      'DOC = """x = 3',
      'y = 4"""',
      'class Train:',
      '    epochs = 1_000',
      '    class Inner:',
      '        z = 0x1F',
      '    def __init__(self):',
      '        self.seed = 7',
      '        other = 8',
      '    def run(self):',
      '        self.no = 9',
      'if True:',
      '    hidden = 1',
      'last = "é"',
    ].join('\n');
    expect(pythonJson(parseDataFile(text, 'p.py'), false)).toBe(
      '{"LR": 0.001, "NEG": -5, "T": [1, "ab", [2, 3]], "D": {"k": {"n": null}, "4": true}, "S": [1, 2], ' +
        '"DOC": "x = 3\\ny = 4", "Train": {"epochs": 1000, "Inner": {"z": 31}, "seed": 7}, "last": "\\u00e9"}',
    );
  });

  it('find values by dotted keys, list indexes and patterns with one match', () => {
    const data = parseDataFile('a: {b: [10, {c: 11}]}\n5: five\nd: {x: 1, y: 2}\n', 'p.yaml');
    expect(getParam(data, 'a.b.1.c')).toBe(11);
    expect(getParam(data, '5')).toBe('five');
    expect(getParam(data, 'a.nope')).toBeUndefined();
    expect(getParam(data, 'd.x*')).toBe(1);
    expect(() => getParam(data, 'd.*')).toThrow('globs must match only one leaf');
    expect(currentParams(data, ['a.b.0', 'nope'])).toEqual(new Map([['a.b.0', 10]]));
  });

  it('name the file and place of what is broken', () => {
    expect(() => parseDataFile('{"a": }', 'p.json')).toThrow(/'p\.json'.*line 1, column 7/);
    expect(() => parseDataFile('a = \n', 'p.toml')).toThrow(/'p\.toml'.*line 1/);
    expect(() => parseDataFile('a = [1,\n', 'p.py')).toThrow(/'p\.py'.*not closed/);
  });

  it('read any JSON that Python writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(JSON.parse(pythonJson(parsePythonJson(text), false))).toEqual(JSON.parse(text));
      }),
    );
    const text = '{"big": 123456789012345678901234567890, "f": 1e-05, "n": NaN, "i": -Infinity, "z": -0.0}';
    expect(pythonJson(parsePythonJson(text), false)).toBe(text);
  });

  it('are found by patterns of Python’s fnmatch, in linear time', () => {
    const fits = (glob: string, text: string): boolean => globPattern(glob).test(text);
    expect(['a*', '*c', 'a?c', 'a[a-b]c', 'a[!x]c', '[]a]bc', '*', 'abc'].map((glob) => fits(glob, 'abc'))).toEqual(
      Array.from({ length: 8 }, () => true),
    );
    expect(['a', '?', 'b*', '*b', '[!a]bc', 'a[z-a]c', 'ABC', 'abc?'].map((glob) => fits(glob, 'abc'))).toEqual(
      Array.from({ length: 8 }, () => false),
    );
    expect(fits('[^a]', '^')).toBe(true);
    expect(fits('a[b', 'a[b')).toBe(true);
    expect(fits('a\\*', 'a\\x')).toBe(true);
    const began = performance.now();
    expect(fits(`${'*a'.repeat(100)}b`, 'a'.repeat(100_000))).toBe(false);
    expect(performance.now() - began).toBeLessThan(500);
    expect(() => globPattern('*'.repeat(1001))).toThrow('a pattern has 1001 characters');
  });

  it('of Python take another value where they stand', () => {
    const text = 'A = \'x\'  # why\nD = {\n  "a": 1,  # one\n  "b": None,\n}\nclass C:\n\ty: int = 2 # n\n';
    const edit = (path: string[], value: PyValue): string | undefined => editPythonParam(text, path, value);
    expect(edit(['A'], "it's")).toBe(text.replace("'x'", '"it\'s"'));
    expect(edit(['D', 'b'], 5)).toBe(text.replace(/\{[^}]*\}/, "{'a': 1, 'b': 5}"));
    expect(edit(['C', 'y'], new PyFloat(1e-5))).toBe(text.replace('= 2', '= 1e-05'));
    expect(edit(['C', 'z'], 1)).toBeUndefined();
    expect(edit(['D', 'a'], null)).toContain("'a': None");
  });

  it('of TOML are set, added and removed with their comments', () => {
    const text = '# c\nn = 1 # one\n\n[t] # table\nx = 1\n';
    expect(editToml(text, ['n'], new PyFloat(2))).toBe(text.replace('n = 1', 'n = 2.0'));
    expect(editToml(text, ['t', 'y'], [new PyFloat(Number.POSITIVE_INFINITY)])).toBe(`${text}y = [inf]\n`);
    expect(editToml(text, ['t', 'x'], undefined)).toBe(text.replace('x = 1\n', ''));
    expect(parseDataFile(editToml(text, ['a', 'b', 'c'], 1n), 'f.toml')).toEqual(
      new Map(Object.entries({ n: 1, a: new Map([['b', new Map([['c', 1]])]]), t: new Map([['x', 1]]) })),
    );
    expect(() => editToml(text, ['n'], null)).toThrow('TOML has no null');
  });
});

describe('files of somebody else', () => {
  const deep = (open: string, close: string, levels: number): string => open.repeat(levels) + close.repeat(levels);

  it.each([
    ['p.yaml', `a: ${deep('[', ']', 50_000)}`, 'levels of mappings and lists in each other, in line 1'],
    ['p.yaml', Array.from({ length: 2000 }, (_, i) => `${' '.repeat(i)}a:\n`).join(''), 'levels of mappings and lists'],
    ['p.yaml', `a: ${'1'.repeat(5000)}`, 'an integer of more than 4300 digits'],
    ['p.json', deep('[', ']', 50_000), 'levels in each other, line 1, column 501'],
    ['p.json', '1'.repeat(5000), 'an integer of more than 4300 digits'],
    ['p.toml', `a = ${deep('[', ']', 50_000)}`, 'line 1'],
    ['p.toml', `a${'.a'.repeat(50_000)} = 1`, 'levels of tables'],
    ['p.py', `a = ${deep('[', ']', 50_000)}`, 'brackets in each other, line 1'],
    ['p.py', `${')'.repeat(50_000)}\na = ${'['.repeat(50_000)}`, 'brackets in each other, line 2'],
  ])('are refused in words where they nest too deeply: %s', (file, text, words) => {
    expect(() => parseDataFile(text, file)).toThrow(words);
  });

  it('do not multiply by aliases, merges and braces', () => {
    const laughs = Array.from({ length: 12 }, (_, i) => {
      const inside = i === 0 ? 'x' : `*a${i - 1}`;
      return `a${i}: &a${i} [${Array.from({ length: 10 }, () => inside).join(', ')}]\n`;
    });
    expect(() => parseDataFile(laughs.join(''), 'p.yaml')).toThrow(
      /aliases that stand for more than 1,000,000 values, in line \d/,
    );
    const merges = `m: &m {${Array.from({ length: 2000 }, (_, i) => `k${i}: 1`).join(', ')}}\n`;
    const merged = Array.from({ length: 600 }, (_, i) => `n${i}: {<<: *m}\n`).join('');
    expect(() => parseDataFile(merges + merged, 'p.yaml')).toThrow('aliases that stand for more than');
    expect(parseDataFile(`a = ${deep('{', '}', 400)}`, 'p.py')).toBeInstanceOf(Map);
    expect(parseDataFile('a = {1, 2,}\nb = {1: 2, 3: 4,}\nc = --5\nd = -True\n', 'p.py')).toEqual(
      new Map<string, PyValue>([
        ['a', [1, 2]],
        [
          'b',
          new Map([
            [1, 2],
            [3, 4],
          ]),
        ],
        ['c', 5],
      ]),
    );
  });
});
