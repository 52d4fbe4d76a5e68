/** A box in pixels of the model's input: left, top, right, bottom. */
export type Corners = readonly [number, number, number, number];

/** What a head found, before it is mapped back. */
export interface Candidate {
  readonly box: Corners;
  readonly score: number;
  readonly label: number;
  /** Of the row that it comes from: for masks and key points. */
  readonly row: number;
}

/** Candidates that are compared at most, the best ones; Ultralytics' number. */
const mostCompared = 30_000;

/**
 * Non-maximum suppression as `torchvision.ops.batched_nms`: of boxes of one class the better one stays where their
 * intersection over union is above the threshold. In single precision, as there. Best first.
 */
export function suppress(candidates: readonly Candidate[], threshold: number, most: number): Candidate[] {
  const ordered = bestFirst(candidates).slice(0, mostCompared);
  const kept: Candidate[] = [];
  const byClass = new Map<number, Candidate[]>();
  for (const candidate of ordered) {
    if (kept.length >= most) break;
    const rivals = byClass.get(candidate.label) ?? [];
    if (rivals.some((better) => overlap(better.box, candidate.box) > threshold)) continue;
    kept.push(candidate);
    rivals.push(candidate);
    byClass.set(candidate.label, rivals);
  }
  return kept;
}

/** Stable: of equal scores the first one leads. */
export function bestFirst(candidates: readonly Candidate[]): Candidate[] {
  return candidates.toSorted((a, b) => b.score - a.score);
}

function area([left, top, right, bottom]: Corners): number {
  return Math.fround(Math.fround(right - left) * Math.fround(bottom - top));
}

function overlap(a: Corners, b: Corners): number {
  const width = Math.fround(Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])));
  const height = Math.fround(Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1])));
  const shared = Math.fround(width * height);
  return Math.fround(shared / Math.fround(Math.fround(area(a) + area(b)) - shared));
}
