import type { Arm } from './live-rule.ts';

/** What the ids of predictions end with, so that feedback is counted for its arm though no log has the prediction. */
export function markOf({ rule, index }: Pick<Arm, 'rule' | 'index'>): string {
  return `-t${rule.toString(36)}.${index}`;
}

/** The rule and the place of the arm that the id of a prediction tells of; a row of it is `ID#ROW`. */
export function readMark(id: string): Pick<Arm, 'rule' | 'index'> | undefined {
  const [, rule, index] = /-t([0-9a-z]{1,11})\.(\d{1,2})(?:#\d{1,9})?$/.exec(id) ?? [];
  if (rule === undefined || index === undefined) return undefined;
  return { rule: Number.parseInt(rule, 36), index: Number(index) };
}
