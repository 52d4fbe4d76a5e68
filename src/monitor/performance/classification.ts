import { rocAuc } from '../statistics/auc.ts';

/** A prediction with its label, both as text. */
export interface ClassRow {
  readonly truth: string;
  readonly predicted: string;
  readonly scores: Readonly<Record<string, number>> | undefined;
}

/** A metric's value, or why there is none. */
export type Metric = number | { readonly reason: string };

export interface ClassCounts {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly support: number;
}

/** Labels in the order of their values where all are numbers, else of their texts. */
export function sortedLabels(labels: Iterable<string>): string[] {
  const all = [...new Set(labels)];
  const numeric = all.every((label) => label.trim() !== '' && Number.isFinite(Number(label)));
  return all.sort((a, b) => (numeric ? Number(a) - Number(b) : a < b ? -1 : Number(a > b)));
}

/** Rows are true, columns predicted. */
export function confusionMatrix(rows: readonly ClassRow[], labels: readonly string[]): number[][] {
  const index = new Map(labels.map((label, i) => [label, i]));
  const matrix = labels.map(() => labels.map(() => 0));
  for (const { truth, predicted } of rows) {
    const row = matrix[index.get(truth) ?? 0];
    const column = index.get(predicted) ?? 0;
    if (row !== undefined) row[column] = (row[column] ?? 0) + 1;
  }
  return matrix;
}

/** Precision, recall and F1 of each label; 0 where a division by zero would be. */
export function perClass(matrix: readonly (readonly number[])[]): ClassCounts[] {
  const over = (a: number, b: number): number => (b === 0 ? 0 : a / b);
  return matrix.map((row, i) => {
    const hit = row[i] ?? 0;
    const support = row.reduce((sum, count) => sum + count, 0);
    const predicted = matrix.reduce((sum, other) => sum + (other[i] ?? 0), 0);
    return {
      precision: over(hit, predicted),
      recall: over(hit, support),
      f1: over(2 * hit, support + predicted),
      support,
    };
  });
}

/**
 * scikit-learn's metrics: averages over the union of true and predicted labels, zero division 0, scores macro one-vs-rest.
 * @param positive of two classes.
 */
export function classificationMetrics(
  rows: readonly ClassRow[],
  labels: readonly string[],
  positive: string | undefined,
): Record<string, Metric> {
  const matrix = confusionMatrix(rows, labels);
  const present = perClass(matrix).map((counts, i) => ({
    ...counts,
    label: labels[i] ?? '',
    predicted: columnSum(matrix, i),
  }));
  const classes = present.filter(({ support, predicted }) => support + predicted > 0);
  const n = rows.length;
  const hits = matrix.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);
  const metrics: Record<string, Metric> = { accuracy: hits / n };
  for (const key of ['precision', 'recall', 'f1'] as const) {
    metrics[`${key}_macro`] = classes.reduce((sum, one) => sum + one[key], 0) / classes.length;
    metrics[`${key}_weighted`] = classes.reduce((sum, one) => sum + one[key] * one.support, 0) / n;
    const of = labels.length <= 2 ? present.find(({ label }) => label === positive) : undefined;
    if (of !== undefined) metrics[key] = of[key];
  }
  return { ...metrics, ...scoreMetrics(rows, labels, positive) };
}

function columnSum(matrix: readonly (readonly number[])[], column: number): number {
  return matrix.reduce((sum, row) => sum + (row[column] ?? 0), 0);
}

/** A probability is taken as at least this in a logarithm: the smallest step of a double, as scikit-learn does. */
const epsilon = 2 ** -52;

function scoreMetrics(
  rows: readonly ClassRow[],
  labels: readonly string[],
  positive: string | undefined,
): Record<string, Metric> {
  const scored = rows.filter((row) => row.scores !== undefined);
  if (scored.length === 0) return {};
  const classes = sortedLabels([...labels, ...scored.flatMap(({ scores }) => Object.keys(scores ?? {}))]);
  const probability = classes.map((label) => Float64Array.from(scored, (row) => scoreOf(row, label, classes)));
  const truths = classes.map((label) => Uint8Array.from(scored, ({ truth }) => Number(truth === label)));
  const binary = classes.length === 2;
  const judged = binary ? [Math.max(0, classes.indexOf(positive ?? classes[1] ?? ''))] : classes.map((_, i) => i);
  const reason = { reason: 'the labels have one class only' };
  const absent = judged.filter((i) => truths[i]?.includes(1) !== true || truths[i]?.includes(0) !== true);
  const missing = absent.map((i) => classes[i] ?? '').join(', ');
  const lacking = binary || classes.length < 2 ? reason : { reason: `no label is or none is not: ${missing}` };
  const macro = (of: (truth: Uint8Array, scores: Float64Array) => number): Metric =>
    absent.length > 0 || classes.length < 2
      ? lacking
      : average(judged.map((i) => of(at(truths, i), at(probability, i))));
  return {
    roc_auc: macro(rocAuc),
    pr_auc: macro(averagePrecision),
    log_loss: average(
      scored.map(({ truth }, row) => -Math.log(clipped(probability[classes.indexOf(truth)]?.[row] ?? 0))),
    ),
    brier: average(
      scored.map((_, row) => {
        if (binary) return ((probability[1]?.[row] ?? 0) - (truths[1]?.[row] ?? 0)) ** 2;
        return classes.reduce((sum, __, i) => sum + ((probability[i]?.[row] ?? 0) - (truths[i]?.[row] ?? 0)) ** 2, 0);
      }),
    ),
    calibration_error: calibrationError(scored, classes, probability),
  };
}

const at = <Value>(list: readonly Value[], index: number): Value => list[index] as Value;
const clipped = (p: number): number => Math.min(1 - epsilon, Math.max(epsilon, p));

function average(values: readonly number[]): number {
  let sum = 0;
  let lost = 0;
  for (const value of values) {
    const next = sum + (value - lost);
    lost = next - sum - (value - lost);
    sum = next;
  }
  return sum / values.length;
}

/** Of two classes one score is enough: the other's is what is left of 1. */
function scoreOf({ scores = {} }: ClassRow, label: string, classes: readonly string[]): number {
  const own = scores[label];
  if (own !== undefined) return own;
  const other =
    classes.length === 2 ? scores[classes[0] === label ? (classes[1] ?? '') : (classes[0] ?? '')] : undefined;
  return other === undefined ? 0 : 1 - other;
}

/** The area under precision over recall in steps, `average_precision_score`. */
function averagePrecision(truth: Uint8Array, scores: Float64Array): number {
  const order = Uint32Array.from(scores, (_, i) => i).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  const positives = truth.reduce((sum, one) => sum + one, 0);
  let hits = 0;
  let area = 0;
  for (let from = 0; from < order.length;) {
    const score = scores[order[from] ?? 0];
    let here = 0;
    let to = from;
    for (; to < order.length && scores[order[to] ?? 0] === score; to++) here += truth[order[to] ?? 0] ?? 0;
    hits += here;
    area += (here / positives) * (hits / to);
    from = to;
  }
  return area;
}

/** Over ten equal bins of the highest score, right-closed: the mean distance between score and share of hits. */
function calibrationError(
  rows: readonly ClassRow[],
  classes: readonly string[],
  probability: readonly Float64Array[],
): number {
  const bins = Array.from({ length: 10 }, () => ({ count: 0, hits: 0, scores: 0 }));
  for (const [row, { truth }] of rows.entries()) {
    let best = 0;
    for (let i = 1; i < classes.length; i++) {
      if ((probability[i]?.[row] ?? 0) > (probability[best]?.[row] ?? 0)) best = i;
    }
    const score = probability[best]?.[row] ?? 0;
    const bin = bins.findIndex((_, i) => score <= (i + 1) / 10);
    const into = bins[bin === -1 ? 9 : bin];
    if (into === undefined) continue;
    into.count++;
    into.scores += score;
    if (classes[best] === truth) into.hits++;
  }
  return bins.reduce((sum, { hits, scores }) => sum + Math.abs(hits - scores), 0) / rows.length;
}
