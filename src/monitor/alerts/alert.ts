import type { AlertRule, Observation, RuleKind, Severity } from './rule.ts';

export type AlertState = 'pending' | 'firing' | 'resolved';
/** What people are told of an alert: that it began, that it is over. */
export type NoticeState = 'firing' | 'resolved';

/** How far a notice came on one channel. */
export interface Delivery {
  readonly channel: string;
  readonly notice: NoticeState;
  readonly state: 'waiting' | 'delivered';
  readonly attempts: number;
  /** ISO time of the last attempt. */
  readonly at: string | null;
  readonly problem: string | null;
}

/** One alert from its beginning to its end, under one id. Times are ISO texts; the keys are those of the JSON. */
export interface Alert {
  readonly id: string;
  readonly rule: string;
  readonly on: RuleKind;
  readonly model: string | null;
  readonly severity: Severity;
  readonly state: AlertState;
  readonly text: string;
  readonly value: number | null;
  readonly threshold: number | null;
  readonly pending_since: string;
  readonly firing_since: string | null;
  readonly resolved_at: string | null;
  readonly acknowledged: { readonly at: string; readonly by: string } | null;
  /** The last notice that was given out, and when. */
  readonly told: NoticeState | null;
  readonly told_at: string | null;
  /** In the order in which they were given out. */
  readonly deliveries: readonly Delivery[];
}

export interface Silence {
  readonly id: string;
  /** Of which rule; `*` for all. */
  readonly rule: string;
  /** ISO time of its end. */
  readonly until: string;
  readonly reason: string;
  readonly by: string;
}

/** Of one rule and one model there is one open alert at most. */
export const alertKey = (rule: string, model: string | null): string => JSON.stringify([rule, model]);

export interface Moment {
  readonly now: number;
  readonly newId: () => string;
}

/**
 * What an observation makes of the open alert of its rule and model. A pending one whose condition is over is forgotten
 * (`undefined`); where nothing can be told, everything stays.
 */
export function advance(open: Alert | undefined, seen: Observation, { now, newId }: Moment): Alert | undefined {
  const at = new Date(now).toISOString();
  if (seen.met === undefined) return open;
  if (!seen.met) {
    if (open === undefined || open.state === 'pending') return undefined;
    return { ...open, state: 'resolved', resolved_at: at, value: seen.value, text: seen.text };
  }
  const facts = { text: seen.text, value: seen.value, threshold: seen.threshold, severity: seen.rule.severity };
  const begun = open === undefined ? newAlert(seen, newId(), at) : { ...open, ...facts };
  if (begun.state === 'firing') return begun;
  // A clock that was put back makes nothing wait longer than it should.
  const since = Math.min(Date.parse(begun.pending_since), now);
  if (now - since < seen.rule.for) return { ...begun, pending_since: new Date(since).toISOString() };
  return { ...begun, state: 'firing', firing_since: at };
}

function newAlert({ rule, model, text, value, threshold }: Observation, id: string, at: string): Alert {
  return {
    ...{ id, rule: rule.name, on: rule.on, model, severity: rule.severity, state: 'pending', text, value, threshold },
    ...{ pending_since: at, firing_since: null, resolved_at: null, acknowledged: null, told: null, told_at: null },
    deliveries: [],
  };
}

export interface NoticeOptions {
  readonly now: number;
  /** Least time between two notices of one rule and model that something fires, in milliseconds. */
  readonly cooldown: number;
  readonly silences: readonly Silence[];
  readonly channels: readonly string[];
  /** When a rule and model rang last, by `alertKey`, in milliseconds. */
  readonly lastTold: ReadonlyMap<string, number>;
}

/** Gives out the notice that an alert calls for, if it does: every channel then waits for it. */
export function announced(alert: Alert, options: NoticeOptions): Alert {
  const { now, silences, cooldown, channels, lastTold } = options;
  const { state, told } = alert;
  const due = state === 'firing' ? told === null : state === 'resolved' && told === 'firing';
  if (!due || isSilenced(alert, silences, now)) return alert;
  const last = lastTold.get(alertKey(alert.rule, alert.model));
  if (state === 'firing' && last !== undefined && last <= now && now - last < cooldown) return alert;
  const notice = state as NoticeState;
  const waiting = channels.map((channel): Delivery => ({
    channel,
    notice,
    state: 'waiting',
    attempts: 0,
    at: null,
    problem: null,
  }));
  return {
    ...alert,
    told: notice,
    told_at: new Date(now).toISOString(),
    deliveries: [...alert.deliveries, ...waiting],
  };
}

function isSilenced({ rule }: Pick<Alert, 'rule'>, silences: readonly Silence[], now: number): boolean {
  return silences.some((silence) => (silence.rule === rule || silence.rule === '*') && Date.parse(silence.until) > now);
}

/** What channels are sent: the facts of an alert without the book-keeping. */
export interface Notice {
  readonly id: string;
  readonly state: NoticeState;
  readonly rule: string;
  readonly on: RuleKind;
  readonly model: string | null;
  readonly severity: Severity;
  readonly text: string;
  readonly value: number | null;
  readonly threshold: number | null;
  readonly since: string;
  readonly at: string;
}

export function noticeOf(alert: Alert, state: NoticeState): Notice {
  const { id, rule, on, model, severity, text, value, threshold } = alert;
  const since = alert.firing_since ?? alert.pending_since;
  return { id, state, rule, on, model, severity, text, value, threshold, since, at: alert.told_at ?? since };
}

/** An alert of a rule that there is no more is over. */
export function orphaned(alert: Alert, rules: readonly AlertRule[], now: number): Alert {
  if (alert.state === 'resolved' || rules.some(({ name }) => name === alert.rule)) return alert;
  return { ...alert, state: 'resolved', resolved_at: new Date(now).toISOString(), text: 'the rule was removed' };
}
