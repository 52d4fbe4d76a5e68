/** Points are vectors of losses: less is better in each objective. */
export type Point = readonly number[];

/** Compares by the first objective, then the second... */
export function lexicographic(a: Point, b: Point): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** At least as good in each objective and better in one. */
export function dominates(a: Point, b: Point): boolean {
  let better = false;
  for (let i = 0; i < a.length; i++) {
    if ((a[i] as number) > (b[i] as number)) return false;
    if ((a[i] as number) < (b[i] as number)) better = true;
  }
  return better;
}

/** Which of the points, unique and in lexicographic order, no other one dominates. */
function frontOfSorted(points: readonly Point[]): boolean[] {
  const front: boolean[] = [];
  if (points[0]?.length === 1) return points.map((_, i) => i === 0);
  if (points[0]?.length === 2) {
    let least = Infinity;
    for (const [i, point] of points.entries()) {
      const second = point[1] as number;
      front.push(i === 0 || second < least);
      if (second < least) least = second;
    }
    return front;
  }
  const kept: Point[] = [];
  for (const point of points) {
    const free = !kept.some((other) => dominates(other, point));
    front.push(free);
    if (free) kept.push(point);
  }
  return front;
}

/** The different points in lexicographic order, and for each given point its place among them. */
export function uniqueSorted(points: readonly Point[]): { unique: Point[]; first: number[]; place: number[] } {
  const order = points.map((_, i) => i).sort((i, j) => lexicographic(points[i] as Point, points[j] as Point) || i - j);
  const unique: Point[] = [];
  const first: number[] = [];
  const place = points.map(() => 0);
  for (const i of order) {
    const point = points[i] as Point;
    const last = unique.at(-1);
    if (last === undefined || lexicographic(last, point) !== 0) {
      unique.push(point);
      first.push(i);
    }
    place[i] = unique.length - 1;
  }
  return { unique, first, place };
}

/** For each point whether it is on the Pareto front; equal points are all on it or none. */
export function paretoFront(points: readonly Point[]): boolean[] {
  const { unique, place } = uniqueSorted(points);
  const front = frontOfSorted(unique);
  return place.map((i) => front[i] as boolean);
}

/**
 * Ranks of non-domination: 0 on the front, 1 on the front of the rest... As soon as `atLeast` different points have a
 * rank, all others share the next one.
 */
export function nonDominationRanks(points: readonly Point[], atLeast = points.length): number[] {
  const { unique, place } = uniqueSorted(points);
  const ranks = unique.map(() => 0);
  let left = unique.map((_, i) => i);
  let rank = 0;
  while (left.length > 0 && unique.length - left.length < Math.min(atLeast, unique.length)) {
    const front = frontOfSorted(left.map((i) => unique[i] as Point));
    const next: number[] = [];
    for (const [k, i] of left.entries()) {
      if (front[k] === true) ranks[i] = rank;
      else next.push(i);
    }
    left = next;
    rank++;
  }
  for (const i of left) ranks[i] = rank;
  return place.map((i) => ranks[i] as number);
}
