import {
  issueSeverities,
  issueStatuses,
  issueToJson,
  listToJson,
  oneOf,
  type Fields,
  type Issue,
  type Json,
} from '../../mlflow/index.ts';
import type { EvaluationStore } from '../../tracking/index.ts';
import type { ApiRoute } from '../route.ts';
import { readPage } from './pages.ts';
import { experimentOf } from './scorers.ts';

/** What goes wrong in the traces of an experiment. */
export function issueRoutes(store: EvaluationStore): readonly ApiRoute[] {
  const version = '3.0';
  const issue = async (found: Promise<Issue>): Promise<Json> => ({ issue: issueToJson(await found) });
  const idOf = (params: Readonly<Record<string, string>>): string => params['issue_id'] ?? '';
  return [
    { method: 'POST', path: '/issues', version, answer: (fields) => issue(create(store, fields)) },
    {
      ...{ method: 'POST', path: '/issues/search', version, scope: 'read' },
      answer: (fields) => search(store, fields),
    },
    {
      ...{ method: 'GET', path: '/issues/:issue_id', version },
      answer: (_, params) => issue(store.getIssue(idOf(params))),
    },
    {
      ...{ method: 'PATCH', path: '/issues/:issue_id', version },
      answer: (fields, params) =>
        issue(
          store.updateIssue(idOf(params), {
            name: fields.filled('name'),
            description: fields.filled('description'),
            status: oneOf('IssueStatus', fields.text('status'), issueStatuses),
            severity: oneOf('IssueSeverity', fields.text('severity'), issueSeverities),
          }),
        ),
    },
  ];
}

function create(store: EvaluationStore, fields: Fields): Promise<Issue> {
  return store.createIssue({
    experimentId: experimentOf(fields),
    name: fields.need('name'),
    description: fields.need('description'),
    status: oneOf('IssueStatus', fields.text('status'), issueStatuses) ?? 'pending',
    severity: oneOf('IssueSeverity', fields.text('severity'), issueSeverities),
    rootCauses: fields.texts('root_causes'),
    categories: fields.texts('categories'),
    sourceRunId: fields.filled('source_run_id'),
    createdBy: fields.filled('created_by'),
  });
}

async function search(store: EvaluationStore, fields: Fields): Promise<Json> {
  const page = await store.searchIssues({
    ...readPage(fields),
    experimentId: fields.filled('experiment_id') === undefined ? undefined : experimentOf(fields),
    filter: fields.filled('filter_string'),
    countTraces: fields.flag('include_trace_count'),
  });
  return { issues: listToJson(page.items, issueToJson), next_page_token: page.nextPageToken ?? '' };
}
