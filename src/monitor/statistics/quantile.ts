/**
 * A quantile by linear interpolation, as `numpy.quantile`, to the last bit.
 * @param sorted without NaN, not empty.
 */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  const place = (sorted.length - 1) * q;
  const below = Math.min(Math.floor(place), sorted.length - 1);
  const a = sorted[below] ?? Number.NaN;
  const b = sorted[Math.min(below + 1, sorted.length - 1)] ?? a;
  const t = place - below;
  return t >= 0.5 ? b - (b - a) * (1 - t) : a + (b - a) * t;
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  let lost = 0;
  for (let i = 0; i < values.length; i++) {
    const value = (values[i] ?? 0) - lost;
    const next = sum + value;
    lost = next - sum - value;
    sum = next;
  }
  return sum / values.length;
}

/** The standard deviation; `freedom` is taken off n (1 for a sample). */
export function standardDeviation(values: ArrayLike<number>, freedom = 0): number {
  const center = mean(values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += ((values[i] ?? 0) - center) ** 2;
  return Math.sqrt(sum / (values.length - freedom));
}
