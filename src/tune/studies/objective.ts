import { messageOf } from '../../base/index.ts';
import type { TrialEnd } from './open-study.ts';
import type { FullTrial } from './trial-body.ts';

/** What a trial may do while it runs. */
export interface TrialHands {
  /** Aborted where the trial must end: the study is interrupted, or its time is over. */
  readonly signal: AbortSignal;
  /** Tells an intermediate value; true: end as PRUNED. */
  report(step: number, value: number): Promise<boolean>;
  /** Notes the run of the trial, for whoever looks. */
  note(facts: { readonly runId: string }): Promise<void>;
}

/**
 * Port: what is searched over. Kinds: a function here, pipelines and commands in worktrees in `app`.
 * Duties: a failure of the trial is an end (FAILED, with the reason); it rejects only for what must end the whole study.
 * When the signal aborts it ends soon, with whatever it has.
 */
export interface Objective {
  run(trial: FullTrial, hands: TrialHands): Promise<TrialEnd>;
}

/** The in-memory kind. A value that is NaN, and whatever the function throws, is a failure. */
export function functionObjective(
  evaluate: (trial: FullTrial, hands: TrialHands) => number | readonly number[] | Promise<number | readonly number[]>,
): Objective {
  return {
    async run(trial, hands) {
      try {
        const given = await evaluate(trial, hands);
        const values = typeof given === 'number' ? [given] : given;
        if (values.some(Number.isNaN)) return { state: 'FAILED', facts: { reason: 'its value is NaN' } };
        return { state: 'COMPLETE', values };
      } catch (error) {
        return { state: 'FAILED', facts: { reason: messageOf(error) } };
      }
    },
  };
}
