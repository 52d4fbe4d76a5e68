import type { Picture } from './picture.ts';
import { roundHalfEven } from './rounding.ts';

export type OpenCvFilter = 'bilinear' | 'bicubic' | 'area';

/** Weights along one axis: `room` pairs of place and weight for each value of the result. */
interface Taps {
  readonly places: Int32Array;
  readonly weights: Float32Array;
  readonly room: number;
}

/**
 * Another size as `cv2.resize` gives it: `INTER_LINEAR` bit for bit, `INTER_CUBIC` (a = -0.75) and `INTER_AREA`, which
 * is linear where an axis grows, within one level. Nothing is smoothed when the picture shrinks, but by `area`.
 */
export function resizeAsOpenCv(picture: Picture, width: number, height: number, kind: OpenCvFilter): Picture {
  if (width === picture.width && height === picture.height) return picture;
  if (kind === 'bilinear') return linearInFixedPoint(picture, width, height);
  const shrinks = width <= picture.width && height <= picture.height;
  const axis = kind === 'bicubic' ? cubic : shrinks ? areas : areaLinear;
  return apply(picture, axis(picture.width, width), axis(picture.height, height), width, height);
}

function apply(
  { width: before, height: rows, bands, data: from }: Picture,
  across: Taps,
  down: Taps,
  width: number,
  height: number,
): Picture {
  const line = width * bands;
  const wide = new Float32Array(line * rows);
  for (let row = 0; row < rows; row++) {
    for (let x = 0; x < width; x++) {
      for (let band = 0; band < bands; band++) {
        let sum = 0;
        for (let k = x * across.room; k < (x + 1) * across.room; k++) {
          sum += (from[(row * before + (across.places[k] ?? 0)) * bands + band] ?? 0) * (across.weights[k] ?? 0);
        }
        wide[row * line + x * bands + band] = sum;
      }
    }
  }
  const data = new Uint8Array(line * height);
  const sums = new Float32Array(line);
  for (let row = 0; row < height; row++) {
    sums.fill(0);
    for (let k = row * down.room; k < (row + 1) * down.room; k++) {
      const weight = down.weights[k] ?? 0;
      if (weight === 0) continue;
      const start = (down.places[k] ?? 0) * line;
      for (let x = 0; x < line; x++) sums[x] = (sums[x] ?? 0) + (wide[start + x] ?? 0) * weight;
    }
    for (let x = 0; x < line; x++) data[row * line + x] = Math.max(0, Math.min(255, Math.round(sums[x] ?? 0)));
  }
  return { width, height, bands, data, alpha: undefined };
}

function taps(
  to: number,
  room: number,
  fill: (at: number, put: (place: number, weight: number) => void) => void,
): Taps {
  const places = new Int32Array(to * room);
  const weights = new Float32Array(to * room);
  for (let at = 0; at < to; at++) {
    let next = at * room;
    fill(at, (place, weight) => {
      places[next] = place;
      weights[next++] = weight;
    });
  }
  return { places, weights, room };
}

/** As OpenCV computes it: its last digit decides where a place falls between two pixels. */
function scaleOf(from: number, to: number): number {
  return 1 / (to / from);
}

/** Where each value of the result lies: between a place and the next, in 2048ths. */
interface Between {
  readonly places: Int32Array;
  readonly shares: Int32Array;
}

function between(from: number, to: number, clamped: boolean): Between {
  const scale = scaleOf(from, to);
  const places = new Int32Array(to);
  const shares = new Int32Array(to * 2);
  for (let at = 0; at < to; at++) {
    const centre = Math.fround((at + 0.5) * scale - 0.5);
    let place = Math.floor(centre);
    let share = Math.fround(centre - place);
    // Across, what lies beyond the outermost centres has their value; down, both rows are then the outermost.
    if (clamped && (place < 0 || place >= from - 1)) [place, share] = [Math.max(0, Math.min(from - 1, place)), 0];
    places[at] = place;
    shares[at * 2] = roundHalfEven(Math.fround(1 - share) * 2048);
    shares[at * 2 + 1] = roundHalfEven(share * 2048);
  }
  return { places, shares };
}

/** `INTER_LINEAR` of 8 bits: weights of 11 bits, and the sums cut as OpenCV's vector code cuts them. */
function linearInFixedPoint(
  { width: before, height: rows, bands, data: from }: Picture,
  width: number,
  height: number,
): Picture {
  const across = between(before, width, true);
  const down = between(rows, height, false);
  const line = width * bands;
  const data = new Uint8Array(line * height);
  const fill = (into: Int32Array, row: number): void => {
    for (let x = 0, to = 0; x < width; x++) {
      const place = across.places[x] ?? 0;
      const left = (row * before + place) * bands;
      const right = place < before - 1 ? left + bands : left;
      const [a, b] = [across.shares[x * 2] ?? 0, across.shares[x * 2 + 1] ?? 0];
      for (let band = 0; band < bands; band++) {
        into[to++] = ((from[left + band] ?? 0) * a + (from[right + band] ?? 0) * b) >> 4;
      }
    }
  };
  // Two rows of the original are held at a time; going down, the lower one becomes the upper one.
  let [upper, lower] = [new Int32Array(line), new Int32Array(line)];
  let [upperRow, lowerRow] = [-1, -1];
  for (let row = 0; row < height; row++) {
    const place = down.places[row] ?? 0;
    const first = Math.max(0, Math.min(rows - 1, place));
    const second = Math.max(0, Math.min(rows - 1, place + 1));
    if (lowerRow === first) [upper, lower, upperRow, lowerRow] = [lower, upper, lowerRow, upperRow];
    if (upperRow !== first) fill(upper, (upperRow = first));
    if (lowerRow !== second) fill(lower, (lowerRow = second));
    const [a, b] = [down.shares[row * 2] ?? 0, down.shares[row * 2 + 1] ?? 0];
    for (let x = 0; x < line; x++) {
      const sum = ((a * (upper[x] ?? 0)) >> 16) + ((b * (lower[x] ?? 0)) >> 16);
      data[row * line + x] = (sum + 2) >> 2;
    }
  }
  return { width, height, bands, data, alpha: undefined };
}

function cubic(from: number, to: number): Taps {
  const scale = scaleOf(from, to);
  const a = -0.75;
  const near = (x: number): number => ((a + 2) * x - (a + 3)) * x * x + 1;
  return taps(to, 4, (at, put) => {
    const place = (at + 0.5) * scale - 0.5;
    const left = Math.floor(place);
    const x = place - left;
    const first = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a;
    const weights = [first, near(x), near(1 - x), 1 - first - near(x) - near(1 - x)];
    for (const [i, weight] of weights.entries()) put(Math.max(0, Math.min(from - 1, left - 1 + i)), weight);
  });
}

/** What each pixel of the result covers of the original ones (`computeResizeAreaTab`). */
function areas(from: number, to: number): Taps {
  const scale = scaleOf(from, to);
  return taps(to, Math.ceil(scale) + 2, (at, put) => {
    const start = at * scale;
    const end = start + scale;
    const cell = Math.min(scale, from - start);
    const last = Math.min(Math.floor(end), from - 1);
    const first = Math.min(Math.ceil(start), last);
    if (first - start > 1e-3) put(first - 1, (first - start) / cell);
    for (let place = first; place < last; place++) put(place, 1 / cell);
    if (end - last > 1e-3) put(last, Math.min(end - last, 1, cell) / cell);
  });
}

/** `INTER_AREA` where an axis grows: linear, between other places. */
function areaLinear(from: number, to: number): Taps {
  const scale = scaleOf(from, to);
  return taps(to, 2, (at, put) => {
    const left = Math.floor(at * scale);
    const over = Math.fround(at + 1 - (left + 1) * (to / from));
    const share = over <= 0 ? 0 : over - Math.floor(over);
    put(Math.min(left, from - 1), 1 - share);
    put(Math.min(left + 1, from - 1), share);
  });
}
