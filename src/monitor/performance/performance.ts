import type { Answer, Entry, LabelEntry } from '../entry.ts';
import { quantile } from '../statistics/quantile.ts';
import { seededRandom } from '../statistics/random.ts';
import {
  classificationMetrics,
  confusionMatrix,
  perClass,
  sortedLabels,
  type ClassCounts,
  type ClassRow,
  type Metric,
} from './classification.ts';
import { detectionMetrics, type PictureRow } from './detection.ts';
import { regressionMetrics, type NumberRow } from './regression.ts';

export const tasks = ['classification', 'regression', 'detection'] as const;
export type Task = (typeof tasks)[number];

/** A metric with its 95 % bootstrap interval; null and a reason where it is undefined. */
export interface MetricReport {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly n: number;
  readonly reason?: string;
}

/** How good predictions were, by their labels; the keys are those of the JSON. */
export interface Performance {
  readonly task: Task | null;
  readonly predictions: number;
  readonly labelled: number;
  readonly labelled_share: number;
  readonly metrics: Readonly<Record<string, MetricReport>>;
  readonly per_class?: Readonly<Record<string, ClassCounts>>;
  readonly confusion_matrix?: { readonly labels: readonly string[]; readonly matrix: readonly (readonly number[])[] };
}

export interface PerformanceOptions {
  /** Default: by the labels. */
  readonly task?: Task | undefined;
  /** Of two classes; the last one unless given. */
  readonly positive?: string | undefined;
  /** Of the bootstrap. Default 0. */
  readonly seed?: number | undefined;
}

interface Pair {
  readonly truth: Answer;
  readonly entry: Entry & { readonly prediction: Answer };
}

/** The whole numbers of a classifier are no more than this. */
const maxWholeClasses = 20;

/** Predictions joined with their labels by id. Failed requests and those without a prediction do not count. */
export function performanceOf(
  entries: readonly Entry[],
  labels: ReadonlyMap<string, LabelEntry>,
  options: PerformanceOptions = {},
): Performance {
  const predictions = entries.filter((entry): entry is Pair['entry'] => entry.prediction !== undefined);
  const pairs = predictions.flatMap((entry): Pair[] => {
    const label = labels.get(entry.id);
    return label === undefined ? [] : [{ truth: label.label, entry }];
  });
  const facts = {
    predictions: predictions.length,
    labelled: pairs.length,
    labelled_share: predictions.length === 0 ? 0 : pairs.length / predictions.length,
  };
  if (pairs.length === 0) return { task: options.task ?? null, ...facts, metrics: {} };
  const task = options.task ?? taskOf(pairs);
  const { seed = 0 } = options;
  if (task === 'detection') {
    const rows = pairs.map(({ truth, entry }): PictureRow => ({
      truth: boxes(truth),
      predicted: boxes(entry.prediction),
    }));
    return { task, ...facts, metrics: withIntervals(rows, detectionMetrics, seed) };
  }
  if (task === 'regression') {
    const rows = pairs.map(({ truth, entry }): NumberRow => ({
      truth: Number(truth),
      predicted: Number(entry.prediction),
    }));
    return { task, ...facts, metrics: withIntervals(rows, regressionMetrics, seed) };
  }
  const rows = pairs.map(({ truth, entry }): ClassRow => ({
    truth: String(truth),
    predicted: String(entry.prediction),
    scores: entry.scores,
  }));
  const known = sortedLabels(rows.flatMap(({ truth, predicted }) => [truth, predicted]));
  const positive = options.positive ?? known.at(-1);
  const matrix = confusionMatrix(rows, known);
  const counts = perClass(matrix);
  return {
    task,
    ...facts,
    metrics: withIntervals(rows, (some) => classificationMetrics(some, known, positive), seed),
    per_class: Object.fromEntries(known.map((label, i) => [label, counts[i] ?? none])),
    confusion_matrix: { labels: known, matrix },
  };
}

const none: ClassCounts = { precision: 0, recall: 0, f1: 0, support: 0 };
const boxes = (answer: Answer): PictureRow['truth'] => (typeof answer === 'object' ? answer : []);

function taskOf(pairs: readonly Pair[]): Task {
  const answers = pairs.flatMap(({ truth, entry }) => [truth, entry.prediction]);
  if (answers.some((answer) => typeof answer === 'object')) return 'detection';
  if (answers.some((answer) => typeof answer !== 'number')) return 'classification';
  if (pairs.some(({ entry }) => entry.scores !== undefined)) return 'classification';
  const whole = answers.every((answer) => Number.isInteger(answer)) && new Set(answers).size <= maxWholeClasses;
  return whole ? 'classification' : 'regression';
}

/** So many rows are looked at by the bootstrap, over all its draws. */
const effort = 1_000_000;

/** The metrics of all rows, with the middle 95 % of what draws with replacement give. */
function withIntervals<Row>(
  rows: readonly Row[],
  metricsOf: (rows: readonly Row[]) => Record<string, Metric>,
  seed: number,
): Record<string, MetricReport> {
  const random = seededRandom(seed);
  const draws = Math.max(20, Math.min(100, Math.floor(effort / rows.length)));
  const drawn = new Map<string, number[]>();
  for (let i = 0; i < draws; i++) {
    const some = rows.map(() => rows[Math.floor(random() * rows.length)] as Row);
    for (const [name, metric] of Object.entries(metricsOf(some))) {
      if (typeof metric !== 'number' || !Number.isFinite(metric)) continue;
      const values = drawn.get(name) ?? [];
      values.push(metric);
      drawn.set(name, values);
    }
  }
  const report = ([name, metric]: readonly [string, Metric]): [string, MetricReport] => {
    if (typeof metric !== 'number') return [name, { value: null, low: null, high: null, n: rows.length, ...metric }];
    const values = (drawn.get(name) ?? []).sort((a, b) => a - b);
    const bound = (q: number): number | null => (values.length === 0 ? null : quantile(values, q));
    return [name, { value: metric, low: bound(0.025), high: bound(0.975), n: rows.length }];
  };
  return Object.fromEntries(Object.entries(metricsOf(rows)).map(report));
}
