import { MlopsError } from '../../base/index.ts';
import { contains, type Params, type Space } from '../space.ts';
import type { Sampler, StudyView, Suggestion } from '../trial.ts';

/** Some parameters stay at a value, another sampler suggests the rest. */
export class PartialFixedSampler implements Sampler {
  readonly #fixed: Params;
  readonly #rest: Sampler;

  /** Throws `tune_space` for a value outside of its parameter's domain. */
  constructor(space: Space, fixed: Params, rest: Sampler) {
    for (const [name, value] of Object.entries(fixed)) {
      const parameter = space.get(name);
      if (parameter === undefined || !contains(parameter.domain, value)) {
        throw new MlopsError('tune_space', `'${name}' cannot be fixed at ${JSON.stringify(value)}`);
      }
    }
    this.#fixed = fixed;
    this.#rest = rest;
  }

  suggest(study: StudyView, number: number): Suggestion {
    const { params, notes } = this.#rest.suggest(study, number);
    const merged = study.space.active({ ...params, ...this.#fixed });
    // A parent that was fixed may wake parameters which the other sampler left out.
    const asleep = study.space.fill(({ name, domain }) => {
      const known = merged[name];
      return known ?? (domain.type === 'categorical' ? (domain.choices[0] ?? null) : domain.low);
    });
    return notes === undefined ? { params: asleep } : { params: asleep, notes };
  }
}
