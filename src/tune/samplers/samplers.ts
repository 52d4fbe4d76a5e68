import { didYouMean, MlopsError } from '../../base/index.ts';
import { object, only } from '../fields.ts';
import type { Params, Space } from '../space.ts';
import type { Direction, Sampler } from '../trial.ts';
import { CmaEsSampler } from './cma-es.ts';
import { GpSampler } from './gp.ts';
import { GridSampler } from './grid.ts';
import { Nsga2Sampler } from './nsga2.ts';
import { PartialFixedSampler } from './partial-fixed.ts';
import { QmcSampler } from './qmc.ts';
import { RandomSampler } from './random.ts';
import { TpeSampler } from './tpe.ts';

type Fields = Readonly<Record<string, unknown>>;

interface Kind {
  readonly keys: readonly string[];
  readonly make: (fields: Fields, space: Space, directions: readonly Direction[]) => Sampler;
}

const seed = (fields: Fields): number => number(fields, 'seed', 0) ?? 0;

const kinds: Readonly<Record<string, Kind>> = {
  tpe: {
    keys: ['startup', 'candidates', 'joint'],
    make: (fields) => {
      const startup = number(fields, 'startup', 0);
      const candidates = number(fields, 'candidates', 1);
      const joint = flag(fields, 'joint');
      return new TpeSampler({
        seed: seed(fields),
        ...(startup === undefined ? {} : { startup }),
        ...(candidates === undefined ? {} : { candidates }),
        ...(joint === undefined ? {} : { joint }),
      });
    },
  },
  random: { keys: [], make: (fields) => new RandomSampler(seed(fields)) },
  grid: { keys: ['shuffle'], make: (fields, space) => grid(fields, space, false) },
  'brute-force': { keys: [], make: (fields, space) => grid(fields, space, true) },
  'cma-es': {
    keys: ['startup'],
    make: (fields, space, directions) =>
      new CmaEsSampler(space, directions, seed(fields), number(fields, 'startup', 0) ?? 1),
  },
  gp: {
    keys: ['startup'],
    make: (fields, space, directions) =>
      new GpSampler(space, directions, seed(fields), number(fields, 'startup', 2) ?? 10),
  },
  nsga2: {
    keys: ['population'],
    make: (fields) => {
      const population = number(fields, 'population', 2);
      return new Nsga2Sampler({ seed: seed(fields), ...(population === undefined ? {} : { population }) });
    },
  },
  qmc: { keys: [], make: (fields, space) => new QmcSampler(space, seed(fields)) },
};

function grid(fields: Fields, space: Space, shuffled: boolean): Sampler {
  return new GridSampler(space, { seed: seed(fields), shuffle: flag(fields, 'shuffle') ?? shuffled });
}

/** Reads `{"name": "tpe", "seed": 1, "fixed": {NAME: VALUE}, ...}`. Throws `tune_space` for unknown names and keys. */
export function samplerOf(data: unknown, space: Space, directions: readonly Direction[]): Sampler {
  const fields = object(typeof data === 'string' ? { name: data } : data, 'sampler');
  const name = fields['name'] ?? 'tpe';
  const kind = typeof name === 'string' ? kinds[name] : undefined;
  if (kind === undefined) {
    const known = Object.keys(kinds);
    throw new MlopsError('tune_space', `there is no sampler ${JSON.stringify(name)}; known are ${known.join(', ')}`, {
      hint: didYouMean(String(name), known),
    });
  }
  only(fields, ['name', 'seed', 'fixed', ...kind.keys], 'sampler');
  const sampler = kind.make(fields, space, directions);
  if (fields['fixed'] === undefined) return sampler;
  return new PartialFixedSampler(space, object(fields['fixed'], 'fixed') as Params, sampler);
}

function number(fields: Fields, key: string, least: number): number | undefined {
  const value = fields[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value;
  throw new MlopsError('tune_space', `'${key}' of the sampler is a whole number from ${least}`);
}

function flag(fields: Fields, key: string): boolean | undefined {
  const value = fields[key];
  if (value === undefined || typeof value === 'boolean') return value;
  throw new MlopsError('tune_space', `'${key}' of the sampler is true or false`);
}
