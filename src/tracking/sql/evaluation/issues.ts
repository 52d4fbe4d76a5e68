import { invalid, issueRules, issueSeverities, parseFilter, type Clause, type Issue } from '../../../mlflow/index.ts';
import { noIssue, noRun } from '../../rules/index.ts';
import type { IssueStore, NewIssue } from '../../evaluation-store.ts';
import { experimentNumber, type Context } from '../context.ts';
import { comparison, pageOf } from '../search/simple-search.ts';
import { allOf, either, nothing, raw, sql, type Sql } from '../sql.ts';
import { all, get, run, type Work } from '../work.ts';
import { newId, pageOfRows, presentExperiment } from './rows.ts';

interface Row {
  readonly n: number;
  readonly id: string;
  readonly experiment: number;
  readonly name: string;
  readonly description: string;
  readonly status: string;
  readonly severity: string | null;
  readonly root_causes: string;
  readonly categories: string;
  readonly source_run_id: string | null;
  readonly created_by: string | null;
  readonly created_time: number;
  readonly last_updated_time: number;
  readonly traces?: number;
}

/** Traces that were found to have an issue carry an assessment with its id as name. */
const countOfTraces = sql`(SELECT count(DISTINCT a.trace) FROM trace_assessments a WHERE ${either(
  raw(`a.body ->> '$.assessment_name' = t.id AND json_type(a.body, '$.issue') IS NOT NULL`),
  raw(`a.body::json ->> 'assessment_name' = t.id AND (a.body::json -> 'issue') IS NOT NULL`),
)})`;

export function issuesOf(c: Context): IssueStore {
  return {
    createIssue: (issue) => c.write(() => create(c, issue)),
    getIssue: (id) =>
      c.read(function* () {
        return yield* toIssue(c, yield* need(id));
      }),
    updateIssue: (id, { name, description, status, severity }) =>
      c.write(function* () {
        const row = yield* need(id);
        const grave = severity ?? row.severity ?? undefined;
        yield* run(
          sql`UPDATE issues SET name = ${name ?? row.name}, description = ${description ?? row.description},
            status = ${status ?? row.status}, severity = ${grave}, severity_rank = ${rankOf(grave)},
            last_updated_time = ${Date.now()} WHERE n = ${row.n}`,
        );
        return yield* toIssue(c, yield* need(id));
      }),
    searchIssues: (search) =>
      c.read(function* () {
        const { experimentId, filter, countTraces = false } = search;
        const where = parseFilter(filter, issueRules).map(issueCondition);
        if (experimentId !== undefined)
          where.push(sql`t.experiment = ${(yield* experimentNumber(experimentId)) ?? -1}`);
        const count = countTraces ? sql`, ${countOfTraces} AS traces` : nothing;
        const order = raw(`t.severity_rank DESC, ${countTraces ? 'traces DESC, ' : ''}t.created_time DESC, t.n DESC`);
        const identity = ['issues', experimentId, filter, countTraces];
        const found = yield* pageOfRows(identity, search, (limit, offset) =>
          all<Row>(
            sql`SELECT t.*${count} FROM issues t WHERE ${allOf(where)} ORDER BY ${order}
              LIMIT ${limit} OFFSET ${offset}`,
          ),
        );
        return yield* pageOf(found, (row) => toIssue(c, row));
      }),
  };
}

function issueCondition(clause: Clause): Sql {
  const { key, comparator } = clause;
  if (comparator !== '=' && comparator !== '!=') {
    throw invalid(`Invalid comparator '${comparator}'. Supported comparators: '=', '!='`);
  }
  return comparison(raw(key === 'status' ? 't.status' : 't.source_run_id'), clause);
}

function rankOf(severity: string | undefined): number {
  return issueSeverities.findIndex((one) => one === severity);
}

function* create(c: Context, issue: NewIssue): Work<Issue> {
  const experiment = yield* presentExperiment(issue.experimentId);
  const { name, description, status, severity, sourceRunId, createdBy } = issue;
  if (sourceRunId !== undefined && (yield* get(sql`SELECT 1 FROM runs WHERE id = ${sourceRunId}`)) === undefined) {
    throw noRun(sourceRunId);
  }
  const id = newId('iss-');
  const now = Date.now();
  yield* run(
    sql`INSERT INTO issues (id, experiment, name, description, status, severity, severity_rank, root_causes, categories,
        source_run_id, created_by, created_time, last_updated_time)
      VALUES (${id}, ${experiment}, ${name}, ${description}, ${status}, ${severity}, ${rankOf(severity)},
        ${JSON.stringify(issue.rootCauses)}, ${JSON.stringify(issue.categories)}, ${sourceRunId}, ${createdBy},
        ${now}, ${now})`,
  );
  return yield* toIssue(c, yield* need(id));
}

function* need(id: string): Work<Row> {
  const row = yield* get<Row>(sql`SELECT * FROM issues WHERE id = ${id}`);
  if (row === undefined) throw noIssue(id);
  return row;
}

function* toIssue(c: Context, row: Row): Work<Issue> {
  return {
    id: row.id,
    experimentId: yield* c.experimentId(row.experiment),
    name: row.name,
    description: row.description,
    status: row.status,
    severity: row.severity ?? undefined,
    rootCauses: JSON.parse(row.root_causes) as string[],
    categories: JSON.parse(row.categories) as string[],
    sourceRunId: row.source_run_id ?? undefined,
    createdBy: row.created_by ?? undefined,
    createdTime: row.created_time,
    lastUpdatedTime: row.last_updated_time,
    traceCount: row.traces,
  };
}
