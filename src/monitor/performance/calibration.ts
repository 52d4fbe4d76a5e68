import { seededRandom } from '../statistics/random.ts';
import { rocAuc } from '../statistics/auc.ts';

/** Scores of one class, and whether it was that class. */
export interface Judged {
  readonly scores: Float64Array;
  readonly truths: Uint8Array;
}

type Calibrator = (score: number) => number;

/** Fewer labelled predictions tell nothing of how true scores are. */
const fewest = 100;
const splits = 10;
const bins = 10;
/** What scikit-learn takes for equal. */
const sameScore = 1e-15;
/** Beyond this there is nothing to gain. */
const perfect = 0.999;

/**
 * What makes probabilities of the scores of a class, by labelled predictions: isotonic regression, where it lowers the
 * expected calibration error of a tenth that was held out, over ten splits (as NannyML's CBPE decides).
 *
 * @returns undefined where scores are better left as they are, or too few are labelled.
 */
export function calibratorOf(judged: Judged): Calibrator | undefined {
  const { scores, truths } = sortedByScore(judged);
  const n = scores.length;
  let positives = 0;
  for (const truth of truths) positives += truth;
  if (n < fewest || positives === 0 || positives === n || rocAuc(truths, scores) > perfect) return undefined;
  const random = seededRandom(42);
  const held: { raw: number[]; calibrated: number[]; truths: number[] } = { raw: [], calibrated: [], truths: [] };
  for (let split = 0; split < splits; split++) {
    const isHeld = heldOut(truths, positives, random);
    const calibrate = isotonic(scores, truths, (i) => isHeld[i] === 0);
    for (let i = 0; i < n; i++) {
      if (isHeld[i] === 0) continue;
      const score = scores[i] ?? 0;
      held.raw.push(score);
      held.calibrated.push(calibrate(score));
      held.truths.push(truths[i] ?? 0);
    }
  }
  const better = calibrationError(held.raw, held.truths) > calibrationError(held.calibrated, held.truths);
  return better ? isotonic(scores, truths) : undefined;
}

function sortedByScore({ scores, truths }: Judged): Judged {
  const order = Uint32Array.from(scores.keys()).sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0));
  return {
    scores: Float64Array.from(order, (i) => scores[i] ?? 0),
    truths: Uint8Array.from(order, (i) => truths[i] ?? 0),
  };
}

/** Marks a tenth of either class (Knuth's selection sampling). */
function heldOut(truths: Uint8Array, positives: number, random: () => number): Uint8Array {
  const left = [truths.length - positives, positives];
  const wanted = left.map((count) => Math.max(1, Math.round(count / 10)));
  return truths.map((truth) => {
    const isWanted = random() * (left[truth] ?? 0) < (wanted[truth] ?? 0);
    left[truth] = (left[truth] ?? 0) - 1;
    if (isWanted) wanted[truth] = (wanted[truth] ?? 0) - 1;
    return Number(isWanted);
  });
}

/** The mean distance of score and truth over bins of equally many scores. */
function calibrationError(scores: readonly number[], truths: readonly number[]): number {
  const sorted = sortedByScore({ scores: Float64Array.from(scores), truths: Uint8Array.from(truths) });
  const n = scores.length;
  const count = n <= 2 * bins ? Math.max(1, Math.floor(n / 2)) : bins;
  const width = Math.floor(n / count);
  let error = 0;
  for (let bin = 0; bin < count; bin++) {
    let difference = 0;
    const end = bin === count - 1 ? n : (bin + 1) * width;
    for (let i = bin * width; i < end; i++) difference += (sorted.scores[i] ?? 0) - (sorted.truths[i] ?? 0);
    error += Math.abs(difference) / n;
  }
  return error;
}

interface Block {
  from: number;
  to: number;
  sum: number;
  weight: number;
}

/**
 * Isotonic regression by pooling adjacent violators, between its steps interpolated and beyond them clipped, as
 * scikit-learn's `IsotonicRegression(out_of_bounds="clip")`.
 *
 * @param scores in order.
 */
function isotonic(scores: Float64Array, truths: Uint8Array, takes?: (i: number) => boolean): Calibrator {
  const blocks: Block[] = [];
  for (let i = 0; i < scores.length; i++) {
    if (takes?.(i) === false) continue;
    const score = scores[i] ?? 0;
    const truth = truths[i] ?? 0;
    const last = blocks.at(-1);
    // Equal scores are one point: their mean.
    if (last !== undefined && score - last.from < sameScore) {
      last.sum += truth;
      last.weight++;
    } else {
      pool(blocks);
      blocks.push({ from: score, to: score, sum: truth, weight: 1 });
    }
  }
  pool(blocks);
  const places: number[] = [];
  const values: number[] = [];
  for (const { from, to, sum, weight } of blocks) {
    for (const place of from === to ? [from] : [from, to]) {
      places.push(place);
      values.push(sum / weight);
    }
  }
  return (score) => interpolated(places, values, score);
}

/** Joins the last block with those before it that are not below it. */
function pool(blocks: Block[]): void {
  for (;;) {
    const [before, last] = [blocks.at(-2), blocks.at(-1)];
    if (before === undefined || last === undefined) return;
    if (before.sum / before.weight < last.sum / last.weight) return;
    blocks.pop();
    before.to = last.to;
    before.sum += last.sum;
    before.weight += last.weight;
  }
}

function interpolated(places: readonly number[], values: readonly number[], at: number): number {
  let [low, high] = [0, places.length - 1];
  if (!(at > (places[low] ?? 0))) return values[low] ?? at;
  if (!(at < (places[high] ?? 0))) return values[high] ?? at;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((places[middle] ?? 0) <= at) low = middle;
    else high = middle;
  }
  const [x, y] = [places[low] ?? 0, values[low] ?? 0];
  return y + (((values[high] ?? 0) - y) * (at - x)) / ((places[high] ?? 0) - x);
}
