import { paretoFront, uniqueSorted, type Point } from './pareto.ts';

/**
 * The volume that the points dominate below the reference point, exactly: sweeps in two dimensions, else the WFG
 * recursion (While, Bradstreet, Barone 2012). Points beyond the reference count for nothing. Infinity where the
 * reference or the volume is not finite.
 */
export function hypervolume(points: readonly Point[], reference: Point): number {
  if (!reference.every(Number.isFinite)) return Infinity;
  const inside = points.filter((point) => point.every((value, i) => value <= (reference[i] as number)));
  const { unique } = uniqueSorted(inside);
  const front = paretoFront(unique);
  const sorted = unique.filter((_, i) => front[i]);
  const volume = reference.length === 2 ? sweep(sorted, reference) : recursive(sorted, reference);
  return Number.isFinite(volume) ? volume : Infinity;
}

function box(point: Point, reference: Point): number {
  let volume = 1;
  for (let i = 0; i < point.length; i++) volume *= (reference[i] as number) - (point[i] as number);
  return volume;
}

function sweep(sorted: readonly Point[], reference: Point): number {
  let volume = 0;
  let ceiling = reference[1] as number;
  for (const [x, y] of sorted as readonly (readonly [number, number])[]) {
    volume += ((reference[0] as number) - x) * (ceiling - y);
    ceiling = y;
  }
  return volume;
}

function recursive(sorted: readonly Point[], reference: Point): number {
  let volume = 0;
  for (const [i, point] of sorted.entries()) {
    const limited = sorted.slice(i + 1).map((other) => other.map((value, k) => Math.max(value, point[k] as number)));
    volume += box(point, reference);
    if (limited.length === 0) continue;
    const { unique } = uniqueSorted(limited);
    const front = paretoFront(unique);
    volume -= recursive(
      unique.filter((_, k) => front[k]),
      reference,
    );
  }
  return volume;
}

/**
 * Greedily chooses `count` of the points so that their hypervolume is large (1 - 1/e of the best choice: Guerreiro,
 * Fonseca, Paquete 2016), as Optuna's `_solve_hssp` does. Returns indices into `points`.
 */
export function chooseByHypervolume(points: readonly Point[], count: number, reference: Point): number[] {
  if (count >= points.length) return points.map((_, i) => i);
  const { unique, first } = uniqueSorted(points);
  if (unique.length < count) {
    const chosen = new Set(first);
    for (let i = 0; i < points.length && chosen.size < count; i++) chosen.add(i);
    return [...chosen].sort((a, b) => a - b);
  }
  if (unique.length === count || !reference.every(Number.isFinite)) return first.slice(0, count);
  const chosen = reference.length === 2 ? greedy2d(unique, count, reference) : greedy(unique, count, reference);
  return chosen.map((i) => first[i] as number);
}

/** In two dimensions each remaining point's contribution is a rectangle that a chosen neighbour makes smaller. */
function greedy2d(sorted: readonly Point[], count: number, reference: Point): number[] {
  const left = sorted.map((point, index) => ({
    point,
    index,
    right: reference[0] as number,
    top: reference[1] as number,
  }));
  const chosen: number[] = [];
  while (chosen.length < count) {
    let best = 0;
    let most = -Infinity;
    for (const [i, { point, right, top }] of left.entries()) {
      const contribution = (right - (point[0] as number)) * (top - (point[1] as number));
      if (contribution > most) [best, most] = [i, contribution];
    }
    const [taken] = left.splice(best, 1);
    if (taken === undefined) break;
    chosen.push(taken.index);
    for (const [i, other] of left.entries()) {
      if (i < best) other.right = Math.min(taken.point[0] as number, other.right);
      else other.top = Math.min(taken.point[1] as number, other.top);
    }
  }
  return chosen;
}

/** Contributions only shrink while points are chosen, so one below the best known need not be computed again. */
function greedy(points: readonly Point[], count: number, reference: Point): number[] {
  let left = points.map((point, index) => ({ point, index, contribution: box(point, reference) }));
  const chosen: number[] = [];
  const selected: Point[] = [];
  let volume = 0;
  while (chosen.length < count) {
    let best = left[0];
    for (const candidate of left)
      if (best === undefined || candidate.contribution > best.contribution) best = candidate;
    if (best === undefined) break;
    chosen.push(best.index);
    selected.push(best.point);
    volume += best.contribution;
    left = left.filter((candidate) => candidate !== best);
    if (chosen.length === count) break;
    let most = 0;
    for (const candidate of [...left].sort((a, b) => b.contribution - a.contribution)) {
      if (candidate.contribution < most) continue;
      candidate.contribution = hypervolume([...selected, candidate.point], reference) - volume;
      most = Math.max(most, candidate.contribution);
    }
  }
  return chosen;
}
