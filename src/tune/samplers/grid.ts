import { MlopsError } from '../../base/index.ts';
import { Random } from '../random.ts';
import { cardinality, sameValue, type Params, type Space } from '../space.ts';
import type { Sampler, StudyView, Suggestion } from '../trial.ts';

/** More settings than this are no grid. */
const LIMIT = 1_000_000;

/**
 * All settings of a finite space, each once, in an order that the seed shuffles (`shuffle: false`: first parameter
 * slowest). Throws `tune_exhausted` when all were tried.
 */
export class GridSampler implements Sampler {
  readonly #settings: readonly Params[];

  constructor(space: Space, options: { readonly seed?: number; readonly shuffle?: boolean } = {}) {
    const open = space.parameters.find(({ domain }) => cardinality(domain) === Infinity);
    if (open !== undefined) {
      throw new MlopsError('tune_space', `'${open.name}' has endless values: a grid needs a 'step' there`);
    }
    if (space.size() > LIMIT) {
      throw new MlopsError('tune_space', `the grid has ${space.size()} settings, more than ${LIMIT}`);
    }
    const settings = space.settings();
    this.#settings = options.shuffle === false ? settings : new Random(options.seed ?? 0).shuffle(settings);
  }

  suggest(study: StudyView): Suggestion {
    const tried = new Set(study.trials.map((trial) => keyOf(study.space, trial.params)));
    const next = this.#settings.find((params) => !tried.has(keyOf(study.space, params)));
    if (next === undefined) {
      throw new MlopsError('tune_exhausted', `all ${this.#settings.length} settings of the space were tried`);
    }
    return { params: next };
  }
}

/** A text that is equal for equal settings. */
export function keyOf(space: Space, params: Params): string {
  return JSON.stringify(
    space.parameters.map(({ name, domain }) => {
      const value = params[name];
      if (value === undefined) return null;
      return domain.type === 'categorical' ? domain.choices.findIndex((choice) => sameValue(choice, value)) : value;
    }),
  );
}
