import { MlopsError } from '../../base/index.ts';
import { Random } from '../random.ts';
import { cardinality, drawUniform, fromUnit, valuesOf, type Parameter, type Space } from '../space.ts';
import { losses, type Direction, type Sampler, type StudyView, type Suggestion } from '../trial.ts';
import { Cma } from './cma.ts';

/**
 * CMA-ES over the numeric parameters that always exist; the others are drawn uniformly. A generation's number and the
 * raw points are noted with the trials, and the distribution is made from those notes: nothing else has to be kept.
 */
export class CmaEsSampler implements Sampler {
  readonly #seed: number;
  readonly #startup: number;
  readonly #own: readonly Parameter[];
  #replayed: { readonly cma: Cma; readonly generation: number } | undefined;

  constructor(space: Space, directions: readonly Direction[], seed = 0, startup = 1) {
    if (directions.length > 1) throw new MlopsError('tune_space', 'CMA-ES has one objective: take nsga2 for several');
    this.#seed = seed;
    this.#startup = startup;
    this.#own = space.parameters.filter(
      ({ domain, when }) => domain.type !== 'categorical' && when.size === 0 && cardinality(domain) > 1,
    );
  }

  suggest(study: StudyView, number: number): Suggestion {
    const random = new Random(this.#seed, number);
    const complete = study.trials.filter((trial) => trial.state === 'COMPLETE').length;
    if (this.#own.length === 0 || complete < this.#startup) {
      return { params: study.space.fill(({ domain }) => drawUniform(domain, random)) };
    }
    const { cma, generation } = this.#replay(study);
    const { tried, raw } = cma.ask(random);
    const unit = new Map(this.#own.map(({ name }, i) => [name, tried[i] as number]));
    const params = study.space.fill(({ name, domain }) => {
      const place = unit.get(name);
      if (place === undefined) return drawUniform(domain, random);
      if (!isStepped(domain)) return fromUnit(domain, place);
      const values = valuesOf(domain);
      return values[Math.round(place * (values.length - 1))] ?? null;
    });
    return { params, notes: { generation, raw } };
  }

  #replay(study: StudyView): { readonly cma: Cma; readonly generation: number } {
    let { cma, generation } = this.#replayed ?? {
      cma: new Cma(this.#own.map(({ domain }) => ({ values: isStepped(domain) ? cardinality(domain) : undefined }))),
      generation: 0,
    };
    for (;;) {
      const solutions = study.trials
        .filter((trial) => trial.state === 'COMPLETE' && trial.notes['generation'] === generation)
        .slice(0, cma.population)
        .map((trial) => ({
          raw: trial.notes['raw'] as readonly number[],
          loss: losses(trial, study.directions)[0] as number,
        }));
      if (solutions.length < cma.population) break;
      cma.tell(solutions);
      generation++;
    }
    this.#replayed = { cma, generation };
    return this.#replayed;
  }
}

/** Few whole steps: many of them are as good as continuous, and logarithmic ones are uneven. */
function isStepped(domain: Parameter['domain']): boolean {
  return domain.type !== 'categorical' && domain.step !== undefined && !domain.log && cardinality(domain) <= 1000;
}
