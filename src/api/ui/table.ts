import { doubleToJson, type Fields, type Run } from '../../mlflow/index.ts';
import type { RunStore } from '../../tracking/index.ts';
import { readFilter } from './filter.ts';
import type { ColumnName, ColumnsAnswer, TableAnswer, TableRow, WireNumber } from './wire.ts';

/** Runs whose keys are looked at for the columns that nobody chose, and how many of a kind are taken. */
const sampled = 5;
const defaultColumns = 8;
const defaultPage = 100;
const largestPage = 1000;
const maxColumns = 500;
/** Tags that a row shows by itself. */
const parentTag = 'mlflow.parentRunId';
const userTag = 'mlflow.user';

/** What is shown: the living or the deleted. */
export const views = ['ACTIVE_ONLY', 'DELETED_ONLY'] as const;

const kinds = ['metrics', 'params', 'tags'] as const;
type Kind = (typeof kinds)[number];

interface Column {
  readonly kind: Kind;
  readonly key: string;
}

/** A page of runs with only the columns that are looked at. */
export async function tableOf(store: RunStore, fields: Fields): Promise<TableAnswer> {
  const experimentIds = fields.texts('experiment_ids');
  const view = fields.choice('view', views);
  const { filter, problem } = readFilter(fields.text('filter') ?? '');
  const names = fields.has('columns') ? fields.texts('columns').slice(0, maxColumns) : undefined;
  if (problem !== undefined) return { columns: names ?? [], rows: [], problem };
  const search = { experimentIds, view, filter, orderBy: fields.texts('order_by') } as const;
  const columns = names?.map(readColumn) ?? (await usualColumns(store, { experimentIds, view, filter }));
  const found = await store.searchRuns({
    ...search,
    maxResults: Math.min(Math.max(fields.integer('max_results') ?? defaultPage, 1), largestPage),
    pageToken: fields.filled('page_token'),
    only: [...columns.map(({ key }) => key), parentTag, userTag],
  });
  return {
    columns: columns.map(({ kind, key }) => `${kind}.${key}`),
    rows: found.items.map((run) => rowOf(run, columns)),
    next_page_token: found.nextPageToken,
  };
}

function readColumn(name: ColumnName): Column {
  const dot = name.indexOf('.');
  const kind = kinds.find((one) => one === name.slice(0, dot)) ?? 'tags';
  return { kind, key: name.slice(dot + 1) };
}

async function usualColumns(
  store: RunStore,
  search: Pick<Parameters<RunStore['searchRuns']>[0], 'experimentIds' | 'view' | 'filter'>,
): Promise<Column[]> {
  const { items } = await store.searchRuns({ ...search, maxResults: sampled });
  return (['metrics', 'params'] as const).flatMap((kind) => {
    const counts = new Map<string, number>();
    for (const key of items.flatMap((run) => run[kind].map((one) => one.key))) {
      if (!key.startsWith('system/')) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return [...counts]
      .toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
      .slice(0, defaultColumns)
      .map(([key]) => ({ kind, key }));
  });
}

function rowOf(run: Run, columns: readonly Column[]): TableRow {
  const { info } = run;
  const byKind = {
    metrics: new Map(run.metrics.map(({ key, value }) => [key, doubleToJson(value) as WireNumber])),
    params: new Map(run.params.map(({ key, value }) => [key, value])),
    tags: new Map(run.tags.map(({ key, value }) => [key, value])),
  };
  return {
    run_id: info.id,
    experiment_id: info.experimentId,
    name: info.name,
    status: info.status,
    user: byKind.tags.get(userTag) ?? info.userId,
    start_time: info.startTime,
    end_time: info.endTime,
    parent: byKind.tags.get(parentTag),
    values: columns.map(({ kind, key }) => byKind[kind].get(key) ?? null),
  };
}

export async function columnsOf(store: RunStore, fields: Fields): Promise<ColumnsAnswer> {
  return store.runsOverview(fields.texts('experiment_ids'), fields.choice('view', views) === 'DELETED_ONLY');
}
