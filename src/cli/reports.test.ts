import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { PyFloat } from '../base/index.ts';
import { displayWidth, dvcTable } from './dvc-table.ts';
import { pythonRound, valueText } from './report-format.ts';

describe("DVC's tables", () => {
  it('keeps two free columns behind a header and strips cells', () => {
    expect(
      dvcTable(
        ['Path', 'acc'],
        [
          ['metrics.json', ' 1 '],
          ['m', '0.12346'],
        ],
      ),
    ).toEqual(['Path          acc', 'metrics.json  1', 'm             0.12346']);
    expect(dvcTable(['Path', 'a'], [])).toEqual([]);
  });

  it('ends Markdown with an empty line, and shows its header without rows', () => {
    expect(dvcTable(['Path', 'a'], [['m', '12345']], { markdown: true })).toEqual([
      '| Path   | a     |',
      '|--------|-------|',
      '| m      | 12345 |',
      '',
    ]);
    expect(dvcTable(['Path', 'a'], [], { markdown: true })).toEqual(['| Path   | a   |', '|--------|-----|', '']);
  });

  it('counts wide and combining characters as terminals do', () => {
    expect(displayWidth('é漢字')).toBe(5);
    expect(displayWidth('e\u0301')).toBe(1);
    expect(displayWidth('\u{1F600}')).toBe(2);
  });
});

describe('values in tables', () => {
  it('rounds ties to even and by the exact binary value', () => {
    const cases: [value: number, digits: number, rounded: number][] = [
      [0.5, 0, 0],
      [1.5, 0, 2],
      [0.125, 2, 0.12],
      [-0.125, 2, -0.12],
      [2.675, 2, 2.67],
      [1e-7, 5, 0],
      [1e22, 5, 1e22],
      [125, -1, 120],
      [135, -1, 140],
    ];
    for (const [value, digits, rounded] of cases)
      expect(pythonRound(value, digits), `${value} ${digits}`).toBe(rounded);
  });

  it('never moves a value by more than half of the last digit, and rounds once only', () => {
    const value = fc.double({ min: -1e9, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(value, fc.integer({ min: 0, max: 12 }), (number, digits) => {
        const rounded = pythonRound(number, digits);
        expect(Math.abs(rounded - number)).toBeLessThanOrEqual(0.5 * 10 ** -digits + Math.abs(number) * 2 ** -52);
        expect(pythonRound(rounded, digits)).toBe(rounded);
      }),
    );
  });

  it("shows Python's words", () => {
    expect([true, null, new PyFloat(1), 'x', ['a', new PyFloat(0.1)]].map((value) => valueText(value))).toEqual([
      'True',
      'None',
      '1.0',
      'x',
      "['a', 0.1]",
    ]);
    expect(valueText([new PyFloat(0.123456)], 2)).toBe('[0.12]');
  });
});
