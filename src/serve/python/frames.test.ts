import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { frameBytes, FrameReader, type Frame } from './frames.ts';
import { declaredOutputs, pythonFacts } from './python-model.ts';

const frames = fc.array(
  fc.record({
    header: fc.record({ id: fc.nat(), text: fc.string({ unit: 'grapheme' }) }),
    floats: fc.array(fc.double({ noNaN: true }), { maxLength: 9 }),
    texts: fc.array(
      fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', '')),
      { maxLength: 4 },
    ),
  }),
  { minLength: 1, maxLength: 5 },
);

describe('frames', () => {
  it('come back whole, however they are cut', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (sent, cuts) => {
        const bytes = Buffer.concat(
          sent.map(({ header, floats, texts }) =>
            frameBytes(header, {
              x: { dtype: 'float64', dims: [floats.length, 1], data: Float64Array.from(floats) },
              s: { dtype: 'string', dims: [texts.length], data: texts },
            }),
          ),
        );
        const reader = new FrameReader();
        const got: Frame[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const end = at + (cuts[i % cuts.length] ?? 1);
          got.push(...reader.push(bytes.subarray(at, end)));
          at = end;
        }
        const read = got.map(({ header, tensors }) => ({
          header,
          floats: Array.from((tensors['x']?.data ?? []) as Float64Array),
          texts: tensors['s']?.data,
        }));
        expect(read).toEqual(sent);
      }),
    );
  });
});

describe('the signature of a Python model', () => {
  const facts = (inputs: unknown, params?: unknown) =>
    pythonFacts({ signature: { inputs: JSON.stringify(inputs), outputs: '[]', params: JSON.stringify(params) } });

  it('makes a tensor of each plain column', () => {
    const columns = [
      { type: 'double', name: 'a' },
      { type: 'string', name: 'b', required: true },
    ];
    expect(facts(columns, [{ name: 'p' }])).toEqual({
      mode: 'columns',
      params: true,
      inputs: [
        { name: 'a', dtype: 'float64', dims: ['N'] },
        { name: 'b', dtype: 'string', dims: ['N'] },
      ],
    });
  });

  it('keeps tensors, and names the only one', () => {
    const tensor = { type: 'tensor', 'tensor-spec': { dtype: 'float32', shape: [-1, 3, -1] } };
    expect(facts([tensor])).toEqual({
      mode: 'tensors',
      params: false,
      inputs: [{ name: 'input', dtype: 'float32', dims: ['N', 3, 'D2'] }],
    });
    expect(
      declaredOutputs({ signature: { inputs: '[]', outputs: JSON.stringify([tensor]), params: undefined } }),
    ).toEqual([{ name: 'predictions', dtype: 'float32', dims: ['N', 3, 'D2'] }]);
  });

  it.each([
    ['no columns', []],
    ['a column without a name', [{ type: 'string' }]],
    ['a column that may be left out', [{ type: 'double', name: 'a', required: false }]],
    ['a date', [{ type: 'datetime', name: 'a' }]],
    ['a list', [{ type: 'array', name: 'a', items: { type: 'double' } }]],
  ])('leaves the request to Python for %s', (_, inputs) => {
    expect(facts(inputs)).toMatchObject({ mode: 'json', inputs: [] });
  });
});
