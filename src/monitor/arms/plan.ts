import { MlopsError } from '../../base/index.ts';
import { normalCritical, root } from '../statistics/student.ts';
import { normalTwoSided } from '../statistics/special.ts';

export interface PlanOptions {
  /** The rate of the old arm, or a mean where `deviation` is given. */
  readonly baseline: number;
  /** The difference to be found, in the unit of the baseline. */
  readonly effect: number;
  /** The standard deviation of a value that is no rate. */
  readonly deviation?: number | undefined;
  readonly alpha: number;
  readonly power: number;
}

/**
 * Requests that each of two equal arms needs: statsmodels' `NormalIndPower().solve_power`, two-sided, with
 * `proportion_effectsize` for rates, and difference by deviation for means.
 *
 * @throws MlopsError `invalid_value`.
 */
export function sampleSize({ baseline, effect, deviation, alpha, power }: PlanOptions): number {
  within('alpha', alpha);
  within('power', power);
  if (power <= alpha) throw wrong(`power ${power} is not above alpha ${alpha}`);
  if (effect === 0 || !Number.isFinite(effect)) throw wrong('the effect is a number other than 0');
  const size = Math.abs(deviation === undefined ? distance(baseline, effect) : effect / positive(deviation));
  const critical = normalCritical(alpha);
  const missed = (n: number): number => {
    const shift = size * Math.sqrt(n / 2);
    return power - (above(critical - shift) + above(critical + shift));
  };
  return root(missed);
}

/** Cohen's h: the distance of two rates by the arcus sine of their roots. */
function distance(baseline: number, effect: number): number {
  within('the baseline', baseline);
  within('baseline + effect', baseline + effect);
  return 2 * Math.asin(Math.sqrt(baseline + effect)) - 2 * Math.asin(Math.sqrt(baseline));
}

/** P(Z > z). */
function above(z: number): number {
  const tail = normalTwoSided(z) / 2;
  return z >= 0 ? tail : 1 - tail;
}

function within(name: string, value: number): void {
  if (!(value > 0 && value < 1)) throw wrong(`${name} is between 0 and 1, not ${value}`);
}

function positive(value: number): number {
  if (value > 0 && Number.isFinite(value)) return value;
  throw wrong(`a standard deviation is above 0, not ${value}`);
}

function wrong(message: string): MlopsError {
  return new MlopsError('invalid_value', message);
}
