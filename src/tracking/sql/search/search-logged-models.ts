import {
  checkOrderSize,
  invalid,
  loggedModelRules,
  parseFilter,
  parseOrderBy,
  readOffset,
  searchLimits,
  writePageToken,
  type Clause,
  type LoggedModel,
  type Page,
} from '../../../mlflow/index.ts';
import type { LoggedModelOrder, LoggedModelSearch } from '../../types.ts';
import { experimentNumbers, type Context } from '../context.ts';
import { toLoggedModel, type LoggedModelRow } from '../logged-model-rows.ts';
import { comparison } from './simple-search.ts';
import { allOf, among, join, raw, sql, type Sql } from '../sql.ts';
import { all, type Work } from '../work.ts';

const columns: Readonly<Record<string, string>> = {
  name: 'm.name',
  model_id: 'm.id',
  model_type: 'm.model_type',
  status: 'm.status',
  source_run_id: 'm.source_run_id',
  creation_timestamp: 'm.creation_time',
  last_updated_timestamp: 'm.last_updated_time',
  artifact_location: 'm.artifact_uri',
  experiment_id: '(SELECT e.id FROM experiments e WHERE e.n = m.experiment)',
};

export function* searchLoggedModels(c: Context, search: LoggedModelSearch): Work<Page<LoggedModel>> {
  const { experimentIds, maxResults = 50, filter, orderBy = [], datasets = [] } = search;
  checkOrderSize(orderBy.map(({ field }) => field));
  if (datasets.length > searchLimits.datasets) {
    throw invalid(`Invalid datasets: at most ${searchLimits.datasets} are read.`);
  }
  const clauses = parseFilter(filter, loggedModelRules);
  const order = orderBy.map(orderSql);
  const identity = ['models', experimentIds, filter, search.orderBy, search.datasets];
  const offset = readOffset(identity, search.pageToken) ?? 0;
  const numbers = yield* experimentNumbers(experimentIds);
  const where = [
    sql`m.lifecycle = 0`,
    among(raw('m.experiment'), numbers),
    ...clauses.map((clause) => condition(clause, search)),
    ...(datasets.length === 0 ? [] : [onDatasets(search, sql`1 = 1`)]),
  ];
  const rows = yield* all<LoggedModelRow>(
    sql`SELECT m.* FROM logged_models m WHERE ${allOf(where)}
      ORDER BY ${join([...order, raw('m.creation_time DESC'), raw('m.id')], ', ')}
      LIMIT ${maxResults + 1} OFFSET ${offset}`,
  );
  const items: LoggedModel[] = [];
  for (const row of rows.slice(0, maxResults)) items.push(yield* toLoggedModel(c, row));
  if (rows.length <= maxResults) return { items };
  return { items, nextPageToken: writePageToken(identity, offset + maxResults) };
}

function condition(clause: Clause, search: LoggedModelSearch): Sql {
  if (clause.entity === 'attribute') return comparison(raw(columns[clause.key] ?? 'NULL'), clause);
  if (clause.entity === 'metric') {
    return onDatasets(search, sql`x.key = ${clause.key} AND x.is_nan = 0 AND ${comparison(raw('x.value'), clause)}`);
  }
  const table = raw(clause.entity === 'param' ? 'logged_model_params' : 'logged_model_tags');
  const from = sql`SELECT 1 FROM ${table} x WHERE x.model = m.n AND x.key = ${clause.key}`;
  if (clause.comparator === 'IS NULL') return sql`NOT EXISTS (${from})`;
  if (clause.comparator === 'IS NOT NULL') return sql`EXISTS (${from})`;
  return sql`EXISTS (${from} AND ${comparison(raw('x.value'), clause)})`;
}

function onDatasets({ datasets = [] }: LoggedModelSearch, test: Sql): Sql {
  const either = datasets.map(({ name, digest = '' }) =>
    digest === '' ? sql`x.dataset_name = ${name}` : sql`(x.dataset_name = ${name} AND x.dataset_digest = ${digest})`,
  );
  const limit = either.length === 0 ? sql`1 = 1` : sql`(${join(either, ' OR ')})`;
  return sql`EXISTS (SELECT 1 FROM logged_model_metrics x WHERE x.model = m.n AND ${test} AND ${limit})`;
}

function orderSql({ field, ascending, datasetName = '', datasetDigest = '' }: LoggedModelOrder): Sql {
  const [term] = parseOrderBy([field], loggedModelRules);
  const direction = raw(ascending === false ? 'DESC' : 'ASC');
  if (term === undefined) throw invalid(`Invalid order_by field '${field}'`);
  if (term.entity === 'attribute') return sql`${raw(columns[term.key] ?? 'm.id')} ${direction}`;
  if (term.entity !== 'metric') throw invalid(`Invalid order by field name: ${field}. Only metrics are supported.`);
  const only = [sql`x.model = m.n`, sql`x.key = ${term.key}`, sql`x.is_nan = 0`];
  if (datasetName !== '') only.push(sql`x.dataset_name = ${datasetName}`);
  if (datasetDigest !== '') only.push(sql`x.dataset_digest = ${datasetDigest}`);
  return sql`(SELECT x.value FROM logged_model_metrics x WHERE ${allOf(only)}
    ORDER BY x.step DESC, x.timestamp DESC LIMIT 1) ${direction} NULLS LAST`;
}
