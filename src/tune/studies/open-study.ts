import { isDeepStrictEqual } from 'node:util';

import { MlopsError } from '../../base/index.ts';
import { keyOf } from '../samplers/grid.ts';
import { PartialFixedSampler } from '../samplers/partial-fixed.ts';
import { Random } from '../random.ts';
import { drawUniform, type Params } from '../space.ts';
import { Study } from '../study.ts';
import type { Sampler, StudyView, Suggestion, Trial } from '../trial.ts';
import { partsOf, type StudySpec } from './spec.ts';
import { newFacts, rowOf, trialOf, type FullTrial, type TrialFacts } from './trial-body.ts';
import type { TrialRow, TrialStore } from './trial-store.ts';

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

/** Those who work on a study. A trial names its worker in its facts, as `WORKER` or `WORKER/LANE`. */
export interface Company {
  readonly me: string;
  /** Whether others may have changed the study since it was read. */
  isShared(): boolean;
  /** Everybody who works on it at this moment. */
  workers(): Promise<ReadonlySet<string>>;
}

/** How often other params are asked for where a setting was tried already. */
const redraws = 20;
/** Numbers of redraws begin here: no study has so many trials. */
const redrawStep = 2 ** 40;

/**
 * The study of one who suggests: in memory, and each change in the store before it counts. Of several in a `Company`
 * each number is begun by one alone: whoever comes too late reads what the others did and suggests anew. After a crash
 * the others, or the next one, go on with the same trials.
 */
export class OpenStudy {
  readonly name: string;
  readonly spec: StudySpec;
  readonly #store: TrialStore;
  readonly #study: Study;
  readonly #sampler: Sampler | SlowSampler;
  readonly #facts = new Map<number, TrialFacts>();
  readonly #company: Company | undefined;
  /** Running trials as they are stored. */
  readonly #stored = new Map<number, TrialRow>();
  /** Running trials that are this one's to end. */
  readonly #held = new Set<number>();
  /** Running trials whose worker went away. */
  #lost: number[] = [];
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    store: TrialStore,
    name: string,
    spec: StudySpec,
    { slow, company }: { readonly slow?: SlowSampler | undefined; readonly company?: Company | undefined },
  ) {
    this.#store = store;
    this.#company = company;
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
   * Reads a study's trials. Those that run are lost, except where their worker is in the company.
   * @param how `slow` for a sampler that is not ours.
   * @throws MlopsError `store_broken`, `tune_space`.
   */
  static async open(
    store: TrialStore,
    name: string,
    spec: StudySpec,
    how: { readonly slow?: SlowSampler | undefined; readonly company?: Company | undefined } = {},
  ): Promise<OpenStudy> {
    const study = new OpenStudy(store, name, spec, how);
    await study.#read(0);
    return study;
  }

  /** Takes over what others did meanwhile, and finds what they left. */
  refresh(): Promise<void> {
    return this.#alone(async () => {
      if (this.#company?.isShared() === true || this.elsewhere.length > 0) await this.#read(this.#study.next);
    });
  }

  /** Reads the trials from a number on, and those that ran elsewhere. What is held is known better here. */
  async #read(from: number): Promise<void> {
    const near = Math.min(from, ...this.elsewhere.filter((number) => number >= from - 100));
    const rows = [...(await this.#store.listTrials(this.name, { from: near }))];
    for (const number of this.elsewhere.filter((each) => each < near)) {
      rows.push(...(await this.#store.listTrials(this.name, { from: number, limit: 1 })));
    }
    for (const row of rows) {
      if (this.#held.has(row.number)) continue;
      const trial = trialOf(row, this.name);
      this.#study.restore(trial);
      this.#facts.set(trial.number, trial.facts);
      if (trial.state === 'RUNNING') this.#stored.set(trial.number, row);
      else this.#stored.delete(trial.number);
    }
    // After the trials: who began one of them is seen now, unless it is gone.
    const workers = this.#stored.size > this.#held.size ? await this.#company?.workers() : undefined;
    this.#lost = this.elsewhere.filter((number) => {
      const [worker = ''] = (this.#factsOf(number).worker ?? '').split('/');
      return worker === this.#company?.me || workers?.has(worker) !== true;
    });
  }

  /** The numbers of running trials that are not this one's to end. */
  get elsewhere(): readonly number[] {
    return [...this.#stored.keys()].filter((number) => !this.#held.has(number)).sort((a, b) => a - b);
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
   * @returns undefined where another worker was quicker: what it did is known now, so ask again.
   * @throws MlopsError `tune_exhausted` where every setting was tried.
   */
  ask(facts: Partial<TrialFacts> = {}): Promise<FullTrial | undefined> {
    return this.#alone(async () => {
      const again = this.#lost.shift();
      if (again !== undefined) return this.#repeat(again, facts);
      const { suggestion, enqueued } = await this.#suggest();
      const trial = this.#study.begin(suggestion);
      this.#facts.set(trial.number, { ...newFacts, ...facts, enqueued, startedAt: Date.now() });
      return (await this.#put(trial.number)) ? this.#full(trial) : undefined;
    });
  }

  /** A running trial that failed is begun once more; undefined where another worker has it now. */
  retry(number: number, facts: Partial<TrialFacts> = {}): Promise<FullTrial | undefined> {
    return this.#alone(async () => (this.#held.has(number) ? this.#repeat(number, facts) : undefined));
  }

  /** Gives a running trial back: it is the next one to be asked for. */
  giveBack(number: number): void {
    if (!this.#held.delete(number)) return;
    this.#lost.push(number);
    this.#lost.sort((a, b) => a - b);
  }

  /** An intermediate value; true: the pruner would end the trial. It is stored with the trial's end. */
  report(number: number, step: number, value: number): boolean {
    return this.#study.report(number, step, value);
  }

  /** @returns undefined where another worker has the trial now, because this one was silent for too long. */
  tell(number: number, end: TrialEnd): Promise<FullTrial | undefined> {
    return this.#alone(async () => {
      if (!this.#held.has(number)) return undefined;
      const trial = this.#study.tell(number, end);
      this.#facts.set(number, { ...this.#factsOf(number), ...end.facts, endedAt: Date.now() });
      return (await this.#put(number)) ? this.#full(trial) : undefined;
    });
  }

  /** Notes something with a trial that runs. */
  note(number: number, facts: Partial<TrialFacts>): Promise<void> {
    return this.#alone(async () => {
      if (!this.#held.has(number)) return;
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

  async #repeat(number: number, facts: Partial<TrialFacts>): Promise<FullTrial | undefined> {
    const trial = this.#study.restart(number);
    const before = this.#factsOf(number);
    this.#facts.set(number, {
      ...before,
      runId: undefined,
      ...facts,
      attempt: before.attempt + 1,
      startedAt: Date.now(),
    });
    return (await this.#put(number)) ? this.#full(trial) : undefined;
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

  /** Stores a trial that is held, or is to be from now on. False: another worker was quicker, and its word counts. */
  async #put(number: number): Promise<boolean> {
    const trial = this.#study.trials[number];
    const row = rowOf(this.#full(trial?.number === number ? trial : this.#need(number)), this.spec.directions);
    if (!(await this.#swap(row))) {
      this.#held.delete(number);
      await this.#read(number);
      return false;
    }
    if (row.state === 'RUNNING') {
      this.#stored.set(number, row);
      this.#held.add(number);
    } else {
      this.#stored.delete(number);
      this.#held.delete(number);
    }
    return true;
  }

  async #swap(row: TrialRow): Promise<boolean> {
    if (await this.#store.swapTrial(this.name, row, this.#stored.get(row.number))) return true;
    // A call that was answered, but whose answer was lost on its way, is made again, and comes too late for itself.
    const [now] = await this.#store.listTrials(this.name, { from: row.number, limit: 1 });
    return isDeepStrictEqual(now, row);
  }

  /** One change at a time, in the order in which they were asked for. */
  #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
