import { AnswerDistribution, VersionStats } from '../running/stats.ts';
import type { RuleCounts } from '../traffic/kept-rule.ts';

/** What was counted of an arm; the form in which it is kept has no methods. */
interface KeptArm {
  readonly name: string;
  readonly trouble?: string | undefined;
  readonly success: number;
  readonly failure: number;
  readonly latency: { readonly counts: readonly number[]; readonly sum: number; readonly count: number };
  readonly answers: {
    readonly labels: readonly (readonly [label: string, count: number])[];
    readonly other: number;
    readonly count: number;
    readonly min: number | null;
    readonly max: number | null;
    readonly mean: number;
    readonly squares: number;
  };
}

/** An arm of a rule in one process. */
export interface ArmCounts {
  readonly name: string;
  /** Why it gets no requests. */
  readonly trouble: string | undefined;
  readonly stats: VersionStats;
}

/** Copies of requests to an arm whose answers are compared and never given. */
export interface ShadowCounts {
  readonly compared: number;
  readonly equal: number;
  /** Copies that were not made, because there was no idle capacity, or that failed. */
  readonly dropped: number;
}

/** What a process has counted of a rule, as text. */
export function writeCounts(arms: readonly ArmCounts[], shadow?: ShadowCounts): string {
  const kept = arms.map(({ name, trouble, stats: { success, failure, latency, answers } }): KeptArm => {
    const { other, count, mean, squares } = answers;
    const [min, max] = count === 0 ? [null, null] : [answers.min, answers.max];
    return {
      ...{ name, trouble, success, failure },
      latency: { counts: latency.counts, sum: latency.sum, count: latency.count },
      answers: { labels: [...answers.labels], other, count, min, max, mean, squares },
    };
  });
  return JSON.stringify({ arms: kept, shadow });
}

/** An arm over all processes. */
export interface ArmTotals {
  readonly stats: VersionStats;
  readonly troubles: readonly string[];
}

/** What all processes have counted: of arms by their names. */
export function readCounts(counts: readonly Pick<RuleCounts, 'body'>[]): {
  readonly arms: ReadonlyMap<string, ArmTotals>;
  readonly shadow: ShadowCounts;
} {
  const shadow = { compared: 0, equal: 0, dropped: 0 };
  const totals = new Map<string, { stats: VersionStats; troubles: string[] }>();
  for (const { body } of counts) {
    const kept = JSON.parse(body) as { arms: readonly KeptArm[]; shadow?: ShadowCounts };
    for (const key of ['compared', 'equal', 'dropped'] as const) shadow[key] += kept.shadow?.[key] ?? 0;
    for (const arm of kept.arms) {
      let total = totals.get(arm.name);
      if (total === undefined) totals.set(arm.name, (total = { stats: new VersionStats(), troubles: [] }));
      const { stats, troubles } = total;
      if (arm.trouble !== undefined && !troubles.includes(arm.trouble)) troubles.push(arm.trouble);
      stats.success += arm.success;
      stats.failure += arm.failure;
      stats.latency.add({ ...arm.latency, counts: [...arm.latency.counts] });
      const { labels, min, max, ...moments } = arm.answers;
      const answers = new AnswerDistribution();
      stats.answers.add({
        ...moments,
        labels: new Map(labels),
        min: min ?? answers.min,
        max: max ?? answers.max,
      });
    }
  }
  return { arms: totals, shadow };
}
