/**
 * Local linear regression: each point is fitted to its nearest neighbours, near ones counting more (tricube),
 * so that a noisy curve shows its trend.
 *
 * @param points sorted by x.
 * @param bandwidth share of all points that a fit looks at, 0 to 1.
 */
export function loess(points: readonly (readonly [number, number])[], bandwidth: number): [number, number][] {
  const count = points.length;
  const width = Math.min(count, Math.max(2, Math.floor(bandwidth * count)));
  if (width < 3) return points.map(([x, y]) => [x, y]);
  let start = 0;
  return points.map(([x]) => {
    while (start + width < count && distance(points[start + width], x) < distance(points[start], x)) start++;
    return [x, fit(points.slice(start, start + width), x)];
  });
}

function distance(point: readonly [number, number] | undefined, x: number): number {
  return point === undefined ? Number.POSITIVE_INFINITY : Math.abs(point[0] - x);
}

/** The value at x of the weighted line through a window of points. */
function fit(window: readonly (readonly [number, number])[], x: number): number {
  const reach = Math.max(...window.map((point) => distance(point, x))) || 1;
  let [weights, sumX, sumY, sumXX, sumXY] = [0, 0, 0, 0, 0];
  for (const point of window) {
    const weight = (1 - Math.min(1, distance(point, x) / (reach * 1.0001)) ** 3) ** 3;
    const dx = point[0] - x;
    weights += weight;
    sumX += weight * dx;
    sumY += weight * point[1];
    sumXX += weight * dx * dx;
    sumXY += weight * dx * point[1];
  }
  const spread = weights * sumXX - sumX * sumX;
  if (weights === 0) return window[0]?.[1] ?? 0;
  return spread <= 1e-12 * sumXX * weights ? sumY / weights : (sumXX * sumY - sumX * sumXY) / spread;
}
