import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { readPlainNumbers } from './plain-numbers.ts';

/** Room enough to be worth reading from the bytes. */
const pad = ' '.repeat(200);
const read = (text: string) => readPlainNumbers(Buffer.from(text + pad));
const flat = (value: unknown): number[] => [value].flat(9) as number[];

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.integer().map(String),
  fc
    .tuple(fc.constantFrom('', '-'), fc.stringMatching(/^(0|[1-9]\d{0,14})$/), fc.stringMatching(/^(\.\d{1,30})?$/))
    .map((parts) => parts.join('')),
  fc.tuple(fc.integer(), fc.constantFrom('e', 'E'), fc.integer({ min: -330, max: 330 })).map((parts) => parts.join('')),
  fc.constantFrom(
    '-0',
    '0.0',
    '-0.0',
    '1e400',
    '0.1',
    '1.7976931348623157e308',
    '5e-324',
    '16777217',
    '0.30000001192092896',
  ),
);
const space = fc.constantFrom('', ' ', '\n', '\t ');
const rows = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 6 }))
  .chain(([count, width]) =>
    fc.array(fc.array(number, { minLength: width, maxLength: width }), { minLength: count, maxLength: count }),
  );

describe('readPlainNumbers', () => {
  it('reads what the parser of the engine reads: doubles to the bit, or as float32 tells apart', () => {
    fc.assert(
      fc.property(
        rows,
        space,
        fc.constantFrom('{"inputs":{"x y":', '{"inputs":', ' { "instances" : '),
        (list, gap, start) => {
          const end = start.includes('x y') ? '}}' : '}';
          const lists = list.map((row) => `${gap}[${row.map((one) => gap + one + gap).join(',')}]`);
          const text = `${start}[${lists.join(',')}${gap}]${gap}${end}`;
          const plain = read(text);
          const parsed = JSON.parse(text) as Record<string, unknown>;
          // More digits before the point than a double holds are left to the engine.
          if (plain === undefined) {
            expect(text).toMatch(/\d{16}/);
            return;
          }
          const [values] = Object.values(parsed);
          const wanted = flat(plain.name === undefined ? values : (values as Record<string, unknown>)[plain.name]);
          expect(plain.dims).toEqual([list.length, list[0]?.length]);
          expect(Array.from(plain.values, Math.fround)).toEqual(wanted.map(Math.fround));
          if (plain.exact) expect([...plain.values]).toEqual(wanted);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('leaves every other body to the parser', () => {
    for (const text of [
      '{"inputs":{"x":[[1,2],[3]]}}',
      '{"inputs":{"x":[[1,2],3]}}',
      '{"inputs":{"x":[[[1],[2]],[[3,4]]]}}',
      '{"inputs":{"x":[1,[2]]}}',
      '{"inputs":{"x":[]}}',
      '{"inputs":{"x":[[],[]]}}',
      '{"inputs":{"x":[1,null]}}',
      '{"inputs":{"x":[NaN]}}',
      '{"inputs":{"x":["1"]}}',
      '{"inputs":{"x":[01]}}',
      '{"inputs":{"x":[1.]}}',
      '{"inputs":{"x":[.5]}}',
      '{"inputs":{"x":[+1]}}',
      '{"inputs":{"x":[-]}}',
      '{"inputs":{"x":[1e]}}',
      '{"inputs":{"x":[1,]}}',
      '{"inputs":{"x":[1 2]}}',
      '{"inputs":{"x":[1]},"model":"m"}',
      '{"inputs":{"x":[1],"y":[2]}}',
      '{"inputs":{"x":[1]}} 1',
      '{"inputs":{"x":[1]}',
      '{"inputs":{"\\u0078":[1]}}',
      '{"inputs":{"é":[1]}}',
      '{"x":[1]}',
      '[1]',
      `{"inputs":${'['.repeat(9)}1${']'.repeat(9)}}`,
    ]) {
      expect(read(text), text).toBeUndefined();
    }
    expect(read('{"inputs":{"x":[[[1],[2]],[[3],[4]]]}}')?.dims).toEqual([2, 2, 1]);
    expect(readPlainNumbers(Buffer.from('{"inputs":{"x":[1]}}'))).toBeUndefined();
  });
});
