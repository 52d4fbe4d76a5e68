import { MlopsError } from '../../base/index.ts';
import { keyOf } from '../samplers/grid.ts';
import { PartialFixedSampler } from '../samplers/partial-fixed.ts';
import { Random } from '../random.ts';
import { drawUniform, type Params } from '../space.ts';
import { Study } from '../study.ts';
import type { Sampler, StudyView, Suggestion, Trial } from '../trial.ts';
import { partsOf, type StudySpec } from './spec.ts';
import { newFacts, rowOf, trialOf, type FullTrial, type TrialFacts } from './trial-body.ts';
import type { TrialStore } from './trial-store.ts';

/** How a trial ended, with what is to be kept of it. */
export interface TrialEnd {
  readonly state: 'COMPLETE' | 'PRUNED' | 'FAILED';
  readonly values?: readonly number[];
  readonly constraints?: readonly number[];
  readonly facts?: Partial<TrialFacts>;
}

/** A sampler that may take its time: one in another process. */
export interface SlowSampler {
  suggest(study: StudyView, number: number): Promise<Suggestion>;
}

/** How often other params are asked for where a setting was tried already. */
const redraws = 20;
/** Numbers of redraws begin here: no study has so many trials. */
const redrawStep = 2 ** 40;

/**
 * The study of whoever suggests: in memory, and each change in the store before it counts. There is one at a time for a
 * study; after a crash the next one goes on with the same trials.
 */
export class OpenStudy {
  readonly name: string;
  readonly spec: StudySpec;
  readonly #store: TrialStore;
  readonly #study: Study;
  readonly #sampler: Sampler | SlowSampler;
  readonly #facts = new Map<number, TrialFacts>();
  /** Trials that were running when their owner went away. */
  readonly #lost: number[] = [];
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(store: TrialStore, name: string, spec: StudySpec, slow: SlowSampler | undefined) {
    this.#store = store;
    this.name = name;
    this.spec = spec;
    const { space, sampler, pruner } = partsOf(spec);
    const chosen = sampler ?? slow;
    if (chosen === undefined) throw new MlopsError('tune_space', `${String(spec.sampler['name'])} needs Optuna`);
    this.#sampler = chosen;
    const unused: Sampler = { suggest: () => ({ params: {} }) };
    this.#study = new Study({ name, space, directions: spec.directions, sampler: sampler ?? unused, pruner });
  }

  /**
   * Reads a study's trials. Those that run are lost: their owner is gone.
   * @param slow for a sampler that is not ours.
   * @throws MlopsError `store_broken`, `tune_space`.
   */
  static async open(store: TrialStore, name: string, spec: StudySpec, slow?: SlowSampler): Promise<OpenStudy> {
    const study = new OpenStudy(store, name, spec, slow);
    for (const row of await store.listTrials(name)) {
      const trial = trialOf(row, name);
      study.#study.restore(trial);
      study.#facts.set(trial.number, trial.facts);
      if (trial.state === 'RUNNING') study.#lost.push(trial.number);
    }
    return study;
  }

  get view(): StudyView {
    return this.#study;
  }

  get trials(): readonly FullTrial[] {
    return this.#study.trials.map((trial) => this.#full(trial));
  }

  /** The numbers of trials that have to be run again. */
  get lost(): readonly number[] {
    return this.#lost;
  }

  /** Trials that count for the budget: all that this study made. */
  get made(): number {
    let count = 0;
    for (const facts of this.#facts.values()) if (!facts.foreign) count++;
    return count;
  }

  best(): readonly FullTrial[] {
    return this.#study.best().map((trial) => this.#full(trial));
  }

  /**
   * The next trial: one that was lost, one that was asked for, or one that the sampler suggests. Its params are stored
   * before they are given.
   * @throws MlopsError `tune_exhausted` where every setting was tried.
   */
  ask(facts: Partial<TrialFacts> = {}): Promise<FullTrial> {
    return this.#alone(async () => {
      const again = this.#lost.shift();
      if (again !== undefined) return this.#repeat(again, facts);
      const { suggestion, enqueued } = await this.#suggest();
      const trial = this.#study.begin(suggestion);
      this.#facts.set(trial.number, { ...newFacts, ...facts, enqueued, startedAt: Date.now() });
      await this.#put(trial.number);
      return this.#full(trial);
    });
  }

  /** A running trial that failed is begun once more. */
  retry(number: number, facts: Partial<TrialFacts> = {}): Promise<FullTrial> {
    return this.#alone(() => this.#repeat(number, facts));
  }

  /** Gives a running trial back: it is the next one to be asked for. */
  giveBack(number: number): void {
    this.#lost.push(number);
    this.#lost.sort((a, b) => a - b);
  }

  /** An intermediate value; true: the pruner would end the trial. It is stored with the trial's end. */
  report(number: number, step: number, value: number): boolean {
    return this.#study.report(number, step, value);
  }

  tell(number: number, end: TrialEnd): Promise<FullTrial> {
    return this.#alone(async () => {
      const trial = this.#study.tell(number, end);
      this.#facts.set(number, { ...this.#factsOf(number), ...end.facts, endedAt: Date.now() });
      await this.#put(number);
      return this.#full(trial);
    });
  }

  /** Notes something with a trial that runs. */
  note(number: number, facts: Partial<TrialFacts>): Promise<void> {
    return this.#alone(async () => {
      this.#facts.set(number, { ...this.#factsOf(number), ...facts });
      await this.#put(number);
    });
  }

  /** Takes trials that were made elsewhere; those whose params the space has not are left out. @returns how many came. */
  take(trials: readonly FullTrial[]): Promise<number> {
    return this.#alone(async () => {
      const rows = [];
      for (const trial of trials) {
        const own = this.#study.space.active(trial.params);
        if (Object.keys(own).length === 0) continue;
        const number = this.#study.next;
        this.#study.restore({ ...trial, params: own, number });
        this.#facts.set(number, { ...trial.facts, foreign: true });
        rows.push(rowOf(this.#full(this.#need(number)), this.spec.directions));
      }
      if (rows.length > 0) await this.#store.putTrials(this.name, rows);
      return rows.length;
    });
  }

  async #repeat(number: number, facts: Partial<TrialFacts>): Promise<FullTrial> {
    const trial = this.#study.restart(number);
    const before = this.#factsOf(number);
    this.#facts.set(number, {
      ...before,
      runId: undefined,
      ...facts,
      attempt: before.attempt + 1,
      startedAt: Date.now(),
    });
    await this.#put(number);
    return this.#full(trial);
  }

  async #suggest(): Promise<{ readonly suggestion: Suggestion; readonly enqueued: boolean }> {
    const { spec } = this;
    const study = this.#study;
    const number = study.next;
    const asked = spec.enqueue[[...this.#facts.values()].filter(({ enqueued }) => enqueued).length];
    if (asked !== undefined) {
      const { params, notes } = await this.#sampler.suggest(study, number);
      const given: Sampler = { suggest: () => (notes === undefined ? { params } : { params, notes }) };
      const whole = new PartialFixedSampler(study.space, asked, given).suggest(study, number);
      return { suggestion: { params: whole.params }, enqueued: true };
    }
    if (!spec.dedupe) return { suggestion: await this.#sampler.suggest(study, number), enqueued: false };
    return { suggestion: await this.#newSetting(number), enqueued: false };
  }

  /** Another setting than all before: from the sampler, else at random, else the first one that is left. */
  async #newSetting(number: number): Promise<Suggestion> {
    const study = this.#study;
    const { space } = study;
    const tried = new Set(study.trials.map(({ params }) => keyOf(space, params)));
    const isNew = (params: Params): boolean => !tried.has(keyOf(space, params));
    for (let attempt = 0; attempt < redraws; attempt++) {
      const suggestion = await this.#sampler.suggest(study, number + attempt * redrawStep);
      if (isNew(suggestion.params)) return suggestion;
    }
    const random = new Random(0, number);
    for (let attempt = 0; attempt < 100 * redraws; attempt++) {
      const params = space.fill(({ domain }) => drawUniform(domain, random));
      if (isNew(params)) return { params };
    }
    const left = space.size() <= 1_000_000 ? space.settings().find(isNew) : undefined;
    if (left !== undefined) return { params: left };
    throw new MlopsError('tune_exhausted', `all ${tried.size} settings of the space were tried`);
  }

  #full(trial: Trial): FullTrial {
    return { ...trial, facts: this.#factsOf(trial.number) };
  }

  #factsOf(number: number): TrialFacts {
    return this.#facts.get(number) ?? newFacts;
  }

  #need(number: number): Trial {
    const trial = this.#study.trials.find((other) => other.number === number);
    if (trial === undefined) throw new MlopsError('tune_trial', `there is no trial ${number}`);
    return trial;
  }

  async #put(number: number): Promise<void> {
    const trial = this.#study.trials[number];
    const whole = trial?.number === number ? trial : this.#need(number);
    await this.#store.putTrials(this.name, [rowOf(this.#full(whole), this.spec.directions)]);
  }

  /** One change at a time, in the order in which they were asked for. */
  #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
