import { afterAll, describe, expect, it } from 'vitest';

import type { Column } from '../../tables/index.ts';
import { seededRandom } from '../statistics/random.ts';
import { checkDrift } from './check-drift.ts';
import { adjusted } from './correction.ts';
import { driftSeries } from './series.ts';
import { checkTogether } from './multivariate.ts';

type Draw = () => number;

function normal(random: Draw): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function numbers(name: string, count: number, draw: Draw): Column {
  const values = Float64Array.from({ length: count }, draw);
  return { kind: 'number', name, rows: count, missing: values.filter((value) => Number.isNaN(value)).length, values };
}

function texts(name: string, count: number, draw: () => string | null): Column {
  const codes = new Int32Array(count);
  const categories = new Map<string, number>();
  let missing = 0;
  for (let i = 0; i < count; i++) {
    const text = draw();
    if (text === null) missing++;
    if (text !== null && !categories.has(text)) categories.set(text, categories.size);
    codes[i] = text === null ? -1 : (categories.get(text) ?? 0);
  }
  return { kind: 'category', name, rows: count, missing, codes, categories: [...categories.keys()] };
}

const table = (...columns: Column[]): Map<string, Column> => new Map(columns.map((column) => [column.name, column]));
const holes =
  (random: Draw, share: number, draw: Draw): Draw =>
  () =>
    random() < share ? Number.NaN : draw();

/** Twenty columns of the kinds that tables have; the same distributions each time. */
function twenty(random: Draw, count: number): Map<string, Column> {
  const draws: Draw[] = [
    () => normal(random),
    () => Math.exp(normal(random)),
    () => Math.floor(random() * 30),
    () => Math.floor(random() * 4),
    () => Number(random() < 0.05),
    holes(random, 0.1, () => random()),
    holes(random, 0.02, () => Math.round(normal(random) * 3)),
    () => (random() < 0.6 ? 0 : random()),
    () => normal(random) / (random() + 1e-9),
    () => 1e9 + normal(random),
  ];
  const words = (size: number, skew: number) => () => `w${Math.floor(size * random() ** skew)}`;
  const categories = [words(2, 1), words(3, 2), words(5, 4), words(12, 3), words(40, 2), words(400, 1), words(2, 6)];
  return table(
    ...draws.map((draw, i) => numbers(`n${i}`, count, draw)),
    ...categories.map((draw, i) => texts(`t${i}`, count, draw)),
    texts('t7', count, () => (random() < 0.1 ? null : 'only')),
    texts('t8', count, () => (random() < 0.02 ? null : words(3, 1)())),
    texts('t9', count, () => 'same'),
  );
}

/** More than this many alarms in so many checks at 1 % happen once in a thousand times. */
const mostAlarms = { 1000: 21, 20: 3 } as const;

describe('false alarms', () => {
  it.each([
    [50, 1000],
    [500, 1000],
    [50_000, 20],
  ] as const)(
    'of checks of twenty columns with %i rows are under 1 %%',
    (count, checks) => {
      const random = seededRandom(count);
      let alarms = 0;
      for (let i = 0; i < checks; i++) {
        if (checkDrift(twenty(random, count), twenty(random, count)).drifted) alarms++;
      }
      expect(alarms).toBeLessThanOrEqual(mostAlarms[checks]);
    },
    600_000,
  );
});

/** Found in 20 of 20 draws: under 99 % that would happen four times in five, so a weak method shows in a few runs. */
const draws = 20;

describe('power', () => {
  const rows: string[] = [];
  afterAll(() => {
    const head = `${'shift'.padEnd(28)}${'rows'.padStart(8)}  found`;
    console.log(['the power of the default method, in 20 columns of which 5 drifted', head, ...rows].join('\n'));
  });

  const shifts = (strong: boolean) => {
    const mean = strong ? 1 : 0.5;
    const spread = strong ? 3 : 1.5;
    const share = strong ? 0.3 : 0.1;
    const nulls = strong ? 0.4 : 0.2;
    return { mean, spread, share, nulls };
  };
  it.each([
    [500, true],
    [20_000, false],
  ])(
    'at n = %i finds shift, spread, new category, nulls and swapped columns',
    (count, strong) => {
      const { mean, spread, share, nulls } = shifts(strong);
      const random = seededRandom(count);
      const shown = {
        mean: `mean +${mean} sd`,
        spread: `sd x ${spread}`,
        category: `new category of ${share * 100} %`,
        nulls: `nulls from 0 to ${nulls * 100} %`,
        swapped: 'two columns swapped',
      } as const;
      const found = { mean: 0, spread: 0, category: 0, nulls: 0, swapped: 0 };
      const names = Object.keys(found) as (keyof typeof found)[];
      const word = (added: number) => (): string => (random() < added ? 'new' : `w${Math.floor(random() * 4)}`);
      for (let i = 0; i < draws; i++) {
        const steady = Array.from({ length: 15 }, (_, k) => `steady${k}`);
        const side = (now: boolean): Map<string, Column> =>
          table(
            numbers('mean', count, () => normal(random) + (now ? mean : 0)),
            numbers('spread', count, () => normal(random) * (now ? spread : 1)),
            texts('category', count, word(now ? share : 0)),
            numbers(
              'nulls',
              count,
              holes(random, now ? nulls : 0, () => normal(random)),
            ),
            numbers('swapped', count, () => (now ? random() * 3 : normal(random))),
            ...steady.map((name) => numbers(name, count, () => normal(random))),
          );
        const { columns } = checkDrift(side(false), side(true));
        for (const name of names) if (columns[name]?.drifted === true) found[name]++;
      }
      for (const name of names) {
        rows.push(`${shown[name].padEnd(28)}${String(count).padStart(8)}  ${found[name]} of ${draws}`);
      }
      expect(found).toEqual({ mean: draws, spread: draws, category: draws, nulls: draws, swapped: draws });
    },
    120_000,
  );

  it('does not call +0.03 sd a drift, at any n', () => {
    const random = seededRandom(7);
    const side = (shift: number) => table(numbers('x', 200_000, () => normal(random) + shift));
    const { x } = checkDrift(side(0), side(0.03)).columns;
    expect(x).toMatchObject({ drifted: false, verdict: 'no_drift' });
    expect(x?.p_value).toBeLessThan(1e-10);
  });
});

describe('a drift report', () => {
  const random = seededRandom(3);
  const column = (count: number, shift = 0) => table(numbers('x', count, () => normal(random) + shift));

  it('keeps the numbers of a named method where there are too few values', () => {
    const report = checkDrift(column(10), column(10, 9), { method: 'ks' });
    expect(report).toMatchObject({ drifted: false, verdict: 'too_few', share_drifted: 0 });
    expect(report.columns['x']).toMatchObject({ verdict: 'too_few', drifted: false, statistic: 1 });
    expect(report.columns['x']?.p_value).toBeLessThan(1e-4);
  });

  it('judges by the share of columns that drifted', () => {
    const before = table(numbers('a', 100, random), numbers('b', 100, random));
    const now = table(
      numbers('a', 100, random),
      numbers('b', 100, () => random() + 5),
    );
    expect(checkDrift(before, now)).toMatchObject({ share_drifted: 0.5, drifted: true });
    expect(checkDrift(before, now, { driftShare: 0.6 })).toMatchObject({ share_drifted: 0.5, drifted: false });
  });

  it('says what it cannot compute', () => {
    const nothing = table(numbers('x', 50, () => Number.NaN));
    expect(checkDrift(column(50), nothing, { method: 'js' }).columns['x']).toMatchObject({
      statistic: null,
      reason: 'one side has no values',
      drifted: true,
      missing: { drifted: true, effect: 1 },
    });
    const before = table(texts('k', 50, () => 'a'));
    const now = table(texts('k', 50, () => (random() < 0.5 ? 'a' : 'b')));
    expect(checkDrift(before, now, { method: 'chi2_gof' }).columns['k']).toMatchObject({ statistic: null, p_value: 0 });
    expect(checkDrift(before, now, { method: 'ks' }).columns['k']?.method).toBe('chi2');
    expect(() => checkDrift(column(5), new Map())).toThrow(/lack the column 'x'/);
  });

  it('corrects for many columns as statsmodels does', () => {
    const p = [0.01, 0.04, 0.03, 0.005];
    expect(adjusted(p, 'holm').map((x) => Number(x.toFixed(6)))).toEqual([0.03, 0.06, 0.06, 0.02]);
    expect(adjusted(p, 'bh').map((x) => Number(x.toFixed(6)))).toEqual([0.02, 0.04, 0.04, 0.02]);
    expect(adjusted(p, 'none')).toEqual(p);
  });

  it.each(['mmd', 'centroid', 'classifier', 'pca'] as const)('by %s sees what columns together show', (method) => {
    const rows = (count: number, slope: number): Map<string, Column> => {
      const first = Array.from({ length: count }, () => normal(random));
      const of = (name: string, draw: (i: number) => number): Column => {
        let i = 0;
        return numbers(name, count, () => draw(i++));
      };
      return table(
        of('a', (i) => 3 + (first[i] ?? 0)),
        of('b', (i) => 3 + slope * (first[i] ?? 0) + normal(random) / 5),
        of('c', (i) => slope - (first[i] ?? 0) + normal(random) / 5),
      );
    };
    const quiet = checkTogether(method, rows(300, 1), rows(200, 1));
    const loud = checkTogether(method, rows(300, 1), rows(200, -1));
    expect(quiet).toMatchObject({ drifted: false, n_reference: 300, n_current: 200 });
    expect(loud).toMatchObject({ drifted: true, verdict: 'drift' });
    expect(checkTogether(method, rows(5, 1), rows(5, -1))).toMatchObject({ drifted: false, verdict: 'too_few' });
  });
});

it('a series tells which chunks are above the band of those of the reference', () => {
  const random = seededRandom(11);
  const before = table(
    numbers('x', 4000, () => normal(random)),
    texts('k', 4000, () => (random() < 0.5 ? 'a' : 'b')),
  );
  let row = 0;
  const now = table(
    numbers('x', 1000, () => normal(random) + (row++ >= 500 ? 1 : 0)),
    texts('k', 1000, () => (random() < 0.5 ? 'a' : 'b')),
  );
  const { x, k } = driftSeries(before, now, 10);
  expect(x?.current.slice(5).every(({ drifted }) => drifted)).toBe(true);
  expect(x?.reference).toHaveLength(10);
  expect(x?.current.map(({ start, end }) => end - start)).toEqual(Array.from({ length: 10 }, () => 100));
  expect(k?.method).toBe('chi2');
  expect(() => driftSeries(before, now, 1001)).toThrow(/too few/);
});
