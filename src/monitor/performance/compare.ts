import { MlopsError, didYouMean } from '../../base/index.ts';
import { quantile } from '../statistics/quantile.ts';
import { seededRandom } from '../statistics/random.ts';
import { classificationMetrics, sortedLabels, type ClassRow, type Metric } from './classification.ts';
import { regressionMetrics, type NumberRow } from './regression.ts';

/** What was predicted for a row, and what is true. */
export interface Judged {
  readonly truth: string | number;
  readonly predicted: string | number;
  readonly scores?: Readonly<Record<string, number>> | undefined;
}

const numberMetrics = Object.keys(regressionMetrics([]));
const hitMetrics = [
  'accuracy',
  ...['precision', 'recall', 'f1'].flatMap((name) => [name, `${name}_macro`, `${name}_weighted`]),
];
const scoreMetrics = ['roc_auc', 'pr_auc', 'log_loss', 'brier', 'calibration_error'];
const losses = new Set([...numberMetrics.filter((name) => name !== 'r2'), 'log_loss', 'brier', 'calibration_error']);

/** Names of metrics that `ModelScore` computes, as `monitor performance` names them. */
export const scoreNames: readonly string[] = [...hitMetrics, ...scoreMetrics, ...numberMetrics];

/** One metric of a model on some rows, and on any choice of them. */
export class ModelScore {
  readonly metric: string;
  readonly lessIsBetter: boolean;
  readonly count: number;
  readonly #of: (rows: readonly number[] | undefined) => Metric;

  /**
   * @param labels all classes, where the rows may lack some.
   * @throws MlopsError `invalid_value` for a name that is no metric.
   */
  constructor(metric: string, rows: readonly Judged[], labels?: readonly string[]) {
    if (!scoreNames.includes(metric)) {
      throw new MlopsError('invalid_value', `there is no metric '${metric}'`, {
        hint: didYouMean(metric, scoreNames) ?? `metrics: ${scoreNames.join(', ')}`,
      });
    }
    this.metric = metric;
    this.lessIsBetter = losses.has(metric);
    this.count = rows.length;
    const none: Metric = { reason: `there is no ${metric} of these predictions` };
    if (numberMetrics.includes(metric)) {
      const numbers = rows.map(({ truth, predicted }): NumberRow => ({
        truth: Number(truth),
        predicted: Number(predicted),
      }));
      this.#of = (some) => regressionMetrics(chosen(numbers, some))[metric] ?? none;
      return;
    }
    const needsScores = scoreMetrics.includes(metric);
    const classes = rows.map(({ truth, predicted, scores }): ClassRow => ({
      truth: String(truth),
      predicted: String(predicted),
      scores: needsScores ? scores : undefined,
    }));
    const known = sortedLabels(labels ?? classes.flatMap(({ truth, predicted }) => [truth, predicted]));
    const positive = known.at(-1);
    this.#of = (some) => classificationMetrics(chosen(classes, some), known, positive)[metric] ?? none;
  }

  /** @param rows their numbers; all unless given. */
  value(rows?: readonly number[]): Metric {
    return this.count === 0 ? { reason: 'there are no rows' } : this.#of(rows);
  }
}

function chosen<Row>(rows: readonly Row[], some: readonly number[] | undefined): readonly Row[] {
  return some === undefined ? rows : some.map((index) => rows[index] as Row);
}

export interface PairedDifference {
  /** Of the metrics on all rows, signed so that more is better. */
  readonly difference: number;
  /** The bootstrap interval, percentile method. */
  readonly low: number;
  readonly high: number;
  readonly draws: number;
}

/** So many rows are drawn at most, over all draws. */
const effort = 5_000_000;

/**
 * How much better one model is than another on the same rows: the two-sided percentile interval of the paired bootstrap,
 * in which each draw takes the same rows for both. Undefined where a metric is.
 */
export function pairedDifference(
  candidate: ModelScore,
  rival: ModelScore,
  { confidence, seed }: { readonly confidence: number; readonly seed: number },
): PairedDifference | { readonly reason: string } {
  const sign = candidate.lessIsBetter ? -1 : 1;
  const [own, other] = [candidate.value(), rival.value()];
  if (typeof own !== 'number') return own;
  if (typeof other !== 'number') return other;
  const random = seededRandom(seed);
  const { count } = candidate;
  const draws = Math.max(200, Math.min(1000, Math.floor(effort / count)));
  const differences: number[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const rows = Array.from({ length: count }, () => Math.floor(random() * count));
    const [a, b] = [candidate.value(rows), rival.value(rows)];
    if (typeof a === 'number' && typeof b === 'number') differences.push(sign * (a - b));
  }
  if (differences.length === 0) return { reason: 'no draw of the bootstrap has the metric' };
  differences.sort((a, b) => a - b);
  const tail = (1 - confidence) / 2;
  return {
    difference: sign * (own - other),
    low: quantile(differences, tail),
    high: quantile(differences, 1 - tail),
    draws,
  };
}
