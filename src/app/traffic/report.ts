import { MlopsError } from '../../base/index.ts';
import { compareArms, ratioMismatch, type ArmComparison } from '../../monitor/index.ts';
import { keptRule, readCounts, sharesOf, type ArmTotals, type KeptRule } from '../../serve/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { outcomesOf, type Values } from './outcomes.ts';
import { ruledName } from './rules.ts';

export interface ArmReport {
  readonly name: string;
  readonly version: string;
  /** Requests since the rule was set, and how many of them failed. */
  readonly n: number;
  readonly errors: number;
  /** Of the first outcome there is, else of the numbers that were answered. */
  readonly mean: number | null;
  readonly latency_ms: Readonly<Record<'mean' | 'p50' | 'p95' | 'p99', number | null>>;
  /** Requests a second. */
  readonly rate: number;
  readonly share: number | null;
  /** Counts by label, or moments of a number. */
  readonly answers: Readonly<Record<string, unknown>> | null;
  readonly outcomes: Readonly<Record<string, { readonly n: number; readonly mean: number }>>;
  /** Why servers send it no requests. */
  readonly trouble?: string;
}

export interface TrafficReport {
  readonly model: string;
  readonly kind: string;
  readonly since: string;
  /** Whether the rule still holds. */
  readonly holds: boolean;
  readonly arms: readonly ArmReport[];
  readonly comparisons: readonly ({
    readonly metric: string;
    readonly arms: readonly [string, string];
  } & ArmComparison)[];
  /** Whether requests fell into arms as the weights say; null where no fixed weights do. */
  readonly srm: { readonly p: number | null };
  readonly shadow: { readonly compared: number; readonly equal: number; readonly dropped: number };
}

export interface ReportOptions {
  /** Folder of the prediction log. */
  readonly log: string;
  readonly alpha?: number | undefined;
}

/**
 * What is known of the arms of the rule that was set last, since then: requests from the counters of all servers,
 * outcomes from the feedback in the log.
 *
 * @throws MlopsError `resource_missing` for a model that never had a rule.
 */
export async function trafficReport(
  store: TrackingStore,
  word: string,
  options: ReportOptions,
): Promise<TrafficReport> {
  const model = await ruledName(store, word);
  const history = await store.traffic.history(model);
  const kept = keptRule(history.findLast(({ body }) => body !== undefined));
  if (kept === undefined)
    throw new MlopsError('resource_missing', `'${model}' never had a rule`, { hint: `mlops traffic set ${model}` });
  const holds = history.at(-1)?.body !== undefined;
  const { arms: totals, shadow } = readCounts(await store.traffic.listCounts(kept.since));
  const answered = new Set([...totals.values()].flatMap(({ stats }) => [...stats.answers.labels.keys()]));
  const outcomes = await outcomesOf(options.log, kept, answered);
  const until = holds ? Date.now() : (history.at(-1)?.at ?? Date.now());
  return {
    model,
    kind: kept.rule.kind,
    since: new Date(kept.setAt).toISOString(),
    holds,
    arms: kept.rule.arms.map((_, i) => armReport(kept, i, totals, outcomes, until)),
    comparisons: comparisonsOf(kept, outcomes, options.alpha),
    srm: { p: mismatchOf(kept, totals, history) },
    shadow,
  };
}

type Totals = ReadonlyMap<string, ArmTotals>;
type Outcomes = ReadonlyMap<string, Values>;

function armReport(kept: KeptRule, index: number, totals: Totals, outcomes: Outcomes, until: number): ArmReport {
  const { name = '', version = '' } = kept.rule.arms[index] ?? {};
  const total = totals.get(name);
  const [n, errors] = [requestsOf(total), total?.stats.failure ?? 0];
  const own = [...outcomes].flatMap(([metric, values]) => {
    const list = values[index] ?? [];
    return list.length === 0 ? [] : [[metric, { n: list.length, mean: meanOf(list) }] as const];
  });
  const trouble = total?.troubles.at(-1);
  const answers = total?.stats.answers;
  return {
    name,
    version,
    n,
    errors,
    mean: own[0]?.[1].mean ?? (answers === undefined || answers.count === 0 ? null : answers.mean),
    latency_ms: latencyOf(total),
    rate: n / Math.max(1, (until - kept.setAt) / 1000),
    share: sharesOf(kept)[index] ?? null,
    answers: answersOf(total),
    outcomes: Object.fromEntries(own),
    ...(trouble === undefined ? {} : { trouble }),
  };
}

function requestsOf(total: ArmTotals | undefined): number {
  return total === undefined ? 0 : total.stats.success + total.stats.failure;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function latencyOf(total: ArmTotals | undefined): ArmReport['latency_ms'] {
  const latency = total?.stats.latency;
  const milliseconds = (seconds: number | undefined): number | null =>
    seconds === undefined ? null : Math.round(seconds * 1e6) / 1000;
  const at = (q: number) => milliseconds(latency?.quantile(q));
  const mean = latency === undefined || latency.count === 0 ? undefined : latency.sum / latency.count;
  return { mean: milliseconds(mean), p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

function answersOf(total: ArmTotals | undefined): ArmReport['answers'] {
  const answers = total?.stats.answers;
  if (answers === undefined) return null;
  if (answers.labels.size > 0) {
    const labels = Object.fromEntries([...answers.labels].sort((a, b) => b[1] - a[1]));
    return { labels, ...(answers.other > 0 ? { other: answers.other } : {}) };
  }
  const { count, mean, deviation, min, max } = answers;
  return count === 0 ? null : { count, mean, deviation, min, max };
}

/** Each arm beside the first one, where both have outcomes. */
function comparisonsOf({ rule }: KeptRule, outcomes: Outcomes, alpha?: number): TrafficReport['comparisons'] {
  const [first] = rule.arms;
  return [...outcomes].flatMap(([metric, values]) =>
    rule.arms.flatMap(({ name }, i) => {
      const [a = [], b = []] = [values[0], values[i]];
      if (i === 0 || first === undefined || a.length === 0 || b.length === 0) return [];
      return [{ metric, arms: [first.name, name] as const, ...compareArms(a, b, alpha) }];
    }),
  );
}

/** The p-value of the requests against the shares; null where these are not fixed, or nothing came. */
export function mismatchOf(
  kept: KeptRule,
  totals: Totals,
  history: readonly { readonly kind: string; readonly n: number }[],
): number | null {
  const { rule, since } = kept;
  const fixed =
    rule.kind === 'split' || (rule.kind === 'canary' && history.every(({ n, kind }) => n <= since || kind === 'clear'));
  if (!fixed) return null;
  const counts = rule.arms.map(({ name }) => requestsOf(totals.get(name)));
  return ratioMismatch(counts, sharesOf(kept)) ?? null;
}
