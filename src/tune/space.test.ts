import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Random } from './random.ts';
import { readSpace } from './read-space.ts';
import { contains, drawUniform, fromUnit, roundHalfEven, toUnit, valuesOf, type NumericDomain } from './space.ts';

const numeric = fc
  .record({
    type: fc.constantFrom('float', 'int'),
    low: fc.integer({ min: -50, max: 50 }),
    width: fc.integer({ min: 0, max: 100 }),
    step: fc.constantFrom(undefined, 1, 3),
    log: fc.boolean(),
  })
  .map(({ type, low, width, step, log }) => {
    const start = log ? Math.abs(low) + 1 : low;
    return { type, low: start, high: start + width, log, ...(step === undefined || log ? {} : { step }) };
  });

describe('a space', () => {
  it('draws values of its domains, at both ends too', () => {
    fc.assert(
      fc.property(numeric, fc.double({ min: 0, max: 1, noNaN: true }), fc.integer(), (spec, unit, seed) => {
        const domain = readSpace({ x: spec }).get('x')?.domain as NumericDomain;
        expect(contains(domain, fromUnit(domain, unit))).toBe(true);
        expect(contains(domain, drawUniform(domain, new Random(seed)))).toBe(true);
        const value = fromUnit(domain, unit) as number;
        const place = toUnit(domain, value);
        expect(place >= -1e-9 && place <= 1 + 1e-9).toBe(true);
      }),
    );
  });

  it('comes down to the last whole step', () => {
    const domain = readSpace({ x: { type: 'float', low: 0, high: 1, step: 0.3 } }).get('x')?.domain;
    expect(domain).toMatchObject({ high: 0.8999999999999999 });
    expect(valuesOf(domain as NumericDomain)).toHaveLength(4);
  });

  it('draws a parameter only where its condition holds', () => {
    const space = readSpace({
      momentum: { type: 'float', low: 0, high: 1, when: { opt: 'sgd' } },
      opt: { choices: ['sgd', 'adam'] },
      nesterov: { choices: [true, false], when: { momentum: [0.5] } },
    });
    expect(space.parameters.map(({ name }) => name)).toEqual(['opt', 'momentum', 'nesterov']);
    const random = new Random(1);
    for (let i = 0; i < 50; i++) {
      const params = space.fill(({ domain }) => drawUniform(domain, random));
      expect('momentum' in params).toBe(params['opt'] === 'sgd');
      expect('nesterov' in params).toBe(params['momentum'] === 0.5);
    }
  });

  it('counts its settings', () => {
    expect(
      readSpace({
        a: { choices: ['x', 'y', 'z'] },
        b: { type: 'int', low: 1, high: 4, when: { a: ['x', 'y'] } },
        c: { type: 'float', low: 0, high: 1, step: 0.25, when: { b: 2 } },
      }).size(),
    ).toBe(2 * (3 + 5) + 1);
    expect(readSpace({ a: { type: 'float', low: 0, high: 1 } }).size()).toBe(Infinity);
  });

  it('rounds halves to even, as numpy', () => {
    expect([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 2.6].map(roundHalfEven).map((x) => x + 0)).toEqual([0, 2, 2, 0, -2, 2, 3]);
  });

  it.each([
    [{}, 'the space is empty'],
    [{ x: { type: 'float', low: 2, high: 1 } }, "'low' 2 is above 'high' 1"],
    [{ x: { type: 'float', low: 0, high: 1, log: true } }, 'starts above 0'],
    [{ x: { type: 'int', low: 0.5, high: 3 } }, 'whole numbers'],
    [{ x: { type: 'float', low: 0, high: 1, step: 0 } }, "'step' must be above 0"],
    [{ x: { type: 'float', low: 1, high: 2, log: true, step: 0.1 } }, 'exclude each other'],
    [{ x: { type: 'float', low: 0 } }, "'high' is missing"],
    [{ x: { type: 'categorical', choices: [] } }, "needs 'choices'"],
    [{ x: { choices: [1, 1] } }, 'twice'],
    [{ x: { type: 'flaot', low: 0, high: 1 } }, 'not "flaot"'],
    [{ x: { type: 'float', low: 0, high: 1, lgo: true } }, "no key 'lgo'"],
    [{ x: { choices: [1], when: { y: 1 } } }, "depends on 'y'"],
    [{ x: { choices: [1], when: { y: 3 } }, y: { choices: [1, 2] } }, 'never takes'],
    [{ x: { choices: [1], when: { y: 1 } }, y: { choices: [1], when: { x: 1 } } }, 'circle'],
  ])('refuses %j', (data, message) => {
    expect(() => readSpace(data)).toThrow(message);
  });
});
