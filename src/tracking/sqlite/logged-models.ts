import { randomUUID } from 'node:crypto';

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
  type Param,
} from '../../mlflow/index.ts';
import { joinUri } from '../artifacts/location.ts';
import { changedModelParam, noLoggedModelTag } from '../rules/index.ts';
import type { LoggedModelStore } from '../store.ts';
import type { LoggedModelOrder, LoggedModelSearch, NewLoggedModel } from '../types.ts';
import type { Connection } from './connection.ts';
import { activeExperiment } from './experiments.ts';
import { anyLoggedModel, needLoggedModel, toLoggedModel, type LoggedModelRow } from './logged-model-rows.ts';
import { comparison } from './simple-search.ts';

/** The logged-model half of the store over one connection. */
export function loggedModelsOf(c: Connection): LoggedModelStore {
  const touch = (n: number): void =>
    void c.sql('UPDATE logged_models SET last_updated_time = ? WHERE n = ?').run(Date.now(), n);
  return {
    createLoggedModel: (model) => c.write(() => create(c, model)),
    getLoggedModel: async (id) => toLoggedModel(c, needLoggedModel(c, id)),
    finalizeLoggedModel: (id, status) =>
      c.write(() => {
        const { n } = needLoggedModel(c, id);
        c.sql('UPDATE logged_models SET status = ? WHERE n = ?').run(status, n);
        touch(n);
        return toLoggedModel(c, needLoggedModel(c, id));
      }),
    deleteLoggedModel: (id) =>
      c.write(() => {
        const now = Date.now();
        const { n, lifecycle } = anyLoggedModel(c, id);
        if (lifecycle === 1) return;
        c.sql('UPDATE logged_models SET lifecycle = 1, deleted_time = ?, last_updated_time = ? WHERE n = ?').run(
          now,
          now,
          n,
        );
      }),
    setLoggedModelTags: (id, tags) =>
      c.write(() => {
        const { n } = needLoggedModel(c, id);
        for (const tag of tags) putPair(c, 'logged_model_tags', n, tag);
      }),
    deleteLoggedModelTag: (id, key) =>
      c.write(() => {
        const { n } = needLoggedModel(c, id);
        const gone = c.sql('DELETE FROM logged_model_tags WHERE model = ? AND key = ?').run(n, key);
        if (gone.changes === 0) throw noLoggedModelTag(id, key);
      }),
    logLoggedModelParams: (id, params) =>
      c.write(() => {
        const { n } = needLoggedModel(c, id);
        for (const param of params) addParam(c, id, n, param);
      }),
    searchLoggedModels: async (search) => searchModels(c, search),
  };
}

function create(c: Connection, wanted: NewLoggedModel): LoggedModel {
  const experiment = activeExperiment(c, wanted.experimentId);
  const id = `m-${randomUUID().replaceAll('-', '')}`;
  const now = Date.now();
  const { lastInsertRowid } = c
    .sql(
      `INSERT INTO logged_models (id, experiment, name, artifact_uri, creation_time, last_updated_time, status, model_type,
       source_run_id) VALUES (?, ?, ?, ?, ?, ?, 'LOGGED_MODEL_PENDING', ?, ?)`,
    )
    .run(
      id,
      experiment.n,
      wanted.name ?? '',
      joinUri(experiment.artifact_location, `models/${id}/artifacts`),
      now,
      now,
      wanted.modelType ?? '',
      wanted.sourceRunId ?? '',
    );
  const n = Number(lastInsertRowid);
  for (const param of wanted.params ?? []) putPair(c, 'logged_model_params', n, param);
  for (const tag of wanted.tags ?? []) putPair(c, 'logged_model_tags', n, tag);
  return toLoggedModel(c, needLoggedModel(c, id));
}

/** A param of a model is written once; the same value again does no harm. */
function addParam(c: Connection, id: string, model: number, { key, value }: Param): void {
  const old = c
    .sql<{ value: string }>('SELECT value FROM logged_model_params WHERE model = ? AND key = ?')
    .get(model, key);
  if (old !== undefined && old.value !== value) throw changedModelParam(id, { key, old: old.value });
  putPair(c, 'logged_model_params', model, { key, value });
}

function putPair(
  c: Connection,
  table: 'logged_model_tags' | 'logged_model_params',
  model: number,
  pair: { readonly key: string; readonly value: string },
): void {
  c.sql(
    `INSERT INTO ${table} (model, key, value) VALUES (?, ?, ?) ON CONFLICT (model, key) DO UPDATE SET value = excluded.value`,
  ).run(model, pair.key, pair.value);
}

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

function searchModels(c: Connection, search: LoggedModelSearch): Page<LoggedModel> {
  const { experimentIds, maxResults = 50 } = search;
  checkOrderSize((search.orderBy ?? []).map(({ field }) => field));
  if ((search.datasets?.length ?? 0) > searchLimits.datasets) {
    throw invalid(`Invalid datasets: at most ${searchLimits.datasets} are read.`);
  }
  const values: unknown[] = [JSON.stringify(experimentIds.flatMap((id) => c.experimentNumber(id) ?? []))];
  const where = parseFilter(search.filter, loggedModelRules).map((clause) => condition(clause, search, values));
  if (search.datasets !== undefined && search.datasets.length > 0)
    where.push(onDatasets(search, 'x.key = x.key', values));
  const order = (search.orderBy ?? []).map((term) => orderSql(term, values));
  const identity = ['models', search.experimentIds, search.filter, search.orderBy, search.datasets];
  const offset = readOffset(identity, search.pageToken) ?? 0;
  const sql = `SELECT m.* FROM logged_models m
    WHERE m.lifecycle = 0 AND m.experiment IN (SELECT value FROM json_each(?)) ${where.map((one) => `AND ${one}`).join(' ')}
    ORDER BY ${[...order, 'm.creation_time DESC', 'm.id'].join(', ')} LIMIT ${maxResults + 1} OFFSET ${offset}`;
  const rows = c.once<LoggedModelRow>(sql).all(...values);
  const items = rows.slice(0, maxResults).map((row) => toLoggedModel(c, row));
  if (rows.length <= maxResults) return { items };
  return { items, nextPageToken: writePageToken(identity, offset + maxResults) };
}

function condition(clause: Clause, search: LoggedModelSearch, values: unknown[]): string {
  if (clause.entity === 'attribute') return comparison(columns[clause.key] ?? 'NULL', clause, values);
  if (clause.entity === 'metric') {
    values.push(clause.key);
    const test = comparison('x.value', clause, values);
    return onDatasets(search, `x.key = ? AND x.is_nan = 0 AND ${test}`, values);
  }
  const table = clause.entity === 'param' ? 'logged_model_params' : 'logged_model_tags';
  values.push(clause.key);
  const from = `SELECT 1 FROM ${table} x WHERE x.model = m.n AND x.key = ?`;
  if (clause.comparator === 'IS NULL') return `NOT EXISTS (${from})`;
  if (clause.comparator === 'IS NOT NULL') return `EXISTS (${from})`;
  return `EXISTS (${from} AND ${comparison('x.value', clause, values)})`;
}

function onDatasets({ datasets = [] }: LoggedModelSearch, test: string, values: unknown[]): string {
  const either = datasets.map(({ name, digest }) => {
    values.push(name);
    if (digest === undefined || digest === '') return 'x.dataset_name = ?';
    values.push(digest);
    return '(x.dataset_name = ? AND x.dataset_digest = ?)';
  });
  const limit = either.length === 0 ? '' : `AND (${either.join(' OR ')})`;
  return `EXISTS (SELECT 1 FROM logged_model_metrics x WHERE x.model = m.n AND ${test} ${limit})`;
}

function orderSql(order: LoggedModelOrder, values: unknown[]): string {
  const [term] = parseOrderBy([order.field], loggedModelRules);
  const direction = order.ascending === false ? 'DESC' : 'ASC';
  if (term === undefined) throw invalid(`Invalid order_by field '${order.field}'`);
  if (term.entity === 'attribute') return `${columns[term.key] ?? 'm.id'} ${direction}`;
  if (term.entity !== 'metric')
    throw invalid(`Invalid order by field name: ${order.field}. Only metrics are supported.`);
  values.push(term.key);
  let only = '';
  for (const [column, value] of [
    ['dataset_name', order.datasetName],
    ['dataset_digest', order.datasetDigest],
  ] as const) {
    if (value === undefined || value === '') continue;
    values.push(value);
    only += ` AND x.${column} = ?`;
  }
  return `(SELECT x.value FROM logged_model_metrics x WHERE x.model = m.n AND x.key = ? AND x.is_nan = 0 ${only}
    ORDER BY x.step DESC, x.timestamp DESC LIMIT 1) ${direction} NULLS LAST`;
}
