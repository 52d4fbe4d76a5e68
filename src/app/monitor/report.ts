import { plural, type PyMap } from '../../base/index.ts';
import {
  logStats,
  type ModelStats,
  type Performance,
  type PerformanceOptions,
  type StatsOptions,
  type Summary,
} from '../../monitor/index.ts';
import { drawPlot, renderPage, type PageItem } from '../../plots/index.ts';
import { performance } from './predictions.ts';

export interface ReportOptions {
  /** By day unless it says otherwise. */
  readonly selection: StatsOptions;
  readonly performance?: PerformanceOptions | undefined;
  readonly now: number;
}

/** More inputs, classes or labels than this are not drawn. */
const mostRows = 40;

export interface MonitorReport {
  /** HTML. */
  readonly page: string;
  /** What the page draws. */
  readonly stats: readonly ModelStats[];
  readonly performance: Readonly<Record<string, Performance>>;
}

/** One page that needs nothing but itself: what was predicted, how fast and how well, a section per model. */
export async function monitorReport(log: string, options: ReportOptions): Promise<MonitorReport> {
  const models = await logStats(log, { ...options.selection, by: options.selection.by ?? 'day' });
  const quality = await performance(log, options.selection, options.performance ?? {});
  const items = models.flatMap((model) => [...itemsOf(model), ...qualityItems(model.model, quality[model.model])]);
  const when = new Date(options.now).toISOString().slice(0, 16).replace('T', ' ');
  const count = plural(models.length, 'model');
  const page = renderPage({ title: 'Monitoring', subtitle: `${count}, ${when} UTC`, items });
  return { page, stats: models, performance: quality };
}

function itemsOf(model: ModelStats): PageItem[] {
  const { model: name } = model;
  const buckets = Object.entries(model.buckets);
  const versions = Object.entries(model.versions);
  const series = buckets.length > 0 ? buckets : versions;
  const over = buckets.length > 0 ? 'time' : 'version';
  const lines = (id: string, of: readonly (readonly [string, (summary: Summary) => number | null])[]): PageItem =>
    plot(
      `${name}: ${id}`,
      'linear',
      { x: over, y: id },
      of.flatMap(([line, value]) =>
        series.map(([start, summary]) => [line, shortTime(start), value(summary)] as const),
      ),
    );
  const classes = Object.entries(model.classes).slice(0, mostRows);
  return [
    {
      kind: 'table',
      id: `${name}: overview`,
      header: ['version', 'predictions', 'errors', 'p50 ms', 'p95 ms', 'p99 ms', 'last'],
      rows: [['all', model] as const, ...versions].map(([version, summary]) => overviewRow(version, summary)),
    },
    lines('predictions', [['predictions', (summary) => summary.predictions]]),
    lines('latency in ms', [
      ['p50', (summary) => summary.latency_ms.p50],
      ['p95', (summary) => summary.latency_ms.p95],
      ['p99', (summary) => summary.latency_ms.p99],
    ]),
    lines('error rate', [['error rate', (summary) => summary.error_rate]]),
    ...(model.prediction === undefined
      ? []
      : [
          lines('prediction', [
            ['q25', (summary) => summary.prediction?.q25 ?? null],
            ['median', (summary) => summary.prediction?.median ?? null],
            ['q75', (summary) => summary.prediction?.q75 ?? null],
          ]),
        ]),
    ...(classes.length === 0
      ? []
      : [
          plot(
            `${name}: classes`,
            'bar_horizontal',
            { x: 'predictions', y: 'class' },
            classes.map(([label, count]) => ['classes', count, label] as const),
          ),
        ]),
    ...inputItems(model),
  ];
}

function inputItems({ model, inputs }: ModelStats): PageItem[] {
  const rows = Object.entries(inputs)
    .slice(0, mostRows)
    .map(([name, input]) =>
      'values' in input
        ? [name, percent(input.missing_share), plural(Object.keys(input.values).length, 'value'), '', '', '']
        : [name, percent(input.missing_share), ...[input.mean, input.std, input.min, input.max].map(short)],
    );
  const header = ['input', 'missing', 'mean', 'std', 'min', 'max'];
  return rows.length === 0 ? [] : [{ kind: 'table', id: `${model}: inputs`, header, rows }];
}

function qualityItems(model: string, quality: Performance | undefined): PageItem[] {
  if (quality === undefined || quality.labelled === 0) return [];
  const { metrics, confusion_matrix: confusion } = quality;
  const table: PageItem = {
    kind: 'table',
    id: `${model}: performance`,
    header: ['metric', 'value', 'low', 'high'],
    rows: Object.entries(metrics).map(([name, { value, low, high, reason }]) => [
      name,
      value === null ? (reason ?? '-') : short(value),
      short(low),
      short(high),
    ]),
    remark: `${quality.labelled} of ${quality.predictions} predictions have a label; intervals of 95 %`,
  };
  if (confusion === undefined || confusion.labels.length > mostRows) return [table];
  return [
    table,
    {
      kind: 'table',
      id: `${model}: confusion (rows are true)`,
      header: ['', ...confusion.labels],
      rows: confusion.labels.map((label, row) => [label, ...(confusion.matrix[row] ?? []).map(String)]),
    },
  ];
}

function overviewRow(version: string, { predictions, errors, latency_ms: latency, last }: Summary): string[] {
  const when = last?.slice(0, 19).replace('T', ' ') ?? '-';
  return [
    version,
    String(predictions),
    String(errors),
    short(latency.p50),
    short(latency.p95),
    short(latency.p99),
    when,
  ];
}

/** Rows are the line that a point belongs to, its place and its value. */
function plot(
  id: string,
  template: 'linear' | 'bar_horizontal',
  axes: { readonly x: string; readonly y: string },
  points: readonly (readonly [string, string | number | null, string | number | null])[],
): PageItem {
  const there = points.filter(([, x, y]) => x !== null && y !== null);
  const names = [...new Set(there.map(([line]) => line))];
  // One line needs no legend: it is drawn as that of the work tree.
  const nameOf = (line: string): string => (names.length === 1 ? 'workspace' : line);
  const rows = there.map(
    ([line, x, y]): PyMap =>
      new Map<string, string | number | null>([
        ['rev', nameOf(line)],
        ['x', x],
        ['y', y],
      ]),
  );
  const properties = new Map([
    ['x', 'x'],
    ['y', 'y'],
    ['x_label', axes.x],
    ['y_label', axes.y],
    ['title', ''],
  ]);
  const drawing = drawPlot(template, {
    rows,
    properties,
    series: [],
    revisions: names.map(nameOf),
  });
  const remark = drawing === undefined ? { remark: 'nothing to draw' } : {};
  return { kind: 'drawing', id, svg: drawing?.svg, ...remark };
}

const shortTime = (text: string): string =>
  text
    .replace(/T00:00:00\.000Z$/, '')
    .replace(/:00\.000Z$/, '')
    .replace('T', ' ');
const percent = (share: number): string => `${short(100 * share)} %`;
const short = (value: number | null): string => (value === null ? '-' : String(Number(value.toPrecision(4))));
