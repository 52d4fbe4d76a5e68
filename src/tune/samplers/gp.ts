import { MlopsError } from '../../base/index.ts';
import { GaussianProcess } from '../gp.ts';
import { cdf, logCdf, LOG_SQRT_2PI } from '../normal.ts';
import { isOpen } from '../parzen.ts';
import { Random } from '../random.ts';
import { drawUniform, fromUnit, toNumber, toUnit, type Parameter, type Params, type Space } from '../space.ts';
import {
  isFinished,
  losses,
  violation,
  type Direction,
  type Sampler,
  type StudyView,
  type Suggestion,
  type Trial,
} from '../trial.ts';
import { Sobol } from './qmc.ts';

/** Beyond so many trials the best half and the newest half of them are modelled: the fit is cubic. */
const MOST = 500;
const CANDIDATES = 512;
const SHORTLIST = 6;

/**
 * Bayesian optimisation: a Gaussian process over the parameters that always exist, and the point of the greatest
 * expected improvement, in logarithms (Ament et al. 2023). Good where trials are few and dear.
 */
export class GpSampler implements Sampler {
  readonly #seed: number;
  readonly #startup: number;
  readonly #own: readonly Parameter[];

  constructor(space: Space, directions: readonly Direction[], seed = 0, startup = 10) {
    if (directions.length > 1)
      throw new MlopsError('tune_space', 'gp has one objective: take tpe or nsga2 for several');
    this.#seed = seed;
    this.#startup = startup;
    this.#own = space.parameters.filter((parameter) => parameter.when.size === 0 && isOpen(parameter));
  }

  suggest(study: StudyView, number: number): Suggestion {
    const random = new Random(this.#seed, number);
    const complete = study.trials.filter((trial) => trial.state === 'COMPLETE');
    const drawn = study.space.fill(({ domain }) => drawUniform(domain, random));
    if (
      complete.length < this.#startup ||
      study.trials.filter(isFinished).length < this.#startup ||
      this.#own.length === 0
    ) {
      return { params: drawn };
    }
    const point = this.#best(study, choose(complete, study), random);
    const found = new Map(this.#own.map(({ name, domain }, i) => [name, decode(domain, point[i] as number)]));
    return {
      params: study.space.fill(({ name, domain }) => found.get(name) ?? drawn[name] ?? drawUniform(domain, random)),
    };
  }

  /** The greatest expected improvement anywhere, in standard deviations of the values; undefined without a model. */
  expectedGain(study: StudyView, number: number): number | undefined {
    const complete = study.trials.filter((trial) => trial.state === 'COMPLETE');
    if (this.#own.length === 0 || complete.length < 2) return undefined;
    return Math.exp(this.#search(study, choose(complete, study), new Random(this.#seed, number)).score);
  }

  #best(study: StudyView, trials: readonly Trial[], random: Random): readonly number[] {
    return this.#search(study, trials, random).point;
  }

  #search(
    study: StudyView,
    trials: readonly Trial[],
    random: Random,
  ): { readonly point: readonly number[]; readonly score: number } {
    const points = trials.map((trial) => this.#encode(trial.params));
    // Infeasible trials count as the worst feasible one, infinite values as the extreme finite ones.
    const raw = trials.map((trial) => losses(trial, study.directions)[0] as number);
    const finite = raw.filter(Number.isFinite);
    const worst = Math.max(...finite);
    const clipped = raw.map((loss, i) =>
      violation(trials[i] as Trial) > 0 ? worst : Math.min(Math.max(loss, Math.min(...finite)), worst),
    );
    const mean = clipped.reduce((sum, y) => sum + y, 0) / clipped.length;
    const deviation = Math.sqrt(clipped.reduce((sum, y) => sum + (y - mean) ** 2, 0) / clipped.length) || 1;
    const targets = clipped.map((y) => (y - mean) / deviation);
    const dimensions = this.#own.map(({ domain }) => ({ categorical: domain.type === 'categorical' }));
    const process = GaussianProcess.fit(points, targets, dimensions);
    const least = Math.min(...targets);
    const score = (point: readonly number[]): number => logImprovement(process.predict(point), least);
    const sobol = new Sobol(this.#own.length, random);
    const incumbent = points[targets.indexOf(least)] as readonly number[];
    const candidates = [incumbent, ...Array.from({ length: CANDIDATES }, (_, i) => this.#snap(sobol.point(i)))].map(
      (point) => ({ point, score: score(point) }),
    );
    candidates.sort((a, b) => b.score - a.score);
    const climbed = candidates.slice(0, SHORTLIST).map((start) => this.#climb(start, score));
    // The incumbent itself may come out on top where the model is sure of all: then the best other candidate is taken.
    const isNew = ({ point }: { point: readonly number[] }): boolean =>
      !points.some((known) => known.every((x, i) => x === point[i]));
    const ranked = [...climbed, ...candidates].sort((a, b) => b.score - a.score);
    return ranked.find(isNew) ?? ranked[0] ?? { point: incumbent, score: -Infinity };
  }

  /** Pattern search, a coordinate at a time, with steps that are halved. */
  #climb(
    start: { point: readonly number[]; score: number },
    score: (point: readonly number[]) => number,
  ): typeof start {
    let best = start;
    for (let step = 0.1; step > 0.002; step /= 2) {
      for (let moved = true, rounds = 0; moved && rounds < 8; rounds++) {
        moved = false;
        for (const [d, { domain }] of this.#own.entries()) {
          const here = best.point[d] as number;
          const others =
            domain.type === 'categorical'
              ? domain.choices.map((_, i) => i).filter((i) => i !== here)
              : [here - step, here + step];
          for (const value of others) {
            const point = this.#snap(best.point.with(d, value), true);
            const value2 = score(point);
            if (value2 > best.score + 1e-9) {
              best = { point, score: value2 };
              moved = true;
            }
          }
        }
      }
    }
    return best;
  }

  #encode(params: Params): number[] {
    return this.#own.map(({ name, domain }) => {
      const value = params[name];
      if (value === undefined) return 0.5;
      return domain.type === 'categorical' ? toNumber(domain, value) : toUnit(domain, value as number);
    });
  }

  /** A point of the unit cube as the model sees the params that it stands for. */
  #snap(point: readonly number[], encoded = false): number[] {
    return this.#own.map(({ domain }, d) => {
      const x = point[d] as number;
      if (domain.type === 'categorical') return encoded ? x : toNumber(domain, fromUnit(domain, x));
      const inside = Math.min(Math.max(x, 0), 1);
      return domain.step === undefined ? inside : toUnit(domain, fromUnit(domain, inside) as number);
    });
  }
}

function decode(domain: Parameter['domain'], place: number): Params[string] {
  return domain.type === 'categorical' ? (domain.choices[place] ?? null) : fromUnit(domain, place);
}

function choose(complete: readonly Trial[], study: StudyView): readonly Trial[] {
  if (complete.length <= MOST) return complete;
  const newest = complete.slice(-MOST / 2);
  const loss = (trial: Trial): number => losses(trial, study.directions)[0] as number;
  const rest = complete.slice(0, -MOST / 2).sort((a, b) => loss(a) - loss(b));
  return [...rest.slice(0, MOST / 2), ...newest];
}

/** ln E[max(least - f, 0)] for f normal, also where the improvement is tiny. */
function logImprovement({ mean, deviation }: { mean: number; deviation: number }, least: number): number {
  const z = (least - mean) / deviation;
  const logDensity = -0.5 * z * z - LOG_SQRT_2PI;
  // Far left φ(z) + zΦ(z) cancels: its asymptotic value is φ(z) / z².
  const log =
    z > -6
      ? Math.log(Math.exp(logDensity) + z * cdf(z))
      : z > -1000
        ? logDensity + Math.log1p(Math.max(z * Math.exp(logCdf(z) - logDensity), -1 + 1 / (z * z + 3)))
        : logDensity - 2 * Math.log(-z);
  return Math.log(deviation) + log;
}
