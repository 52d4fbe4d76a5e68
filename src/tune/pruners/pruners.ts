import { didYouMean, MlopsError } from '../../base/index.ts';
import { object, only } from '../fields.ts';
import type { Direction, Pruner } from '../trial.ts';
import { HalvingPruner } from './halving.ts';
import { HyperbandPruner } from './hyperband.ts';
import { PatientPruner } from './patient.ts';
import { PercentilePruner } from './percentile.ts';
import { ThresholdPruner } from './threshold.ts';
import { WilcoxonPruner } from './wilcoxon.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The keys that a pruner has, each with the least value it may have, and how it is made from them. */
interface Kind {
  readonly keys: Readonly<Record<string, number>>;
  readonly auto?: readonly string[];
  readonly make: (numbers: Readonly<Record<string, number>>, fields: Fields) => Pruner;
}

const percentile = { startup: 0, warmup: 0, interval: 1, minTrials: 1 };

const kinds: Readonly<Record<string, Kind>> = {
  median: { keys: percentile, make: (numbers) => new PercentilePruner({ ...numbers, percentile: 50 }) },
  percentile: {
    keys: { ...percentile, percentile: 0 },
    make: (numbers) => new PercentilePruner({ ...numbers, percentile: numbers['percentile'] ?? 25 }),
  },
  asha: {
    keys: { min: 1, factor: 2, rate: 0, bootstrap: 0 },
    auto: ['min'],
    make: (numbers) => new HalvingPruner(numbers),
  },
  hyperband: {
    keys: { min: 1, max: 1, factor: 2, bootstrap: 0 },
    auto: ['max'],
    make: (numbers) => new HyperbandPruner(numbers),
  },
  threshold: {
    keys: { lower: -Infinity, upper: -Infinity, warmup: 0, interval: 1 },
    make: (numbers) => new ThresholdPruner(numbers),
  },
  patient: {
    keys: { patience: 0, minDelta: 0 },
    make: (numbers, fields) => {
      const wrapped = fields['pruner'] === undefined ? undefined : makePruner(fields['pruner']);
      return new PatientPruner({ ...numbers, patience: numbers['patience'] ?? 1 }, wrapped);
    },
  },
  wilcoxon: { keys: { p: 0, startup: 0 }, make: (numbers) => new WilcoxonPruner(numbers) },
};

/** Reads `{"name": "median", ...}`. Throws `tune_space` for unknown names and keys, and for several objectives. */
export function prunerOf(data: unknown, directions: readonly Direction[]): Pruner {
  if (directions.length > 1) {
    throw new MlopsError('tune_space', 'a pruner compares one objective: with several, leave it out');
  }
  return makePruner(data);
}

function makePruner(data: unknown): Pruner {
  const fields = object(typeof data === 'string' ? { name: data } : data, 'pruner');
  const name = fields['name'];
  const kind = typeof name === 'string' ? kinds[name] : undefined;
  if (kind === undefined) {
    const known = Object.keys(kinds);
    throw new MlopsError('tune_space', `there is no pruner ${JSON.stringify(name)}; known are ${known.join(', ')}`, {
      hint: didYouMean(String(name), known),
    });
  }
  only(fields, ['name', ...Object.keys(kind.keys), ...(name === 'patient' ? ['pruner'] : [])], 'pruner');
  const numbers: Record<string, number> = {};
  for (const [key, least] of Object.entries(kind.keys)) {
    const value = fields[key];
    if (value === undefined || (value === 'auto' && kind.auto?.includes(key) === true)) continue;
    if (typeof value !== 'number' || Number.isNaN(value) || value < least) {
      throw new MlopsError(
        'tune_space',
        `'${key}' of the pruner is a number from ${least}, not ${JSON.stringify(value)}`,
      );
    }
    numbers[key] = value;
  }
  return kind.make(numbers, fields);
}
