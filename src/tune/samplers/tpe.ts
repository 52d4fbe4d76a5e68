import { isOpen, ParzenEstimator } from '../parzen.ts';
import { Random } from '../random.ts';
import { drawUniform, valuesOf, type Parameter, type Params, type ParamValue, type Space } from '../space.ts';
import { goodCount, splitTrials, type Split } from '../split.ts';
import { isFinished, type Sampler, type StudyView, type Suggestion, type Trial } from '../trial.ts';

export interface TpeOptions {
  readonly seed: number;
  /** Finished trials before the model is used; uniform draws until then. */
  readonly startup: number;
  /** Draws from the good density, of which the one with the greatest ratio is taken. */
  readonly candidates: number;
  /** Whether parameters are drawn together. Default: where there is one objective. */
  readonly joint: boolean | undefined;
}

export const tpeDefaults: TpeOptions = { seed: 0, startup: 10, candidates: 24, joint: undefined };

/**
 * Tree-structured Parzen estimator with the defaults of Optuna 5: joint draws within groups of parameters that occur
 * together, running trials among the bad ones, bandwidths from neighbours.
 */
export class TpeSampler implements Sampler {
  readonly #options: TpeOptions;

  constructor(options: Partial<TpeOptions> = {}) {
    this.#options = { ...tpeDefaults, ...options };
  }

  suggest(study: StudyView, number: number): Suggestion {
    const random = new Random(this.#options.seed, number);
    const finished = study.trials.filter(isFinished);
    if (finished.length < this.#options.startup) {
      return { params: study.space.fill(({ domain }) => drawUniform(domain, random)) };
    }
    const split = splitOf(study, number);
    const drawn: Record<string, ParamValue> = {};
    if (this.#options.joint ?? study.directions.length === 1) {
      for (const group of groupsOf(study.space, finished)) {
        Object.assign(drawn, this.#draw(study, split, group, random));
      }
    }
    const params = study.space.fill((parameter) => {
      if (!isOpen(parameter)) return valuesOf(parameter.domain)[0] as ParamValue;
      const known = drawn[parameter.name];
      return known ?? (this.#draw(study, split, [parameter], random)[parameter.name] as ParamValue);
    });
    return { params };
  }

  #draw(study: StudyView, split: Split, group: readonly Parameter[], random: Random): Params {
    const [below, above] = estimators(study, split, group);
    const points = Array.from({ length: this.#options.candidates }, () => below.draw(random));
    const good = below.logDensity(points);
    const bad = above.logDensity(points);
    let best = 0;
    let most = -Infinity;
    for (let i = 0; i < points.length; i++) {
      const ratio = (good[i] as number) - (bad[i] as number);
      if (ratio > most) [best, most] = [i, ratio];
    }
    return points[best] as Params;
  }
}

/** The split that trial `number` is drawn from: all other trials. */
export function splitOf(study: StudyView, number: number): Split {
  const others = study.trials.filter((trial) => trial.number !== number && trial.state !== 'FAILED');
  const finished = others.filter(isFinished).length;
  return splitTrials(others, study.directions, goodCount(finished, study.directions.length));
}

/** The densities of the good and of the bad trials over the given parameters. */
export function estimators(
  study: StudyView,
  split: Split,
  parameters: readonly Parameter[],
): readonly [below: ParzenEstimator, above: ParzenEstimator] {
  const params = (trial: Trial): Params => trial.params;
  return [
    new ParzenEstimator(parameters, split.below.map(params), study.directions.length > 1),
    new ParzenEstimator(parameters, split.above.map(params)),
  ];
}

/** Splits the parameters that finished trials have into sets of which each trial has all or none. */
export function groupsOf(space: Space, finished: readonly Trial[]): Parameter[][] {
  let groups: Set<string>[] = [];
  const seen = new Set<string>();
  for (const trial of finished) {
    const names = Object.keys(trial.params);
    const signature = names.join('\0');
    if (seen.has(signature)) continue;
    seen.add(signature);
    const rest = new Set(names);
    const next: Set<string>[] = [];
    for (const group of groups) {
      const shared = new Set([...group].filter((name) => rest.has(name)));
      const apart = new Set([...group].filter((name) => !rest.has(name)));
      for (const name of shared) rest.delete(name);
      next.push(shared, apart);
    }
    groups = [...next, rest].filter((group) => group.size > 0);
  }
  return groups
    .map((group) => space.parameters.filter((parameter) => group.has(parameter.name) && isOpen(parameter)))
    .filter((group) => group.length > 0);
}
