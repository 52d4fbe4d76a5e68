import type { KeptRule, RuleState } from './kept-rule.ts';

/** What was seen of a canary since it was set. */
export interface CanaryFacts {
  /** Requests of both arms. */
  readonly requests: number;
  readonly canary: {
    readonly requests: number;
    readonly errors: number;
    readonly p95: number | undefined;
    /** Why a server cannot send it requests. */
    readonly trouble: string | undefined;
    /** Values of the metric that the rule names. */
    readonly values: readonly number[];
  };
  /** Milliseconds since 1970. */
  readonly now: number;
}

export type Decision =
  | { readonly kind: 'rollback'; readonly why: string }
  | { readonly kind: 'step'; readonly state: RuleState; readonly why: string }
  /** All steps are done. */
  | { readonly kind: 'finish' };

/** So few requests prove nothing, unless there will be no more. */
const leastRequests = 10;

/** What is to be done with a canary now; undefined: nothing. */
export function decideCanary({ rule, state }: KeptRule, facts: CanaryFacts): Decision | undefined {
  if (rule.kind !== 'canary' || state.ended !== undefined) return undefined;
  const { steps } = rule;
  const step = steps?.[state.step];
  const done = step !== undefined && isOver(step, state, facts);
  const last = steps !== undefined && state.step >= steps.length - 1 && (step === undefined || done);
  const why = troubleOf(rule.rollback, facts, last ? 1 : leastRequests);
  if (why !== undefined) return { kind: 'rollback', why };
  if (last) return { kind: 'finish' };
  // Nothing is known of a version that nobody asked.
  if (!done || facts.canary.requests === 0) return undefined;
  const next = steps?.[state.step + 1];
  return {
    kind: 'step',
    state: { step: state.step + 1, began: facts.now, before: facts.requests },
    why: `${next?.percent ?? 100} % after ${facts.requests} requests`,
  };
}

function isOver(
  { count, minutes }: { readonly count?: number; readonly minutes?: number },
  { began, before }: RuleState,
  { requests, now }: CanaryFacts,
): boolean {
  if (count !== undefined) return requests - before >= count;
  return minutes !== undefined && now - began >= minutes * 60_000;
}

function troubleOf(rollback: KeptRule['rule']['rollback'], { canary }: CanaryFacts, least: number): string | undefined {
  const { requests, errors, p95, trouble, values } = canary;
  if (trouble !== undefined) return `it cannot be loaded: ${trouble}`;
  if (rollback === undefined) return undefined;
  const { error_rate: rate, p95_ms: limit, metric, below } = rollback;
  if (rate !== undefined && requests >= least && errors / requests > rate) {
    return `${errors} of ${requests} requests failed, more than ${rate * 100} %`;
  }
  if (limit !== undefined && requests >= least && p95 !== undefined && p95 > limit) {
    return `95 % of its answers take up to ${p95.toPrecision(3)} ms, more than ${limit}`;
  }
  if (metric === undefined || below === undefined || values.length < least) return undefined;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return mean < below ? `its mean ${metric} is ${mean.toPrecision(4)}, below ${below}` : undefined;
}
