import { addAt } from '../matrix.ts';
import { nonDominationRanks } from '../pareto.ts';
import { Random } from '../random.ts';
import { drawUniform, type Params, type ParamValue } from '../space.ts';
import { losses, violation, type Sampler, type StudyView, type Suggestion, type Trial } from '../trial.ts';

export interface NsgaOptions {
  readonly seed: number;
  readonly population: number;
  readonly crossover: number;
  /** The chance that a child's parameter comes from the second parent. */
  readonly swapping: number;
  /** The chance that a parameter is drawn anew; default: one parameter a child. */
  readonly mutation: number | undefined;
}

export const nsgaDefaults: NsgaOptions = {
  seed: 0,
  population: 50,
  crossover: 0.9,
  swapping: 0.5,
  mutation: undefined,
};

/**
 * NSGA-II (Deb et al. 2002) with Optuna's defaults: uniform crossover between binary-tournament winners, elitist
 * survival by constrained non-domination and crowding. The generation is noted with each trial.
 */
export class Nsga2Sampler implements Sampler {
  readonly #options: NsgaOptions;
  readonly #parents = new Map<number, readonly Trial[]>();

  constructor(options: Partial<NsgaOptions> = {}) {
    this.#options = { ...nsgaDefaults, ...options };
  }

  suggest(study: StudyView, number: number): Suggestion {
    const random = new Random(this.#options.seed, number);
    const generation = this.#generation(study);
    const parents = generation === 0 ? [] : (this.#parents.get(generation - 1) ?? []);
    if (parents.length === 0) {
      return { params: study.space.fill(({ domain }) => drawUniform(domain, random)), notes: { generation } };
    }
    const child = this.#child(study, parents, random);
    const rate = this.#options.mutation ?? 1 / Math.max(1, study.space.parameters.length);
    const params = study.space.fill(({ name, domain }) => {
      const inherited = child[name];
      return inherited === undefined || random.uniform() < rate ? drawUniform(domain, random) : inherited;
    });
    return { params, notes: { generation } };
  }

  /** The generation that the next trial belongs to: the first one that has not enough complete trials. */
  #generation(study: StudyView): number {
    for (let generation = 0; ; generation++) {
      if (this.#parents.has(generation)) continue;
      const own = study.trials.filter(
        (trial) => trial.state === 'COMPLETE' && trial.notes['generation'] === generation,
      );
      if (own.length < this.#options.population) return generation;
      const elders = generation === 0 ? [] : (this.#parents.get(generation - 1) ?? []);
      this.#parents.set(generation, survivors([...own, ...elders], study, this.#options.population));
    }
  }

  #child(study: StudyView, parents: readonly Trial[], random: Random): Params {
    const first = this.#tournament(study, parents, random);
    if (random.uniform() >= this.#options.crossover) return first.params;
    const others = parents.filter((parent) => parent !== first);
    const second = others.length === 0 ? first : this.#tournament(study, others, random);
    const child: Record<string, ParamValue> = {};
    for (const name of new Set([...Object.keys(first.params), ...Object.keys(second.params)])) {
      const from = random.uniform() < this.#options.swapping ? second : first;
      const value = from.params[name] ?? first.params[name] ?? second.params[name];
      if (value !== undefined) child[name] = value;
    }
    return child;
  }

  #tournament(study: StudyView, parents: readonly Trial[], random: Random): Trial {
    const a = parents[random.below(parents.length)] as Trial;
    const b = parents[random.below(parents.length)] as Trial;
    return isBetter(a, b, study) ? a : b;
  }
}

/** Constrained domination: feasible before infeasible, less violation before more, then by objectives. */
function isBetter(a: Trial, b: Trial, study: StudyView): boolean {
  const [x, y] = [violation(a), violation(b)];
  if (x !== y) return x < y;
  const ranks = nonDominationRanks([losses(a, study.directions), losses(b, study.directions)]);
  return (ranks[0] as number) < (ranks[1] as number);
}

/** The best `count` trials by rank, then by how much room they have on their front. */
export function survivors(trials: readonly Trial[], study: StudyView, count: number): readonly Trial[] {
  const feasible = trials.filter((trial) => violation(trial) === 0);
  const ranks = nonDominationRanks(feasible.map((trial) => losses(trial, study.directions)));
  const fronts: Trial[][] = [];
  for (const [i, trial] of feasible.entries()) (fronts[ranks[i] as number] ??= []).push(trial);
  const infeasible = trials.filter((trial) => violation(trial) > 0).sort((a, b) => violation(a) - violation(b));
  const kept: Trial[] = [];
  for (const front of [...fronts, ...infeasible.map((trial) => [trial])]) {
    if (kept.length >= count) break;
    const room = count - kept.length;
    if (front.length <= room) kept.push(...front);
    else {
      const crowding = crowdingDistances(front.map((trial) => losses(trial, study.directions)));
      const order = front.map((_, i) => i).sort((a, b) => (crowding[b] as number) - (crowding[a] as number) || a - b);
      kept.push(...order.slice(0, room).map((i) => front[i] as Trial));
    }
  }
  return kept;
}

/** For each point the sum over objectives of the normalised gap between its neighbours; infinite at the ends. */
export function crowdingDistances(points: readonly (readonly number[])[]): number[] {
  const distances: number[] = points.map(() => 0);
  const dimensions = points[0]?.length ?? 0;
  for (let k = 0; k < dimensions; k++) {
    const value = (i: number): number => points[i]?.[k] as number;
    const order = points.map((_, i) => i).sort((a, b) => value(a) - value(b));
    const [first, last] = [order[0] as number, order.at(-1) as number];
    const width = value(last) - value(first);
    distances[first] = Infinity;
    distances[last] = Infinity;
    for (let j = 1; j < order.length - 1 && width > 0; j++) {
      const gap = value(order[j + 1] as number) - value(order[j - 1] as number);
      addAt(distances, order[j] as number, gap / width);
    }
  }
  return distances;
}
