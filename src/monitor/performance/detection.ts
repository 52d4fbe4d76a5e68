import type { Detection } from '../entry.ts';
import type { Metric } from './classification.ts';

/** A picture: what is in it, and what was found. */
export interface PictureRow {
  readonly truth: readonly Detection[];
  readonly predicted: readonly Detection[];
}

/** COCO's settings: overlaps from 0.5 to 0.95, 101 recalls, at most 100 detections of a class in a picture. */
const overlaps = Array.from({ length: 10 }, (_, i) => 0.5 + i * 0.05);
const recalls = Array.from({ length: 101 }, (_, i) => i * 0.01);
const maxDetections = 100;

/** Mean average precision as COCO's evaluation gives it for areas of any size. */
export function detectionMetrics(rows: readonly PictureRow[]): Record<string, Metric> {
  const labels = new Set(rows.flatMap(({ truth }) => truth.map(({ label }) => label)));
  if (labels.size === 0) return { map_50: noBoxes, map_50_95: noBoxes };
  const byClass = [...labels].map((label) => precisions(rows, label));
  const average = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    map_50: average(byClass.map((values) => values[0] ?? 0)),
    map_50_95: average(byClass.map(average)),
  };
}

const noBoxes = { reason: 'no label has a box' };

interface Match {
  readonly score: number;
  /** By overlap. */
  readonly hits: readonly boolean[];
}

/** The average precision of a class at each overlap. */
function precisions(rows: readonly PictureRow[], label: string): number[] {
  const matches: Match[] = [];
  let boxes = 0;
  for (const row of rows) {
    const truth = row.truth.filter((one) => one.label === label);
    // A box of negative size is none: COCO's evaluation leaves it out too.
    const found = row.predicted.filter((one) => one.label === label && one.box[2] * one.box[3] >= 0);
    boxes += truth.length;
    matches.push(...matched(truth, found));
  }
  matches.sort((a, b) => b.score - a.score);
  return overlaps.map((_, i) =>
    averagePrecision(
      matches.map(({ hits }) => hits[i] === true),
      boxes,
    ),
  );
}

/** Detections by falling score take the box that they overlap most and that is not taken. */
function matched(truth: readonly Detection[], found: readonly Detection[]): Match[] {
  const best = [...found].sort((a, b) => (b.score ?? 1) - (a.score ?? 1)).slice(0, maxDetections);
  const overlap = best.map(({ box }) => truth.map((one) => intersectionOverUnion(box, one.box)));
  const byOverlap = overlaps.map((least) => {
    const taken = new Set<number>();
    return best.map((_, detection) => {
      let most = Math.min(least, 1 - 1e-10);
      let chosen = -1;
      for (const [index, value] of (overlap[detection] ?? []).entries()) {
        if (taken.has(index) || value < most) continue;
        most = value;
        chosen = index;
      }
      taken.add(chosen);
      return chosen !== -1;
    });
  });
  return best.map(({ score = 1 }, i) => ({ score, hits: byOverlap.map((hits) => hits[i] === true) }));
}

type Box = Detection['box'];

function intersectionOverUnion([x, y, w, h]: Box, [x2, y2, w2, h2]: Box): number {
  const width = Math.min(x + w, x2 + w2) - Math.max(x, x2);
  const height = Math.min(y + h, y2 + h2) - Math.max(y, y2);
  if (width <= 0 || height <= 0) return 0;
  return (width * height) / (w * h + w2 * h2 - width * height);
}

/** The mean, over 101 recalls, of the best precision at that recall or a larger one. */
function averagePrecision(hits: readonly boolean[], boxes: number): number {
  const recall: number[] = [];
  const precision: number[] = [];
  let count = 0;
  for (const [i, hit] of hits.entries()) {
    if (hit) count++;
    recall.push(count / boxes);
    precision.push(count / (i + 1 + Number.EPSILON));
  }
  for (let i = precision.length - 2; i >= 0; i--) precision[i] = Math.max(precision[i] ?? 0, precision[i + 1] ?? 0);
  let sum = 0;
  let at = 0;
  for (const wanted of recalls) {
    while (at < recall.length && (recall[at] ?? 0) < wanted) at++;
    sum += precision[at] ?? 0;
  }
  return sum / recalls.length;
}
