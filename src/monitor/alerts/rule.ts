export const ruleKinds = [
  ...(['drift', 'performance', 'quality', 'error_rate', 'latency'] as const),
  ...(['no_traffic', 'dropped', 'disk', 'age', 'traffic'] as const),
] as const;
export type RuleKind = (typeof ruleKinds)[number];

export const severities = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** When somebody is to be told. Times are milliseconds. */
export interface AlertRule {
  readonly name: string;
  readonly on: RuleKind;
  /** Default: all models. */
  readonly model?: string | undefined;
  readonly above?: number | undefined;
  readonly below?: number | undefined;
  readonly after?: number | undefined;
  /** How long it must hold before the alert fires. */
  readonly for: number;
  readonly severity: Severity;
  /** Of performance: its name there. */
  readonly metric?: string | undefined;
  /** Of latency. */
  readonly quantile?: number | undefined;
  /** How far back it looks. */
  readonly window?: number | undefined;
}

/** What a rule found out about a model just now. */
export interface Observation {
  readonly rule: AlertRule;
  /** Null for rules that are about no model. */
  readonly model: string | null;
  /** Undefined where there is too little to tell. */
  readonly met: boolean | undefined;
  readonly value: number | null;
  readonly threshold: number | null;
  /** One sentence for people. */
  readonly text: string;
}

/** Compares a value with the limits of a rule; the limit that is named is the one that is passed, or else the first. */
export function compare(
  { above, below }: Pick<AlertRule, 'above' | 'below'>,
  value: number | null,
): { readonly met: boolean | undefined; readonly threshold: number | null } {
  const first = above ?? below ?? null;
  if (value === null) return { met: undefined, threshold: first };
  if (above !== undefined && value > above) return { met: true, threshold: above };
  if (below !== undefined && value < below) return { met: true, threshold: below };
  return { met: false, threshold: first };
}
