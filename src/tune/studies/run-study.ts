import { setTimeout as sleep } from 'node:timers/promises';

import { isMlopsError } from '../../base/index.ts';
import { whyDone, type Done, type StudyLimits } from './limits.ts';
import type { Objective } from './objective.ts';
import type { OpenStudy, TrialEnd } from './open-study.ts';
import type { FullTrial, TrialFacts } from './trial-body.ts';

/** What is asked next: a trial, the end, or patience, because trials of others still run and may come back. */
export type Next = { readonly trial: FullTrial } | { readonly done: Done } | { readonly wait: true };

/** Port: what suggests for a study and takes its trials' ends. Kind: `localDesk`, also where several share a study. */
export interface Desk {
  ask(worker: string): Promise<Next>;
  /** A trial that failed is begun once more; undefined where another worker has it now. */
  retry(number: number, worker: string): Promise<FullTrial | undefined>;
  report(number: number, step: number, value: number): Promise<boolean>;
  note(number: number, facts: Partial<TrialFacts>): Promise<void>;
  /** @returns undefined where another worker has the trial now. */
  tell(number: number, end: TrialEnd): Promise<FullTrial | undefined>;
  /** A trial that was interrupted: somebody else may have it. */
  giveBack(number: number): Promise<void>;
}

export function localDesk(study: OpenStudy, limits: StudyLimits): Desk {
  const since = Date.now();
  /** What others ran when this one was done: if they go away, it is run here. */
  let awaited: readonly number[] | undefined;
  const last = (done: Done): Next => {
    const running = new Set(study.elsewhere);
    awaited = (awaited ?? [...running]).filter((number) => running.has(number));
    return awaited.length > 0 ? { wait: true } : { done };
  };
  return {
    async ask(worker) {
      for (;;) {
        await study.refresh();
        const done = study.lost.length > 0 ? undefined : whyDone(study, limits, since);
        if (done !== undefined) return last(done);
        try {
          const trial = await study.ask({ worker });
          if (trial !== undefined) return { trial };
        } catch (error) {
          if (!isMlopsError(error, 'tune_exhausted')) throw error;
          return last({ good: true, reason: error.message });
        }
      }
    },
    retry: (number, worker) => study.retry(number, { worker }),
    report: async (number, step, value) => study.report(number, step, value),
    note: (number, facts) => study.note(number, facts),
    tell: (number, end) => study.tell(number, end),
    giveBack: async (number) => study.giveBack(number),
  };
}

export type StudyEvent =
  | { readonly kind: 'started' | 'retried'; readonly trial: FullTrial }
  | { readonly kind: 'reported'; readonly number: number; readonly step: number; readonly value: number }
  | { readonly kind: 'ended'; readonly trial: FullTrial };

export interface RunStudyOptions {
  /** Trials at a time. */
  readonly parallel: number;
  readonly worker: string;
  /** How often a trial that failed is run again. */
  readonly retries: number;
  /** Milliseconds. */
  readonly trialTimeout?: number | undefined;
  /** Ends what runs; its trials are given back. */
  readonly signal: AbortSignal;
  /** No new trial begins any more; those that run come to their end. */
  readonly stop?: AbortSignal | undefined;
  readonly onEvent: (event: StudyEvent) => void;
}

/**
 * Runs trials until the study is done.
 * @returns why it ended; undefined when it was interrupted or stopped.
 * @throws what the objective rejects with, after the other trials were given back.
 */
export async function runStudy(desk: Desk, objective: Objective, options: RunStudyOptions): Promise<Done | undefined> {
  const broken = new AbortController();
  const signal = AbortSignal.any([options.signal, broken.signal]);
  let done: Done | undefined;
  const lane = async (index: number): Promise<void> => {
    const worker = options.parallel === 1 ? options.worker : `${options.worker}/${index}`;
    while (!signal.aborted && options.stop?.aborted !== true) {
      const next = await desk.ask(worker);
      if ('done' in next) {
        done ??= next.done;
        return;
      }
      if ('wait' in next) await sleep(200, undefined, { signal }).catch(() => undefined);
      else await runTrial(desk, objective, next.trial, { ...options, signal, worker });
    }
  };
  const lanes = await Promise.allSettled(
    Array.from({ length: options.parallel }, (_, index) =>
      lane(index).catch((error: unknown) => {
        broken.abort(error);
        throw error;
      }),
    ),
  );
  const failed = lanes.find((result) => result.status === 'rejected');
  if (failed !== undefined && !options.signal.aborted) throw failed.reason;
  return signal.aborted ? undefined : done;
}

async function runTrial(desk: Desk, objective: Objective, first: FullTrial, options: RunStudyOptions): Promise<void> {
  const { signal, onEvent, worker } = options;
  let trial = first;
  onEvent({ kind: trial.facts.attempt > 1 ? 'retried' : 'started', trial });
  for (let tries = 0; ; tries++) {
    const end = await attempt(desk, objective, trial, options);
    if (signal.aborted && end.state !== 'COMPLETE') {
      await desk.giveBack(trial.number);
      return;
    }
    if (end.state === 'FAILED' && tries < options.retries) {
      const again = await desk.retry(trial.number, worker);
      if (again === undefined) return;
      trial = again;
      onEvent({ kind: 'retried', trial });
      continue;
    }
    const ended = await desk.tell(trial.number, end);
    if (ended !== undefined) onEvent({ kind: 'ended', trial: ended });
    return;
  }
}

async function attempt(
  desk: Desk,
  objective: Objective,
  trial: FullTrial,
  { signal, trialTimeout, onEvent }: RunStudyOptions,
): Promise<TrialEnd> {
  const limit = trialTimeout === undefined ? undefined : AbortSignal.timeout(trialTimeout);
  const { number } = trial;
  const end = await objective.run(trial, {
    signal: limit === undefined ? signal : AbortSignal.any([signal, limit]),
    async report(step, value) {
      const prune = await desk.report(number, step, value);
      onEvent({ kind: 'reported', number, step, value });
      return prune;
    },
    note: (facts) => desk.note(number, facts),
  });
  if (limit?.aborted !== true || signal.aborted || end.state === 'COMPLETE') return end;
  const seconds = (trialTimeout ?? 0) / 1000;
  return { ...end, state: 'FAILED', facts: { ...end.facts, reason: `it took longer than ${seconds} s` } };
}
