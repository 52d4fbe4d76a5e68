import { describe, expect, it } from 'vitest';

import { readStudy } from '../read-study.ts';
import type { Study } from '../study.ts';
import { Sobol } from './qmc.ts';

type Objective = (params: Readonly<Record<string, number>>) => readonly number[];

function run(study: Study, objective: Objective, trials: number): void {
  for (let i = 0; i < trials; i++) {
    const { number, params } = study.ask();
    study.tell(number, { state: 'COMPLETE', values: objective(params as Record<string, number>) });
  }
}

const mixed = {
  lr: { type: 'float', low: 1e-4, high: 1, log: true },
  k: { type: 'int', low: 1, high: 9 },
  opt: { choices: ['a', 'b', 'c'] },
  m: { type: 'float', low: 0, high: 1, step: 0.1, when: { opt: 'a' } },
};
const bowl: Objective = ({ lr = 0, k = 0, m = 0 }) => [(Math.log10(lr) + 2) ** 2 + (k - 5) ** 2 / 10 + m];

describe.each(['tpe', 'random', 'qmc', 'cma-es', 'nsga2', 'gp'])('the sampler %s', (name) => {
  it('suggests the same for the same seed and trials, also by another instance that goes on', () => {
    const make = (): Study => readStudy({ space: mixed, sampler: { name, seed: 7 } });
    const whole = make();
    run(whole, bowl, 40);
    const resumed = make();
    for (const trial of whole.trials.slice(0, 25)) {
      expect(resumed.ask().params).toEqual(trial.params);
      resumed.tell(trial.number, { state: 'COMPLETE', values: trial.values });
    }
    run(resumed, bowl, 15);
    expect(resumed.trials).toEqual(whole.trials);
  });

  it('differs by seed and stays in the space', () => {
    const seen = [1, 2].map((seed) => {
      const study = readStudy({ space: mixed, sampler: { name, seed } });
      run(study, bowl, 30);
      for (const { params } of study.trials) {
        expect('m' in params).toBe(params['opt'] === 'a');
        expect(Number.isInteger(params['k'])).toBe(true);
      }
      return JSON.stringify(study.trials.map(({ params }) => params));
    });
    expect(seen[0]).not.toBe(seen[1]);
  });
});

describe('samplers that learn', () => {
  const space = Object.fromEntries([0, 1, 2].map((i) => [`x${i}`, { type: 'float', low: -3, high: 3 }]));
  const sphere: Objective = (params) => [Object.values(params).reduce((sum, x) => sum + (x - 0.5) ** 2, 0)];
  const bestOf = (name: string, seeds: number, trials: number): number => {
    let total = 0;
    for (let seed = 0; seed < seeds; seed++) {
      const study = readStudy({ space, sampler: { name, seed } });
      run(study, sphere, trials);
      total += study.best()[0]?.values[0] ?? Infinity;
    }
    return total / seeds;
  };

  it.each([
    ['tpe', 10, 80],
    ['cma-es', 10, 80],
    ['gp', 2, 25],
  ])('%s comes nearer to the optimum than random draws by far', (name, seeds, trials) => {
    expect(bestOf(name, seeds, trials) * 3).toBeLessThan(bestOf('random', seeds, trials));
  });

  it('nsga2 finds a front of two objectives that random draws do not', () => {
    const dominated = (name: string): number => {
      const study = readStudy({ space, directions: ['minimize', 'minimize'], sampler: { name, seed: 3 } });
      run(study, (p) => [sphere(p)[0] as number, Object.values(p).reduce((sum, x) => sum + (x + 1) ** 2, 0)], 400);
      return study.best().length;
    };
    expect(dominated('nsga2')).toBeGreaterThan(dominated('random') * 1.5);
  });
});

describe('the grid', () => {
  it('tries each setting once, then says that the space is exhausted', () => {
    const space = { a: { choices: ['x', 'y'] }, b: { type: 'int', low: 1, high: 3, when: { a: 'x' } } };
    for (const name of ['grid', 'brute-force']) {
      const study = readStudy({ space, sampler: { name, seed: 2 } });
      run(study, () => [0], 4);
      expect(new Set(study.trials.map(({ params }) => JSON.stringify(params))).size).toBe(4);
      expect(() => study.ask()).toThrow('all 4 settings of the space were tried');
    }
  });

  it('refuses endless values', () => {
    expect(() => readStudy({ space: { x: { type: 'float', low: 0, high: 1 } }, sampler: 'grid' })).toThrow('endless');
  });
});

describe('the Sobol sequence', () => {
  it('is the one of scipy', () => {
    // scipy.stats.qmc.Sobol(5, scramble=False).random(8)
    const sobol = new Sobol(5);
    expect(Array.from({ length: 8 }, (_, i) => sobol.point(i))).toEqual([
      [0, 0, 0, 0, 0],
      [0.5, 0.5, 0.5, 0.5, 0.5],
      [0.75, 0.25, 0.25, 0.25, 0.75],
      [0.25, 0.75, 0.75, 0.75, 0.25],
      [0.375, 0.375, 0.625, 0.875, 0.375],
      [0.875, 0.875, 0.125, 0.375, 0.875],
      [0.625, 0.125, 0.875, 0.625, 0.625],
      [0.125, 0.625, 0.375, 0.125, 0.125],
    ]);
  });

  it('has one point of the first 256 in each cell of 1/256 in each dimension, scrambled too', async () => {
    const { Random } = await import('../random.ts');
    const sobol = new Sobol(200, new Random(1));
    const points = Array.from({ length: 256 }, (_, i) => sobol.point(i));
    for (let d = 0; d < 200; d++) {
      expect(new Set(points.map((point) => Math.floor((point[d] as number) * 256))).size).toBe(256);
    }
  });
});

describe('fixed parameters', () => {
  it('stay while the rest is searched', () => {
    const study = readStudy({ space: mixed, sampler: { name: 'tpe', seed: 1, fixed: { opt: 'a', k: 3 } } });
    run(study, bowl, 20);
    for (const { params } of study.trials) expect(params).toMatchObject({ opt: 'a', k: 3, m: expect.any(Number) });
  });

  it.each([
    [{ name: 'tpee' }, "did you mean 'tpe'"],
    [{ name: 'tpe', sead: 1 }, "no key 'sead'"],
    [{ name: 'tpe', fixed: { k: 99 } }, 'cannot be fixed'],
    [{ name: 'cma-es' }, 'CMA-ES has one objective'],
  ])('and sampler settings are checked: %j', (sampler, message) => {
    const directions = ['minimize', 'minimize'];
    expect(() => {
      try {
        readStudy({ space: mixed, sampler, directions });
      } catch (error) {
        const hint = (error as { hint?: string }).hint ?? '';
        throw new Error(`${(error as Error).message} ${hint}`, { cause: error });
      }
    }).toThrow(message);
  });
});
