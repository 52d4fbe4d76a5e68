import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { float32Texts } from './float-text.ts';
import { shortFloat32 } from './tensor.ts';

/** What it stands for: the engine's text of the shortest number. */
function expected(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  return Object.is(value, -0) ? '-0.0' : String(shortFloat32(value));
}

const anyFloat = fc.oneof(
  fc.float(),
  fc.integer({ min: 0, max: 2 ** 32 - 1 }).map((bits) => new Float32Array(Uint32Array.of(bits).buffer)[0] ?? 0),
  fc
    .tuple(fc.integer({ min: -99_999_999, max: 99_999_999 }), fc.integer({ min: -3, max: 12 }))
    .map(([digits, places]) => Math.fround(digits / 10 ** places)),
);

describe('float32Texts', () => {
  it('writes what the engine writes of the shortest number', () => {
    fc.assert(
      fc.property(fc.array(anyFloat, { maxLength: 40 }), (values) => {
        const data = Float32Array.from(values);
        expect(float32Texts(data, 0, data.length)).toBe(Array.from(data, expected).join(','));
      }),
      { numRuns: 2_000 },
    );
  });

  it('writes powers of ten, their neighbours and the edges of what is short', () => {
    const values = Array.from({ length: 60 }, (_, i) => Math.fround(10 ** (i - 30)));
    const bits = new Uint32Array(Float32Array.from(values).buffer);
    const around = Uint32Array.from([...bits].flatMap((one) => [one - 1, one, one + 1]));
    const data = new Float32Array(around.buffer);
    expect(float32Texts(data, 0, data.length).split(',')).toEqual(Array.from(data, expected));
  });

  it('goes over long lists in steps, and takes a part of one', () => {
    const data = Float32Array.from({ length: 5_000 }, (_, i) => Math.sin(i) * 10 ** ((i % 9) - 4));
    expect(float32Texts(data, 0, 5_000).split(',')).toEqual(Array.from(data, expected));
    expect(float32Texts(data, 7, 9)).toBe([expected(data[7] ?? 0), expected(data[8] ?? 0)].join(','));
    expect(float32Texts(data, 3, 3)).toBe('');
  });
});
