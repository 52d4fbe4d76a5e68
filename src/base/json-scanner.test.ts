import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { scanJson, type JsonParts } from './index.ts';

const parts: JsonParts<unknown> = {
  maxDepth: 20,
  words: new Map<string, unknown>([
    ['true', true],
    ['false', false],
    ['null', null],
    ['NaN', 'not a number'],
  ]),
  number: (digits, whole) => (digits === '13' ? { fault: 'bad luck' } : { digits, whole }),
  text: (text) => text,
  list: (items) => items,
  object: (entries) => Object.fromEntries(entries),
  error: (what, line, column) => new Error(`${line}:${column} ${what}`),
};
const plain: JsonParts<unknown> = { ...parts, number: Number };

describe('scanJson', () => {
  it('reads what the engine reads, in any layout', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(undefined, 1, '\t', '\r\n '), (json, indent) => {
        const value: unknown = JSON.parse(json);
        expect(scanJson(JSON.stringify(value, undefined, indent), plain)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
    expect(scanJson('\ufeff {"a": [1, "\\u00e9\\n"]} ', plain)).toEqual({ a: [1, 'é\n'] });
  });

  it('refuses what the engine refuses', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.constantFrom('', ',', '}', '"', '01', '\u0001', '.'), (json, at, put) => {
        const place = at % (json.length + 1);
        const text = json.slice(0, place) + put + json.slice(put === '' ? place + 1 : place);
        let wanted: unknown;
        try {
          wanted = JSON.parse(text);
        } catch {
          expect(() => scanJson(text, { ...plain, words: new Map([...plain.words].slice(0, 3)) }), text).toThrow();
          return;
        }
        expect(scanJson(text, plain), text).toEqual(wanted);
      }),
      { numRuns: 500 },
    );
  });

  it('gives the digits of numbers, words of its caller, and the place of a fault', () => {
    expect(scanJson('[12345678901234567890, -0.0, 1e3, NaN]', parts)).toEqual([
      { digits: '12345678901234567890', whole: true },
      { digits: '-0.0', whole: false },
      { digits: '1e3', whole: false },
      'not a number',
    ]);
    for (const [text, message] of [
      ['[1,\n 13]', '2:2 bad luck'],
      ['[1 2]', "1:4 ',' was expected"],
      ['{"a" 1}', "1:6 ':' was expected"],
      ['{1}', '1:2 a string was expected, or it does not end'],
      ['[', '1:2 it ends too early'],
      ['[Infinity]', '1:2 a value was expected'],
      ['1 1', '1:3 the text goes on after its end'],
      ['['.repeat(21), '1:21 more than 20 levels in each other'],
    ] as const) {
      expect(() => scanJson(text, parts), text).toThrow(message);
    }
  });
});
