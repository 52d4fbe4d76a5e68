import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { hypervolume } from './hypervolume.ts';
import { cdf } from './normal.ts';
import { readSpace } from './read-space.ts';
import { samplerOf } from './samplers/samplers.ts';
import type { Params } from './space.ts';
import { Study } from './study.ts';
import type { Direction } from './trial.ts';

/** Fewer seeds than were recorded, except in the long suite. */
const isLong = process.env['MLOPS_LONG'] !== undefined;
const seeds = Array.from({ length: isLong ? 50 : 6 }, (_, seed) => seed);

/** What Optuna found with 50 seeds, by sampler and function: test/interop/tune/optuna_quality.py wrote it. */
const recorded = JSON.parse(fs.readFileSync(path.join(import.meta.dirname, 'optuna-quality.json'), 'utf8')) as Readonly<
  Record<string, Readonly<Record<string, readonly number[]>>>
>;

interface Problem {
  readonly space: Readonly<Record<string, unknown>>;
  readonly value: (params: Params) => number | readonly number[];
}

const floats = (count: number, low: number, high: number): Record<string, unknown> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`x${i}`, { type: 'float', low, high }]));
const numbers = (params: Params): number[] => Object.values(params) as number[];
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const number = (params: Params, name: string): number => params[name] as number;

const peaks = [
  { height: 1, width: [10, 3, 17, 3.5, 1.7, 8], at: [1312, 1696, 5569, 124, 8283, 5886] },
  { height: 1.2, width: [0.05, 10, 17, 0.1, 8, 14], at: [2329, 4135, 8307, 3736, 1004, 9991] },
  { height: 3, width: [3, 3.5, 1.7, 10, 17, 8], at: [2348, 1451, 3522, 2883, 3047, 6650] },
  { height: 3.2, width: [17, 8, 0.05, 10, 0.1, 14], at: [4047, 8828, 8732, 5743, 1091, 381] },
];

const problems: Readonly<Record<string, Problem>> = {
  branin: {
    space: { x0: { type: 'float', low: -5, high: 10 }, x1: { type: 'float', low: 0, high: 15 } },
    value(params) {
      const [x = 0, y = 0] = numbers(params);
      const valley = y - (5.1 / (4 * Math.PI ** 2)) * x * x + (5 / Math.PI) * x - 6;
      return valley ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10;
    },
  },
  hartmann6: {
    space: floats(6, 0, 1),
    value: (params) =>
      -sum(
        peaks.map(
          ({ height, width, at }) =>
            height *
            Math.exp(-sum(numbers(params).map((x, j) => (width[j] as number) * (x - (at[j] as number) / 1e4) ** 2))),
        ),
      ),
  },
  rastrigin5: {
    space: floats(5, -5.12, 5.12),
    value: (params) => sum(numbers(params).map((x) => x * x - 10 * Math.cos(2 * Math.PI * x) + 10)),
  },
  rosenbrock5: {
    space: floats(5, -2, 2),
    value(params) {
      const x = numbers(params);
      return sum(x.slice(1).map((next, i) => 100 * (next - (x[i] as number) ** 2) ** 2 + (1 - (x[i] as number)) ** 2));
    },
  },
  mixed: {
    space: {
      lr: { type: 'float', low: 1e-5, high: 1, log: true },
      layers: { type: 'int', low: 1, high: 9 },
      drop: { type: 'float', low: 0, high: 0.9, step: 0.1 },
      kind: { type: 'categorical', choices: ['a', 'b', 'c', 'd'] },
    },
    value(params) {
      const [at, add] = { a: [-2, 0.3], b: [-3, 0], c: [-1, 0.8], d: [-4, 0.5] }[String(params['kind'])] as number[];
      const [lr, layers, drop] = [number(params, 'lr'), number(params, 'layers'), number(params, 'drop')];
      return (Math.log10(lr) - (at ?? 0)) ** 2 + (layers - 6) ** 2 / 9 + 4 * (drop - 0.3) ** 2 + (add ?? 0);
    },
  },
  conditional: {
    space: {
      model: { type: 'categorical', choices: ['svm', 'forest'] },
      c: { type: 'float', low: 1e-3, high: 1e3, log: true, when: { model: 'svm' } },
      g: { type: 'float', low: 1e-4, high: 1, log: true, when: { model: 'svm' } },
      depth: { type: 'int', low: 1, high: 30, when: { model: 'forest' } },
      share: { type: 'float', low: 0.1, high: 1, when: { model: 'forest' } },
    },
    value(params) {
      if (params['model'] === 'svm') {
        return 0.05 + (Math.log10(number(params, 'c')) - 1) ** 2 / 20 + (Math.log10(number(params, 'g')) + 2) ** 2 / 10;
      }
      return 0.08 + Math.abs(number(params, 'depth') - 12) / 100 + (number(params, 'share') - 0.6) ** 2;
    },
  },
  zdt: {
    space: floats(4, 0, 1),
    value(params) {
      const [x = 0, ...rest] = numbers(params);
      const g = 1 + 3 * sum(rest);
      return [x, g * (1 - Math.sqrt(x / g))];
    },
  },
};

/** The best value of 100 trials; of two objectives, minus the hypervolume of 200. */
function found(name: string, sampler: string, seed: number): number {
  const { space: fields, value } = problems[name] as Problem;
  const space = readSpace(fields);
  const directions: Direction[] = name === 'zdt' ? ['minimize', 'minimize'] : ['minimize'];
  const study = new Study({ name, space, directions, sampler: samplerOf({ name: sampler, seed }, space, directions) });
  for (let i = 0; i < 100 * directions.length; i++) {
    const trial = study.ask();
    const values = value(trial.params);
    study.tell(trial.number, { state: 'COMPLETE', values: typeof values === 'number' ? [values] : values });
  }
  const points = study.best().map(({ values }) => values);
  return directions.length > 1 ? -hypervolume(points, [2, 8]) : (points[0]?.[0] as number);
}

/** p that `a` is not greater than `b`: the one-sided test of Mann and Whitney, by its normal limit, ties halved. */
function notGreater(a: readonly number[], b: readonly number[]): number {
  const wins = sum(a.map((x) => sum(b.map((y) => (x > y ? 1 : x === y ? 0.5 : 0)))));
  const deviation = Math.sqrt((a.length * b.length * (a.length + b.length + 1)) / 12);
  return 1 - cdf((wins - (a.length * b.length) / 2 - 0.5) / deviation);
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] as number;

const cases = Object.entries(recorded).flatMap(([sampler, functions]) =>
  typeof functions === 'string' ? [] : Object.keys(functions).map((name) => [sampler, name] as const),
);

describe('beside what Optuna found', () => {
  it.each(cases)('%s on %s is not worse, and better than random', { timeout: 300_000 }, (sampler, name) => {
    const theirs = recorded[sampler]?.[name] ?? [];
    const ours = seeds.map((seed) => found(name, sampler, seed));
    const random = seeds.map((seed) => found(name, 'random', seed));
    const told = `ours ${median(ours)}, theirs ${median(theirs)}, random ${median(random)}`;
    expect(notGreater(ours, theirs), told).toBeGreaterThan(0.001);
    expect(median(ours), told).toBeLessThan(median(random));
    if (isLong) expect(notGreater(random, ours), told).toBeLessThan(0.001);
  });
});
