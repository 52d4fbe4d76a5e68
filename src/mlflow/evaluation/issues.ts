import { invalid } from '../limits.ts';
import type { SearchRules } from '../search-grammar.ts';
import type { Json } from '../wire-tracking.ts';

export const issueStatuses = ['pending', 'rejected', 'resolved'] as const;
/** From the lightest to the gravest. */
export const issueSeverities = ['not_an_issue', 'low', 'medium', 'high'] as const;

/** Something that goes wrong in the traces of an experiment. Times are milliseconds. */
export interface Issue {
  /** `iss-` and 32 hexadecimal digits. */
  readonly id: string;
  readonly experimentId: string;
  readonly name: string;
  readonly description: string;
  readonly status: string;
  readonly severity: string | undefined;
  readonly rootCauses: readonly string[];
  readonly categories: readonly string[];
  readonly sourceRunId: string | undefined;
  readonly createdBy: string | undefined;
  readonly createdTime: number;
  readonly lastUpdatedTime: number;
  /** How many traces have it, where that was asked. */
  readonly traceCount?: number | undefined;
}

export const issueRules: SearchRules = {
  terse: true,
  namespaces: {},
  attributes: { status: 'text', source_run_id: 'text' },
};

export function issueToJson(issue: Issue): Json {
  const some = (list: readonly string[]): readonly string[] | undefined => (list.length === 0 ? undefined : list);
  return {
    issue_id: issue.id,
    experiment_id: issue.experimentId,
    name: issue.name,
    description: issue.description,
    status: issue.status,
    severity: issue.severity,
    root_causes: some(issue.rootCauses),
    source_run_id: issue.sourceRunId,
    categories: some(issue.categories),
    created_timestamp: issue.createdTime,
    last_updated_timestamp: issue.lastUpdatedTime,
    created_by: issue.createdBy,
    trace_count: issue.traceCount,
  };
}

/** @throws MlopsError `invalid_value` for a text that is none of the names. */
export function oneOf<Name extends string>(
  what: string,
  value: string | undefined,
  names: readonly Name[],
): Name | undefined {
  if (value === undefined) return undefined;
  const found = names.find((name) => name === value);
  if (found === undefined) throw invalid(`'${value}' is not a valid ${what}: use one of ${names.join(', ')}.`);
  return found;
}
