import * as fc from 'fast-check';
import { expect, it } from 'vitest';

import { PyFloat } from '../../base/index.ts';
import { withReferences } from './override-edit.ts';
import { parseOverrideValue } from './override-grammar.ts';
import { typed } from './override-functions.ts';

/** The lexer of Hydra's grammar, word for word. */
const number = String.raw`(?:0|[1-9](?:_?\d)*)`;
const point = String.raw`(?:${number}\.|${number}?\.\d(?:_?\d)*)`;
const int = new RegExp(`^[+-]?${number}$`);
const float = new RegExp(String.raw`^[+-]?(?:${point}|(?:${number}|${point})e[+-]?\d(?:_?\d)*|inf|nan)$`, 'i');

const textOf = (...words: string[]): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...words), { maxLength: 9 }).map((chosen) => chosen.join(''));

it('takes for numbers what the grammar of Hydra takes for numbers', () => {
  fc.assert(
    fc.property(textOf('0', '1', '7', '12', '.', '_', 'e', 'E', '+', '-', 'inf', 'NaN', 'x'), (text) => {
      const value = typed(text);
      const kind = value instanceof PyFloat ? 'float' : typeof value === 'string' ? 'text' : 'int';
      expect(kind).toBe(int.test(text) ? 'int' : float.test(text) ? 'float' : 'text');
    }),
    { numRuns: 10_000 },
  );
});

it('replaces ${...} as an expression would', () => {
  fc.assert(
    fc.property(textOf('${', '${', '$', '{', '}', 'a', '.', ' '), (text) => {
      const expected = text.replace(/\$\{([^}]+)\}/g, (_, name: string) => `<${name}>`);
      expect(withReferences(text, (name) => `<${name}>`)).toBe(expected);
    }),
    { numRuns: 10_000 },
  );
});

it('refuses values that nest without end', () => {
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  expect(parseOverrideValue(nested(400))).toHaveProperty('one');
  expect(() => parseOverrideValue(nested(100_000))).toThrow('deeper than 500 levels');
});

it.each(['1', '1_', '1.', '1e', '.', '${', '${}', '${a', '[', '"', "'", '\\', ' ', 'a ', ',', '{a:', 'f('])(
  'reads 200 kB of %j at once',
  (word) => {
    for (const end of ['', 'x', '"', '\0']) {
      const text = word.repeat(200_000 / word.length) + end;
      const from = performance.now();
      typed(text);
      withReferences(text, () => '');
      try {
        parseOverrideValue(text);
      } catch (error) {
        expect(error).toMatchObject({ name: 'MlopsError' });
      }
      expect(performance.now() - from, end).toBeLessThan(1_500);
    }
  },
);
