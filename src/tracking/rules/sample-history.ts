/**
 * Which points of a history of `total` points stand for all of it in a chart of `limit`: the first of each of `limit`
 * parts of the same size (the first parts take one more where it does not divide), the last of them replaced by the
 * last point of all. MLflow 3.17 samples so, by SQL's NTILE.
 *
 * @returns places in the history, ascending.
 */
export function sampleIndices(total: number, limit: number): readonly number[] {
  if (total <= limit) return Array.from({ length: total }, (_, i) => i);
  const size = Math.floor(total / limit);
  const larger = total % limit;
  const first = Array.from({ length: limit }, (_, i) => i * size + Math.min(i, larger));
  first[limit - 1] = total - 1;
  return first;
}
