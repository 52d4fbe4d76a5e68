import { mean } from '../statistics/quantile.ts';
import type { Metric } from './classification.ts';

export interface NumberRow {
  readonly truth: number;
  readonly predicted: number;
}

/** scikit-learn's division guard in the percentage error. */
const epsilon = 2 ** -52;

/** R², MAE, RMSE, MAPE and the quantile loss at 0.1, 0.5 and 0.9, as scikit-learn computes them. */
export function regressionMetrics(rows: readonly NumberRow[]): Record<string, Metric> {
  const of = (value: (row: NumberRow) => number): number => mean(rows.map(value));
  const square = of(({ truth, predicted }) => (truth - predicted) ** 2);
  const center = of(({ truth }) => truth);
  const spread = of(({ truth }) => (truth - center) ** 2);
  const quantileLoss = (alpha: number): number =>
    of(({ truth, predicted }) => {
      const difference = truth - predicted;
      return difference >= 0 ? alpha * difference : (alpha - 1) * difference;
    });
  return {
    r2: rows.length < 2 || spread === 0 ? { reason: 'the labels do not vary' } : 1 - square / spread,
    mae: of(({ truth, predicted }) => Math.abs(truth - predicted)),
    rmse: Math.sqrt(square),
    mape: of(({ truth, predicted }) => Math.abs(truth - predicted) / Math.max(Math.abs(truth), epsilon)),
    'quantile_loss_0.1': quantileLoss(0.1),
    'quantile_loss_0.5': quantileLoss(0.5),
    'quantile_loss_0.9': quantileLoss(0.9),
  };
}
