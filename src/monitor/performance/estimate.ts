import type { Entry } from '../entry.ts';
import { calibratorOf } from './calibration.ts';
import { perClass, sortedLabels } from './classification.ts';

/** Performance that nobody has labels for yet; the keys are those of the JSON. */
export interface Estimate {
  /** Predictions whose scores were used. */
  readonly n: number;
  /** Labelled predictions that told how true scores are, and whether scores were mended by them. */
  readonly n_reference: number;
  readonly calibrated: boolean;
  readonly accuracy: number | null;
  readonly precision_macro: number | null;
  readonly recall_macro: number | null;
  readonly f1_macro: number | null;
  /** Of two classes: of the positive one. */
  readonly precision?: number;
  readonly recall?: number;
  readonly f1?: number;
  /** Of more classes the mean of one against the rest. */
  readonly roc_auc: number | null;
  /** Expected counts; rows are true. */
  readonly confusion_matrix: { readonly labels: readonly string[]; readonly matrix: readonly (readonly number[])[] };
  readonly reason?: string;
}

/** A labelled prediction by which scores are calibrated. */
export interface Reference {
  readonly scores: Readonly<Record<string, number>>;
  readonly truth: string;
}

export interface EstimateOptions {
  /** Of two classes; the last one unless given. */
  readonly positive?: string | undefined;
  readonly reference?: readonly Reference[] | undefined;
}

interface Row {
  readonly predicted: string;
  /** As the model gave them; of two classes summing to 1. */
  readonly raw: ReadonlyMap<string, number>;
}

/**
 * Confidence-based performance estimation (CBPE, as NannyML's): where scores are the probabilities that they say they
 * are, a prediction of `a` with scores `{a: 0.8, b: 0.2}` is right with 0.8, so every count of the confusion matrix has
 * an expected value. Labelled predictions tell how true scores are, and mend them where that helps: of two classes the
 * positive one's, of more each one's, which are then made to sum to 1 again.
 */
export function estimatePerformance(entries: Iterable<Entry>, options: EstimateOptions = {}): Estimate {
  const rows: Row[] = [];
  for (const { prediction, scores, error } of entries) {
    if (prediction === undefined || typeof prediction === 'object' || scores === undefined || error !== undefined)
      continue;
    const raw = scoresIn(scores);
    if (raw !== undefined) rows.push({ predicted: String(prediction), raw });
  }
  const labels = sortedLabels(rows.flatMap(({ predicted, raw }) => [predicted, ...raw.keys()]));
  const positive = labels.length === 2 ? (options.positive ?? labels.at(-1) ?? '') : undefined;
  const reference = (options.reference ?? []).flatMap(({ scores, truth }) => {
    const raw = scoresIn(scores);
    return raw === undefined ? [] : [{ raw, truth }];
  });
  const { mend, calibrated } = mender(labels, positive, reference);
  const shares = rows.map(({ raw }) => mend(raw));
  const index = new Map(labels.map((label, i) => [label, i]));
  const matrix = labels.map(() => labels.map(() => 0));
  for (const [i, { predicted }] of rows.entries()) {
    const column = index.get(predicted) ?? 0;
    for (const [label, share] of shares[i] ?? []) {
      const row = matrix[index.get(label) ?? 0];
      if (row !== undefined) row[column] = (row[column] ?? 0) + share;
    }
  }
  const n = rows.length;
  const facts = { n, n_reference: reference.length, calibrated };
  const confusion = { labels, matrix };
  const unknown = { accuracy: null, precision_macro: null, recall_macro: null, f1_macro: null, roc_auc: null };
  if (n === 0) return { ...facts, ...unknown, confusion_matrix: confusion, reason: 'no predictions with scores' };
  const counts = perClass(matrix);
  const macro = (key: 'precision' | 'recall' | 'f1'): number =>
    counts.reduce((sum, one) => sum + one[key], 0) / counts.length;
  const accuracy = matrix.reduce((sum, row, i) => sum + (row[i] ?? 0), 0) / n;
  const aucOf = (label: string): number | null =>
    expectedAuc(
      rows.map(({ raw }) => raw.get(label) ?? 0),
      shares.map((share) => share.get(label) ?? 0),
    );
  const all = {
    ...facts,
    accuracy,
    precision_macro: macro('precision'),
    recall_macro: macro('recall'),
    f1_macro: macro('f1'),
  };
  if (positive === undefined) return { ...all, roc_auc: meanOf(labels.map(aucOf)), confusion_matrix: confusion };
  const { precision = 0, recall = 0, f1 = 0 } = counts[index.get(positive) ?? 0] ?? {};
  return { ...all, precision, recall, f1, roc_auc: aucOf(positive), confusion_matrix: confusion };
}

/** Undefined where there are none. Of two classes one score tells the other, so these are shares. */
function scoresIn(scores: Readonly<Record<string, number>>): Shares | undefined {
  const found = Object.entries(scores);
  const total = found.reduce((sum, [, score]) => sum + score, 0);
  if (!(total > 0)) return undefined;
  return new Map(found.length > 2 ? found : found.map(([label, score]) => [label, score / total]));
}

/** Null where one of them is not known. */
function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length < values.length ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

type Shares = ReadonlyMap<string, number>;

function mender(
  labels: readonly string[],
  positive: string | undefined,
  reference: readonly { readonly raw: Shares; readonly truth: string }[],
): { readonly mend: (raw: Shares) => Shares; readonly calibrated: boolean } {
  const calibrators = new Map(
    (positive === undefined ? labels : [positive]).map((label) => [
      label,
      calibratorOf({
        scores: Float64Array.from(reference, ({ raw }) => raw.get(label) ?? 0),
        truths: Uint8Array.from(reference, ({ truth }) => Number(truth === label)),
      }),
    ]),
  );
  const mended = (raw: Shares, label: string): number => {
    const score = raw.get(label) ?? 0;
    return calibrators.get(label)?.(score) ?? score;
  };
  const mend = (raw: Shares): Shares => {
    if (positive !== undefined) {
      const share = mended(raw, positive);
      return new Map(labels.map((label) => [label, label === positive ? share : 1 - share]));
    }
    const found = labels.map((label) => [label, mended(raw, label)] as const);
    const sum = found.reduce((total, [, share]) => total + share, 0);
    return new Map(found.map(([label, share]) => [label, sum === 0 ? 1 / labels.length : share / sum]));
  };
  return { mend, calibrated: [...calibrators.values()].some((one) => one !== undefined) };
}

/**
 * The area under the ROC curve of scores, in which each prediction is a positive by its own share and a negative by the
 * rest.
 */
function expectedAuc(scores: readonly number[], shares: readonly number[]): number | null {
  const order = Uint32Array.from(scores.keys()).sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0));
  let positives = 0;
  let negatives = 0;
  let ordered = 0;
  for (let from = 0; from < order.length;) {
    const score = scores[order[from] ?? 0];
    let here = 0;
    let to = from;
    for (; to < order.length && scores[order[to] ?? 0] === score; to++) here += shares[order[to] ?? 0] ?? 0;
    const others = to - from - here;
    ordered += here * negatives + (here * others) / 2;
    positives += here;
    negatives += others;
    from = to;
  }
  return positives === 0 || negatives === 0 ? null : ordered / (positives * negatives);
}
