import type { Entry } from '../entry.ts';
import { perClass, sortedLabels } from './classification.ts';

/** Performance that nobody has labels for yet; the keys are those of the JSON. */
export interface Estimate {
  /** Predictions whose scores were used. */
  readonly n: number;
  readonly accuracy: number | null;
  readonly precision_macro: number | null;
  readonly recall_macro: number | null;
  readonly f1_macro: number | null;
  /** Of two classes: of the positive one. */
  readonly precision?: number;
  readonly recall?: number;
  readonly f1?: number;
  readonly roc_auc?: number | null;
  /** Expected counts; rows are true. */
  readonly confusion_matrix: { readonly labels: readonly string[]; readonly matrix: readonly (readonly number[])[] };
  readonly reason?: string;
}

/**
 * Confidence-based performance estimation (CBPE): where scores are the probabilities that they say they are, a
 * prediction of `a` with scores `{a: 0.8, b: 0.2}` is right with 0.8, so every count of the confusion matrix has an
 * expected value. Trust it as far as the model is calibrated: the calibration error of labelled predictions tells.
 *
 * @param positive of two classes; the last one unless given.
 */
export function estimatePerformance(entries: Iterable<Entry>, positive?: string): Estimate {
  const rows: { readonly predicted: string; readonly scores: ReadonlyMap<string, number> }[] = [];
  for (const { prediction, scores, error } of entries) {
    if (prediction === undefined || typeof prediction === 'object' || scores === undefined || error !== undefined)
      continue;
    const total = Object.values(scores).reduce((sum, score) => sum + score, 0);
    if (!(total > 0)) continue;
    const shares = Object.entries(scores).map(([label, score]) => [label, score / total] as const);
    rows.push({ predicted: String(prediction), scores: new Map(shares) });
  }
  const labels = sortedLabels(rows.flatMap(({ predicted, scores }) => [predicted, ...scores.keys()]));
  const index = new Map(labels.map((label, i) => [label, i]));
  const matrix = labels.map(() => labels.map(() => 0));
  for (const { predicted, scores } of rows) {
    const column = index.get(predicted) ?? 0;
    for (const [label, share] of scores) {
      const row = matrix[index.get(label) ?? 0];
      if (row !== undefined) row[column] = (row[column] ?? 0) + share;
    }
  }
  const n = rows.length;
  const confusion = { labels, matrix };
  const unknown = { accuracy: null, precision_macro: null, recall_macro: null, f1_macro: null };
  if (n === 0) return { n, ...unknown, confusion_matrix: confusion, reason: 'no predictions with scores' };
  const counts = perClass(matrix);
  const macro = (key: 'precision' | 'recall' | 'f1'): number =>
    counts.reduce((sum, one) => sum + one[key], 0) / counts.length;
  const accuracy = matrix.reduce((sum, row, i) => sum + (row[i] ?? 0), 0) / n;
  const all = {
    n,
    accuracy,
    precision_macro: macro('precision'),
    recall_macro: macro('recall'),
    f1_macro: macro('f1'),
  };
  const of = labels.length === 2 ? (positive ?? labels.at(-1) ?? '') : undefined;
  if (of === undefined) return { ...all, confusion_matrix: confusion };
  const { precision = 0, recall = 0, f1 = 0 } = counts[index.get(of) ?? 0] ?? {};
  const auc = expectedAuc(rows.map(({ scores }) => scores.get(of) ?? 0));
  return { ...all, precision, recall, f1, roc_auc: auc, confusion_matrix: confusion };
}

/** The area under the ROC curve in which each score is a positive by its own share and a negative by the rest. */
function expectedAuc(scores: readonly number[]): number | null {
  const sorted = Float64Array.from(scores).sort();
  let positives = 0;
  let negatives = 0;
  let ordered = 0;
  for (let from = 0; from < sorted.length;) {
    const score = sorted[from] ?? 0;
    let to = from + 1;
    while (to < sorted.length && sorted[to] === score) to++;
    const here = (to - from) * score;
    const others = (to - from) * (1 - score);
    ordered += here * negatives + (here * others) / 2;
    positives += here;
    negatives += others;
    from = to;
  }
  return positives === 0 || negatives === 0 ? null : ordered / (positives * negatives);
}
