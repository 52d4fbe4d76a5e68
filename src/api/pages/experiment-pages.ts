import { isMlopsError } from '../../base/index.ts';
import type { Page, Run } from '../../mlflow/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { html, numberText, timeText, type Html } from './html.ts';
import { chip, empty, page, table } from './layout.ts';

const pageSize = 100;
/** Columns of params and metrics at most; the rest is on the run's own page. */
const maxColumns = 8;

export async function experimentsPage(
  store: TrackingStore,
  prefix: string,
  token: string | undefined,
): Promise<string> {
  const found = await store.searchExperiments({ maxResults: pageSize, pageToken: token });
  const rows = found.items.map(({ id, name, creationTime, artifactLocation }) => [
    html`<a href="${prefix}/experiments/${id}">${name}</a>`,
    html`${id}`,
    html`${timeText(creationTime)}`,
    html`<code>${artifactLocation}</code>`,
  ]);
  const body = html`${table(['Name', 'ID', 'Created (UTC)', 'Artifacts'], rows)}
  ${more(found.nextPageToken, `${prefix}/`, {})}`;
  return page({ title: 'Experiments', section: 'experiments', prefix, body });
}

export interface RunQuery {
  readonly filter: string;
  readonly orderBy: string;
  readonly token: string | undefined;
}

export async function experimentPage(
  store: TrackingStore,
  prefix: string,
  id: string,
  query: RunQuery,
): Promise<string> {
  const experiment = await store.getExperiment(id);
  const address = `${prefix}/experiments/${id}`;
  const form = html`<form method="get" action="${address}">
    <input
      name="filter"
      value="${query.filter}"
      placeholder="metrics.accuracy > 0.9 and params.model = 'tree'"
      aria-label="Filter"
    />
    <input name="order_by" value="${query.orderBy}" placeholder="metrics.accuracy DESC" aria-label="Order by" />
    <button>Search</button>
  </form>`;
  const found = await findRuns(store, id, query);
  const body =
    'message' in found ? html`<p class="notice">${found.message}</p>` : runTable(found, prefix, query, address);
  return page({
    title: experiment.name,
    section: 'experiments',
    prefix,
    crumbs: [['Experiments', '/']],
    body: html`<p class="soft">experiment ${id}${experiment.lifecycle === 'deleted' && ' (deleted)'}</p>
      ${form} ${body}`,
  });
}

/** The grammar's own message for a filter that is wrong. */
async function findRuns(store: TrackingStore, id: string, query: RunQuery): Promise<Page<Run> | { message: string }> {
  try {
    return await store.searchRuns({
      experimentIds: [id],
      filter: query.filter === '' ? undefined : query.filter,
      orderBy: query.orderBy === '' ? undefined : query.orderBy.split(','),
      maxResults: pageSize,
      pageToken: query.token,
    });
  } catch (error) {
    if (isMlopsError(error, 'invalid_value')) return { message: error.message };
    throw error;
  }
}

function runTable(found: Page<Run>, prefix: string, query: RunQuery, address: string): Html {
  if (found.items.length === 0)
    return empty('No runs here. Log one with mlflow.start_run(), mlops repro or mlops run.');
  const metrics = commonest(found.items.map((run) => run.metrics));
  const params = commonest(found.items.map((run) => run.params));
  const rows = found.items.map((run) => [
    html`<a href="${prefix}/experiments/${run.info.experimentId}/runs/${run.info.id}">${run.info.name}</a>`,
    chip(run.info.status),
    html`${timeText(run.info.startTime)}`,
    html`${duration(run.info.startTime, run.info.endTime)}`,
    ...metrics.map((key) => {
      const point = run.metrics.find((metric) => metric.key === key);
      return html`${point === undefined ? '' : numberText(point.value)}`;
    }),
    ...params.map((key) => html`${short(run.params.find((param) => param.key === key)?.value ?? '')}`),
  ]);
  const header = ['Run', 'Status', 'Started (UTC)', 'Took', ...metrics, ...params];
  return html`${table(header, rows, ['Took', ...metrics])}
  ${more(found.nextPageToken, address, { filter: query.filter, order_by: query.orderBy })}`;
}

function commonest(lists: readonly (readonly { readonly key: string }[])[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { key } of lists.flat()) counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts]
    .toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, maxColumns)
    .map(([key]) => key);
}

export function duration(start: number, end: number | undefined): string {
  if (end === undefined || start === 0 || end < start) return '';
  const seconds = (end - start) / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${(seconds / 60).toFixed(1)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

function short(text: string): string {
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

function more(token: string | undefined, address: string, query: Readonly<Record<string, string>>): Html {
  if (token === undefined) return html``;
  const search = new URLSearchParams({ ...query, page: token });
  return html`<p class="more"><a href="${address}?${search.toString()}">Next page</a></p>`;
}
