import { MlopsError } from '../base/index.ts';
import { paretoFront } from './pareto.ts';
import { contains, type Params, type Space } from './space.ts';
import {
  lastStep,
  losses,
  violation,
  type Direction,
  type Pruner,
  type Sampler,
  type StudyView,
  type Suggestion,
  type Trial,
  type TrialState,
} from './trial.ts';

/** The end of a trial. `values` is needed for COMPLETE only. */
export interface Outcome {
  readonly state: Exclude<TrialState, 'RUNNING'>;
  readonly values?: readonly number[];
  readonly intermediate?: ReadonlyMap<number, number>;
  readonly constraints?: readonly number[];
}

/** A trial that was made elsewhere. */
export interface ForeignTrial {
  readonly number?: number;
  readonly state: TrialState;
  readonly params: Params;
  readonly values?: readonly number[];
  readonly intermediate?: ReadonlyMap<number, number>;
  readonly constraints?: readonly number[];
}

/** The trials of one search in memory, and the sampler that goes on from them. */
export class Study implements StudyView {
  readonly name: string;
  readonly space: Space;
  readonly directions: readonly Direction[];
  readonly #sampler: Sampler;
  readonly #pruner: Pruner | undefined;
  #trials: Trial[] = [];

  constructor(init: {
    readonly name: string;
    readonly space: Space;
    readonly directions: readonly Direction[];
    readonly sampler: Sampler;
    readonly pruner?: Pruner | undefined;
  }) {
    this.name = init.name;
    this.space = init.space;
    this.directions = init.directions;
    this.#sampler = init.sampler;
    this.#pruner = init.pruner;
  }

  get trials(): readonly Trial[] {
    return this.#trials;
  }

  /** Starts a trial with the params that the sampler suggests. */
  ask(): Trial {
    return this.begin(this.#sampler.suggest(this, this.next));
  }

  /** The number of the trial that is asked for next. */
  get next(): number {
    return (this.#trials.at(-1)?.number ?? -1) + 1;
  }

  /** Starts a trial with params that were suggested. */
  begin({ params, notes }: Suggestion): Trial {
    const number = this.next;
    const trial: Trial = {
      number,
      state: 'RUNNING',
      params,
      values: [],
      intermediate: new Map(),
      constraints: [],
      notes: notes ?? {},
    };
    this.#trials.push(trial);
    return trial;
  }

  /** Takes an intermediate value of a running trial; true: the pruner would end it. */
  report(number: number, step: number, value: number): boolean {
    const trial = this.#running(number);
    const reported: Trial = { ...trial, intermediate: new Map([...trial.intermediate, [step, value]]) };
    this.#replace(reported);
    const { prune, notes } = this.#pruner?.judge(this, reported) ?? { prune: false };
    if (notes !== undefined) this.#replace({ ...reported, notes: { ...reported.notes, ...notes } });
    return prune;
  }

  /** Ends a running trial. Throws where the values do not fit: not one an objective, or NaN. */
  tell(number: number, outcome: Outcome): Trial {
    const trial = this.#running(number);
    const intermediate = new Map([...trial.intermediate, ...(outcome.intermediate ?? [])]);
    const ended: Trial = {
      ...trial,
      state: outcome.state,
      intermediate,
      constraints: outcome.constraints ?? trial.constraints,
      values: this.#valuesOf(outcome, number),
    };
    this.#replace(ended);
    return ended;
  }

  /** A running trial is begun anew: what it reported is forgotten. */
  restart(number: number): Trial {
    const trial: Trial = { ...this.#running(number), intermediate: new Map() };
    this.#replace(trial);
    return trial;
  }

  /** Takes a trial as it is stored, over the one of its number. Params that the space no longer has are left out of it. */
  restore(trial: Trial): void {
    const params = Object.entries(trial.params).filter(([name, value]) => {
      const parameter = this.space.get(name);
      return parameter !== undefined && contains(parameter.domain, value);
    });
    this.#insert(
      params.length === Object.keys(trial.params).length ? trial : { ...trial, params: Object.fromEntries(params) },
    );
  }

  /** Takes a trial made elsewhere; without a number it gets the next one. */
  add(foreign: ForeignTrial): Trial {
    const number = foreign.number ?? this.next;
    if (this.#find(number) !== undefined) {
      throw new MlopsError('tune_trial', `trial ${number} is in the study already`);
    }
    const params = this.#known(foreign.params, number);
    const trial: Trial = {
      number,
      state: foreign.state,
      params,
      values: foreign.state === 'RUNNING' ? [] : this.#valuesOf({ ...foreign, state: foreign.state }, number),
      intermediate: foreign.intermediate ?? new Map(),
      constraints: foreign.constraints ?? [],
      notes: {},
    };
    this.#insert(trial);
    return trial;
  }

  #insert(trial: Trial): void {
    const at = this.#trials.findLastIndex((other) => other.number < trial.number) + 1;
    this.#trials.splice(at, this.#trials[at]?.number === trial.number ? 1 : 0, trial);
  }

  /** The best feasible complete trial; of several objectives all on the Pareto front, in trial order. */
  best(): readonly Trial[] {
    if (this.directions.length > 1) return paretoTrials(this.#trials, this.directions);
    const complete = this.#trials.filter((trial) => trial.state === 'COMPLETE' && violation(trial) === 0);
    if (complete.length === 0) return [];
    const points = complete.map((trial) => losses(trial, this.directions));
    let best = 0;
    for (let i = 1; i < points.length; i++) {
      if ((points[i]?.[0] as number) < (points[best]?.[0] as number)) best = i;
    }
    return [complete[best] as Trial];
  }

  #known(params: Params, number: number): Params {
    const kept: Record<string, Params[string]> = {};
    for (const [name, value] of Object.entries(params)) {
      const parameter = this.space.get(name);
      if (parameter === undefined || !contains(parameter.domain, value)) {
        const problem = parameter === undefined ? 'is no parameter of the study' : `cannot be ${JSON.stringify(value)}`;
        throw new MlopsError('tune_trial', `trial ${number}: '${name}' ${problem}`);
      }
      kept[name] = value;
    }
    return kept;
  }

  #valuesOf(outcome: Outcome, number: number): readonly number[] {
    if (outcome.state !== 'COMPLETE') return [];
    const values = outcome.values ?? [];
    if (values.length !== this.directions.length) {
      const wanted = this.directions.length;
      throw new MlopsError('tune_trial', `trial ${number} has ${values.length} values, the study ${wanted} objectives`);
    }
    if (values.some(Number.isNaN)) {
      throw new MlopsError('tune_trial', `trial ${number} has a value that is NaN`, {
        hint: 'tell its state as FAILED',
      });
    }
    return values;
  }

  #find(number: number): Trial | undefined {
    const trial = this.#trials[number];
    return trial?.number === number ? trial : this.#trials.find((other) => other.number === number);
  }

  #running(number: number): Trial {
    const trial = this.#find(number);
    if (trial === undefined) throw new MlopsError('tune_trial', `there is no trial ${number}`);
    if (trial.state !== 'RUNNING') throw new MlopsError('tune_trial', `trial ${number} is ${trial.state} already`);
    return trial;
  }

  #replace(trial: Trial): void {
    const at =
      this.#trials[trial.number]?.number === trial.number
        ? trial.number
        : this.#trials.findIndex((other) => other.number === trial.number);
    this.#trials[at] = trial;
  }
}

/** Complete and feasible trials that no other one dominates. */
export function paretoTrials<Kind extends Trial>(
  trials: readonly Kind[],
  directions: readonly Direction[],
): readonly Kind[] {
  const good = trials.filter((trial) => trial.state === 'COMPLETE' && violation(trial) === 0);
  const front = paretoFront(good.map((trial) => losses(trial, directions)));
  return good.filter((_, i) => front[i]);
}

/** The value that a pruned trial came to: the one at its last step. */
export function lastValue(trial: Trial): number | undefined {
  const step = lastStep(trial);
  return step === undefined ? undefined : trial.intermediate.get(step);
}
