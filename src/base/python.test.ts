import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { compareCodePoints, floatRepr, PyFloat, pythonEquals, pythonJson, toPlain, type PyValue } from './index.ts';

const scalar: fc.Arbitrary<PyValue> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.string({ unit: 'binary' }),
  fc.maxSafeInteger(),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 90n }),
  fc.double().map((value) => new PyFloat(value)),
);
const { value: anyValue } = fc.letrec<{ value: PyValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.string({ unit: 'binary' }), tie('value')), { maxLength: 4 })
      .map((entries) => new Map(entries)),
  ),
}));

const python = spawnSync('python3', ['-c', 'print(1)']).status === 0;

describe('floatRepr', () => {
  it.each([
    [1, '1.0'],
    [0.1, '0.1'],
    [1e-5, '1e-05'],
    [0.0001, '0.0001'],
    [1e16, '1e+16'],
    [1e15, '1000000000000000.0'],
    [1.5e300, '1.5e+300'],
    [-0, '-0.0'],
    [5e-324, '5e-324'],
    [123456789.125, '123456789.125'],
    [Infinity, 'inf'],
    [NaN, 'nan'],
  ])('writes %d as Python does', (value, text) => {
    expect(floatRepr(value)).toBe(text);
  });

  it('gives back the same number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) =>
        Object.is(Number(floatRepr(value)), value),
      ),
    );
  });
});

describe('pythonJson', () => {
  it('sorts keys by code point, not by UTF-16 unit', () => {
    const value = new Map<PyValue, PyValue>([
      ['\u{1F600}', 1],
      ['\uFFFD', 2],
      ['a', 3],
    ]);
    expect(pythonJson(value)).toBe('{"a": 3, "\\ufffd": 2, "\\ud83d\\ude00": 1}');
  });

  it('escapes DEL, which JSON.stringify leaves', () => {
    expect(pythonJson('\u007f')).toBe('"\\u007f"');
  });

  it('refuses nothing that JSON can read back', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const text = pythonJson(value).replaceAll(/\bNaN\b|-?\bInfinity\b/g, 'null');
        expect(() => JSON.parse(text) as unknown).not.toThrow();
      }),
    );
  });

  it.runIf(python)('equals json.dumps(sort_keys=True) of a real Python', () => {
    const values = fc.sample(anyValue, 3000).map((value) => pythonJson(value));
    const script =
      'import json,sys\nfor l in sys.stdin:\n  v=json.loads(l)\n  print(json.dumps(json.loads(v), sort_keys=True)==v)';
    const input = values.map((text) => JSON.stringify(text)).join('\n');
    const result = spawnSync('python3', ['-c', script], { input, encoding: 'utf8' });
    const lines = result.stdout.trim().split('\n');
    expect(lines).toHaveLength(values.length);
    // Two keys that differ only in lone surrogates cannot survive the pipe, so compare what Python parsed.
    expect(values.filter((_, i) => lines[i] !== 'True')).toEqual([]);
  });
});

describe('compareCodePoints', () => {
  it('agrees with the order of code points', () => {
    const order = (a: string, b: string): number => {
      const left = [...a].map((c) => c.codePointAt(0) ?? 0);
      const right = [...b].map((c) => c.codePointAt(0) ?? 0);
      for (let i = 0; i < Math.min(left.length, right.length); i++)
        if (left[i] !== right[i]) return (left[i] ?? 0) - (right[i] ?? 0);
      return left.length - right.length;
    };
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareCodePoints(a, b))).toBe(Math.sign(order(a, b)));
      }),
    );
  });
});

describe('pythonEquals', () => {
  it('compares numbers by value across types', () => {
    expect(pythonEquals(1, new PyFloat(1))).toBe(true);
    expect(pythonEquals(true, 1)).toBe(true);
    expect(pythonEquals(2n ** 60n, new PyFloat(2 ** 60))).toBe(true);
    expect(pythonEquals('1', 1)).toBe(false);
    expect(pythonEquals(new PyFloat(NaN), new PyFloat(NaN))).toBe(false);
  });

  it('ignores the order of keys but not of items', () => {
    expect(
      pythonEquals(
        new Map([
          ['a', 1],
          ['b', 2],
        ]),
        new Map([
          ['b', 2],
          ['a', 1],
        ]),
      ),
    ).toBe(true);
    expect(pythonEquals([1, 2], [2, 1])).toBe(false);
    expect(pythonEquals([1], [1, 2])).toBe(false);
  });
});

describe('toPlain', () => {
  it('turns mappings into objects and floats into numbers', () => {
    expect(
      toPlain(
        new Map<PyValue, PyValue>([
          ['lr', new PyFloat(0.5)],
          [5, [1n, null]],
        ]),
      ),
    ).toEqual({ lr: 0.5, '5': [1n, null] });
  });
});
