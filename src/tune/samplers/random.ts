import { Random } from '../random.ts';
import { drawUniform } from '../space.ts';
import type { Sampler, StudyView, Suggestion } from '../trial.ts';

/** Each parameter uniformly (evenly in the logarithm where `log`), whatever was tried before. */
export class RandomSampler implements Sampler {
  readonly #seed: number;

  constructor(seed = 0) {
    this.#seed = seed;
  }

  suggest(study: StudyView, number: number): Suggestion {
    const random = new Random(this.#seed, number);
    return { params: study.space.fill(({ domain }) => drawUniform(domain, random)) };
  }
}
