import type { Metric, Run } from '../../mlflow/index.ts';
import type { ArtifactFile, TrackingStore } from '../../tracking/index.ts';
import { duration } from './experiment-pages.ts';
import { html, numberText, timeText, type Html } from './html.ts';
import { chip, empty, facts, page, table } from './layout.ts';

const maxCharts = 24;
const maxPoints = 2_000;

export async function runPage(store: TrackingStore, prefix: string, id: string, directory: string): Promise<string> {
  const run = await store.getRun(id);
  const experiment = await store.getExperiment(run.info.experimentId);
  const charts = await Promise.all(run.metrics.slice(0, maxCharts).map((metric) => chartOf(store, id, metric)));
  const files = await filesOf(store, run, directory);
  const address = `${prefix}/experiments/${experiment.id}/runs/${id}`;
  const body = html`${overview(run)}
    <h2>Metrics</h2>
    ${charts.length === 0 ? empty('No metrics.') : html`<div class="charts">${charts}</div>`}
    ${
      run.metrics.length > maxCharts &&
      table(
        ['Metric', 'Latest'],
        run.metrics.slice(maxCharts).map((one) => [html`${one.key}`, html`${numberText(one.value)}`]),
        ['Latest'],
      )
    }
    <h2>Params</h2>
    ${run.params.length === 0 ? empty('No params.') : table(['Param', 'Value'], pairs(run.params))}
    <h2>Artifacts ${directory !== '' && html`<span class="soft">${directory}</span>`}</h2>
    ${fileTable(files, address, prefix, id, directory)}
    <h2>Tags</h2>
    ${table(['Tag', 'Value'], pairs(run.tags))}`;
  return page({
    title: run.info.name,
    section: 'experiments',
    prefix,
    crumbs: [
      ['Experiments', '/'],
      [experiment.name, `/experiments/${experiment.id}`],
    ],
    body,
  });
}

function overview({ info, datasets, modelOutputs }: Run): Html {
  return facts([
    ['Status', html`${chip(info.status)}${info.lifecycle === 'deleted' && ' deleted'}`],
    ['Run ID', html`<code>${info.id}</code>`],
    ['Started', `${timeText(info.startTime)} UTC`],
    ['Took', duration(info.startTime, info.endTime)],
    ['By', info.userId],
    ['Datasets', datasets.map(({ dataset }) => `${dataset.name} (${dataset.digest})`).join(', ')],
    ['Models', modelOutputs.map(({ modelId }) => modelId).join(', ')],
  ]);
}

function pairs(list: readonly { readonly key: string; readonly value: string }[]): readonly (readonly Html[])[] {
  return list.map(({ key, value }) => [html`${key}`, html`${value.length > 300 ? `${value.slice(0, 300)}…` : value}`]);
}

async function chartOf(store: TrackingStore, id: string, latest: Metric): Promise<Html> {
  const { items } = await store.metricHistory(id, latest.key, { maxResults: maxPoints });
  const points = items.filter(({ value }) => Number.isFinite(value)).toSorted((a, b) => a.step - b.step);
  const values = points.map(({ value }) => value);
  const head = html`<h3><span>${latest.key}</span><span>${numberText(latest.value)}</span></h3>`;
  if (points.length < 2) return html`<div class="chart">${head}</div>`;
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  return html`<div class="chart">
    ${head} ${line(points, low, high)}
    <p class="soft">
      <span>steps ${points[0]?.step ?? 0} to ${points.at(-1)?.step ?? 0}</span>
      <span>${numberText(low)} to ${numberText(high)}</span>
    </p>
  </div>`;
}

function line(points: readonly Metric[], low: number, high: number): Html {
  const first = points[0]?.step ?? 0;
  const width = Math.max((points.at(-1)?.step ?? 0) - first, 1);
  const height = high - low || 1;
  const places = points.map(({ step, value }) => {
    const x = ((step - first) / width) * 300;
    const y = 98 - ((value - low) / height) * 96;
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return html`<svg viewBox="0 0 300 100" preserveAspectRatio="none" role="img">
    <line class="base" x1="0" x2="300" y1="99" y2="99" />
    <polyline points="${places.join(' ')}" />
  </svg>`;
}

/** Undefined where the files are on an object store that only clients read. */
async function filesOf(
  store: TrackingStore,
  run: Run,
  directory: string,
): Promise<readonly ArtifactFile[] | undefined> {
  try {
    return await store.artifacts(run.info.artifactUri).list(directory);
  } catch {
    return undefined;
  }
}

function fileTable(
  files: readonly ArtifactFile[] | undefined,
  address: string,
  prefix: string,
  id: string,
  directory: string,
): Html {
  if (files === undefined) return empty('The files of this run are not on this server.');
  if (files.length === 0 && directory === '') return empty('No artifacts.');
  const up = directory.includes('/') ? directory.slice(0, directory.lastIndexOf('/')) : '';
  const parent = directory === '' ? [] : [[html`<a href="${address}?path=${encodeURIComponent(up)}">..</a>`, html``]];
  const rows = files.map(({ path, isDirectory, size }) => {
    const query = `path=${encodeURIComponent(path)}`;
    const name = path.slice(path.lastIndexOf('/') + 1);
    const href = isDirectory ? `${address}?${query}` : `${prefix}/get-artifact?run_id=${id}&${query}`;
    return [html`<a href="${href}">${name}${isDirectory && '/'}</a>`, html`${size === undefined ? '' : bytes(size)}`];
  });
  return table(['File', 'Size'], [...parent, ...rows], ['Size']);
}

function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  const power = Math.min(Math.floor(Math.log10(size) / 3), units.length);
  return `${(size / 1000 ** power).toFixed(1)} ${units[power - 1]}`;
}
