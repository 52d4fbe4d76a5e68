import type { Tensor } from '../wire/tensor.ts';
import type { Corners } from './nms.ts';

export type Point = readonly [number, number];

/** A mask: which pixels of a window of the model's input belong to the object. */
interface Mask {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly on: Uint8Array;
}

/**
 * The outline of a box's mask, in pixels of the model's input: the coefficients weigh the prototypes, whose sum is
 * enlarged (bilinear, between pixel centres) and is the object where it is above 0. Of several parts the largest one.
 * After Ultralytics' `process_mask`.
 */
export function maskOutline(
  coefficients: readonly number[],
  prototypes: Tensor,
  picture: number,
  { box, width, height }: { readonly box: Corners; readonly width: number; readonly height: number },
): Point[] {
  const [, count = 0, rows = 0, columns = 0] = prototypes.dims;
  const plane = rows * columns;
  const data = (prototypes.data as Float32Array).subarray(picture * count * plane, (picture + 1) * count * plane);
  const sum = new Float32Array(plane);
  for (let k = 0; k < count; k++) {
    const weight = coefficients[k] ?? 0;
    for (let i = 0; i < plane; i++) sum[i] = (sum[i] ?? 0) + weight * (data[k * plane + i] ?? 0);
  }
  return outline(largest(enlarge(sum, rows, columns, { box, width, height })));
}

function enlarge(
  sum: Float32Array,
  rows: number,
  columns: number,
  { box, width, height }: { readonly box: Corners; readonly width: number; readonly height: number },
): Mask {
  const left = Math.max(0, Math.floor(box[0]));
  const top = Math.max(0, Math.floor(box[1]));
  const right = Math.min(width, Math.ceil(box[2]));
  const bottom = Math.min(height, Math.ceil(box[3]));
  const own = { left, top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
  const on = new Uint8Array(own.width * own.height);
  for (let y = 0; y < own.height; y++) {
    const v = Math.max(0, ((y + top + 0.5) * rows) / height - 0.5);
    const y0 = Math.min(rows - 1, Math.floor(v));
    const y1 = Math.min(rows - 1, y0 + 1);
    for (let x = 0; x < own.width; x++) {
      const u = Math.max(0, ((x + left + 0.5) * columns) / width - 0.5);
      const x0 = Math.min(columns - 1, Math.floor(u));
      const x1 = Math.min(columns - 1, x0 + 1);
      const upper = (sum[y0 * columns + x0] ?? 0) * (1 - (u - x0)) + (sum[y0 * columns + x1] ?? 0) * (u - x0);
      const lower = (sum[y1 * columns + x0] ?? 0) * (1 - (u - x0)) + (sum[y1 * columns + x1] ?? 0) * (u - x0);
      on[y * own.width + x] = upper * (1 - (v - y0)) + lower * (v - y0) > 0 ? 1 : 0;
    }
  }
  return { ...own, on };
}

/** The mask with its largest connected part alone (pixels that share a side or a corner). */
function largest(mask: Mask): Mask {
  const { width, height, on } = mask;
  const parts = new Int32Array(on.length);
  let [bestPart, bestSize, part] = [0, 0, 0];
  const stack: number[] = [];
  for (let start = 0; start < on.length; start++) {
    if (on[start] !== 1 || parts[start] !== 0) continue;
    part++;
    let size = 0;
    stack.push(start);
    parts[start] = part;
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      size++;
      const [x, y] = [at % width, Math.floor(at / width)];
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          const next = (y + dy) * width + x + dx;
          if (x + dx < 0 || x + dx >= width || y + dy < 0 || y + dy >= height) continue;
          if (on[next] !== 1 || parts[next] !== 0) continue;
          parts[next] = part;
          stack.push(next);
        }
      }
    }
    if (size > bestSize) [bestPart, bestSize] = [part, size];
  }
  return { ...mask, on: on.map((_, i) => (bestPart > 0 && parts[i] === bestPart ? 1 : 0)) };
}

/** Steps along the edges of pixels: right, down, left, up. */
const steps = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
] as const;

/** The outer edge of a mask's pixels, turned at the corners only. */
function outline({ left, top, width, height, on }: Mask): Point[] {
  const first = on.indexOf(1);
  if (first < 0) return [];
  const inside = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && on[y * width + x] === 1;
  const start = [first % width, Math.floor(first / width)] as const;
  const points: Point[] = [];
  let [x, y, direction] = [start[0], start[1], 0];
  // The object is kept at the right hand: at each corner as far to the left as it allows.
  do {
    const turn = [3, 0, 1, 2].find((by) => {
      const [dx, dy] = steps[(direction + by) % 4] ?? [0, 0];
      const rightX = dx === 1 ? x : dx === -1 ? x - 1 : dy === 1 ? x - 1 : x;
      const rightY = dx === 1 ? y : dx === -1 ? y - 1 : dy === 1 ? y : y - 1;
      const leftX = dx === 1 ? x : dx === -1 ? x - 1 : dy === 1 ? x : x - 1;
      const leftY = dx === 1 ? y - 1 : dx === -1 ? y : dy === 1 ? y : y - 1;
      return inside(rightX, rightY) && !inside(leftX, leftY);
    });
    const next = (direction + (turn ?? 0)) % 4;
    if (next !== direction || points.length === 0) points.push([x + left, y + top]);
    direction = next;
    const [dx, dy] = steps[direction] ?? [0, 0];
    x += dx;
    y += dy;
  } while (x !== start[0] || y !== start[1]);
  return points;
}
