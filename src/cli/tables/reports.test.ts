import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { PyFloat } from '../../base/index.ts';
import { displayWidth, dvcTable } from './dvc-table.ts';
import type { Baseline, ExperimentState } from '../../repo/experiments/experiments-show.ts';
import { experimentCsv, experimentText, mergeNames } from './experiment-print.ts';
import { experimentTable, keepColumns, timeText } from './experiment-table.ts';
import { generalFormat, pythonRound, valueText } from './report-format.ts';
import { plainStyle } from '../terminal/style.ts';

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

describe("Python's short floats", () => {
  it('has significant digits, ties to even, exponents where numbers are long', () => {
    const cases: [value: number, digits: number, text: string][] = [
      [0.123456789, 5, '0.12346'],
      [1234567.5, 5, '1.2346e+06'],
      [0.0000012345678, 5, '1.2346e-06'],
      [100000, 5, '1e+05'],
      [99999.5, 5, '1e+05'],
      [338.5, 3, '338'],
      [-22.125, 4, '-22.12'],
      [1, 5, '1'],
      [0, 5, '0'],
      [-0, 5, '-0'],
      [Number.NaN, 5, 'nan'],
      [Number.NEGATIVE_INFINITY, 5, '-inf'],
    ];
    for (const [value, digits, text] of cases) expect(generalFormat(value, digits), String(value)).toBe(text);
  });

  it('reads back as nearly the same number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        expect(Number(generalFormat(number, 17))).toBe(number);
      }),
    );
  });
});

describe('the table of experiments', () => {
  const state = (rev: string, name: string | undefined, lr: number, acc: number | undefined): ExperimentState => ({
    rev,
    name,
    error: undefined,
    data: {
      time: rev === 'workspace' ? undefined : 1_700_000_000,
      metrics: new Map(acc === undefined ? [] : [['m.json', { data: new Map([['acc', new PyFloat(acc)]]) }]]),
      params: new Map([
        [
          'params.yaml',
          {
            data: new Map([
              ['lr', lr],
              ['same', 1],
            ]),
          },
        ],
      ]),
      deps: new Map([['d.csv', { hash: 'abc', size: 1, nfiles: undefined }]]),
      outs: new Map(),
    },
  });
  const hash = (letter: string): string => letter.repeat(40);
  const baselines: Baseline[] = [
    { ...state('workspace', undefined, 1, 0.5), experiments: [] },
    {
      ...state(hash('a'), 'main', 1, 0.5),
      experiments: [
        { name: 'one', revs: [state(hash('b'), 'one', 3, 0.25)] },
        { name: 'two', revs: [state(hash('c'), 'two', 2, undefined)] },
      ],
    },
  ];
  const options = { fill: '-', precision: 5, iso: false } as const;

  it('merges names into a tree and aligns metrics to the right', () => {
    const table = keepColumns(mergeNames(experimentTable(baselines, options)), ({ name }) => name !== 'Created');
    const rule = ` ${'─'.repeat(46)} `;
    expect(experimentText(table, plainStyle)).toEqual([
      rule,
      '  Experiment           acc   lr   same   d.csv  ',
      rule,
      '  workspace            0.5   1    1      abc    ',
      '  main                 0.5   1    1      abc    ',
      '  ├── bbbbbbb [one]   0.25   3    1      abc    ',
      '  └── ccccccc [two]      -   2    1      abc    ',
      rule,
    ]);
  });

  it('orders experiments by a column, absent values last', () => {
    const names = (sortBy: string, descending = false): string[] =>
      experimentTable(baselines, { ...options, sortBy, descending })
        .rows.slice(2)
        .map((row) => row[0] ?? '');
    expect(names('lr')).toEqual(['two', 'one']);
    expect(names('params.yaml:lr', true)).toEqual(['one', 'two']);
    expect(names('acc')).toEqual(['one', 'two']);
    expect(() => names('nope')).toThrow("Unknown sort column 'nope'");
  });

  it('leaves out columns from the right where the terminal is narrow', () => {
    const table = mergeNames(experimentTable(baselines, options));
    const narrow = experimentText(table, plainStyle, 60);
    expect(Math.max(...narrow.map((line) => line.length))).toBeLessThanOrEqual(60);
    expect(narrow[1]).toContain('acc');
    expect(narrow[1]).not.toContain('same');
  });

  it('writes CSV as Python does', () => {
    const table = keepColumns(experimentTable(baselines, { fill: '', iso: true }), ({ name }) =>
      /^(Experiment|lr|typ)$/.test(name),
    );
    expect(experimentCsv(table)).toBe(
      'Experiment,typ,lr\r\n,baseline,1\r\n,baseline,1\r\none,branch_commit,3\r\ntwo,branch_base,2\r\n',
    );
  });

  it('shows the time of today and the date of other days', () => {
    const noon = new Date(2024, 4, 3, 12, 5, 0);
    const seconds = noon.getTime() / 1000;
    expect(timeText(seconds, { ...options, now: noon })).toBe('12:05 PM');
    expect(timeText(seconds - 12 * 3600, { ...options, now: noon })).toBe('12:05 AM');
    expect(timeText(seconds, { ...options, now: new Date(2024, 4, 4) })).toBe('May 03, 2024');
    expect(timeText(seconds, { ...options, iso: true })).toBe('2024-05-03T12:05:00');
  });
});
