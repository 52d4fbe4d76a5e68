import { filled, type Picture } from './picture.ts';

export type PillowFilter = 'nearest' | 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos';

interface Filter {
  readonly support: number;
  weigh(x: number): number;
}

/** Pillow's filters (Resample.c). */
const filters: Readonly<Record<Exclude<PillowFilter, 'nearest'>, Filter>> = {
  box: { support: 0.5, weigh: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weigh: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    support: 1,
    weigh(x) {
      const far = Math.abs(x);
      if (far === 0) return 1;
      if (far >= 1) return 0;
      return (Math.sin(far * Math.PI) / (far * Math.PI)) * (0.54 + 0.46 * Math.cos(far * Math.PI));
    },
  },
  bicubic: {
    support: 2,
    weigh(x) {
      const a = -0.5;
      const far = Math.abs(x);
      if (far < 1) return ((a + 2) * far - (a + 3)) * far * far + 1;
      return far < 2 ? (((far - 5) * far + 8) * far - 4) * a : 0;
    },
  },
  lanczos: { support: 3, weigh: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/**
 * Another size, bit for bit as `Image.resize` of Pillow 13 gives it: weights in fixed point of 22 bits, 8 bits between
 * the passes; an axis whose size stays is left alone.
 */
export function resizeAsPillow(picture: Picture, width: number, height: number, kind: PillowFilter): Picture {
  if (width === picture.width && height === picture.height) return picture;
  if (kind === 'nearest') return nearest(picture, width, height);
  const filter = filters[kind];
  const across = (from: Picture) => (width === from.width ? from : horizontal(from, width, filter));
  const down = (from: Picture) => (height === from.height ? from : vertical(from, height, filter));
  return downFirst(picture, width, height) ? across(down(picture)) : down(across(picture));
}

/** Which pass Pillow 13 makes first where it makes both; the older ones always begin across. Found by trying. */
function downFirst(picture: Picture, width: number, height: number): boolean {
  return height < picture.height && picture.height - height > 2 * (picture.width - width);
}

const precision = 22;

interface Windows {
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  /** `room` weights for each value of the result. */
  readonly weights: Int32Array;
  readonly room: number;
}

/** `precompute_coeffs` and `normalize_coeffs_8bpc` of Pillow. */
function windows(from: number, to: number, filter: Filter): Windows {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const reach = filter.support * stretch;
  const room = Math.ceil(reach) * 2 + 1;
  const starts = new Int32Array(to);
  const lengths = new Int32Array(to);
  const weights = new Int32Array(to * room);
  const exact = new Float64Array(room);
  const inverse = 1 / stretch;
  for (let at = 0; at < to; at++) {
    const centre = (at + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - reach + 0.5));
    const length = Math.min(from, Math.trunc(centre + reach + 0.5)) - start;
    let sum = 0;
    for (let i = 0; i < length; i++) {
      const weight = filter.weigh((i + start - centre + 0.5) * inverse);
      exact[i] = weight;
      sum += weight;
    }
    for (let i = 0; i < length; i++) {
      const weight = sum === 0 ? (exact[i] ?? 0) : (exact[i] ?? 0) / sum;
      weights[at * room + i] = Math.trunc((weight < 0 ? -0.5 : 0.5) + weight * (1 << precision));
    }
    starts[at] = start;
    lengths[at] = length;
  }
  return { starts, lengths, weights, room };
}

const half = 1 << (precision - 1);

function clip(sum: number): number {
  const value = sum >> precision;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

function horizontal({ width: before, height, bands, data: from }: Picture, width: number, filter: Filter): Picture {
  const { starts, lengths, weights, room } = windows(before, width, filter);
  const data = new Uint8Array(width * height * bands);
  for (let row = 0; row < height; row++) {
    const line = row * before * bands;
    let to = row * width * bands;
    for (let x = 0; x < width; x++) {
      const end = x * room + (lengths[x] ?? 0);
      let at = line + (starts[x] ?? 0) * bands;
      if (bands === 1) {
        let sum = half;
        for (let k = x * room; k < end; k++) sum += (from[at++] ?? 0) * (weights[k] ?? 0);
        data[to++] = clip(sum);
        continue;
      }
      let [red, green, blue] = [half, half, half];
      for (let k = x * room; k < end; k++) {
        const weight = weights[k] ?? 0;
        red += (from[at] ?? 0) * weight;
        green += (from[at + 1] ?? 0) * weight;
        blue += (from[at + 2] ?? 0) * weight;
        at += 3;
      }
      data[to++] = clip(red);
      data[to++] = clip(green);
      data[to++] = clip(blue);
    }
  }
  return { width, height, bands, data, alpha: undefined };
}

function vertical({ width, height: before, bands, data: from }: Picture, height: number, filter: Filter): Picture {
  const { starts, lengths, weights, room } = windows(before, height, filter);
  const line = width * bands;
  const data = new Uint8Array(line * height);
  const sums = new Int32Array(line);
  for (let row = 0; row < height; row++) {
    sums.fill(half);
    const first = starts[row] ?? 0;
    for (let k = 0; k < (lengths[row] ?? 0); k++) {
      const weight = weights[row * room + k] ?? 0;
      const start = (first + k) * line;
      for (let x = 0; x < line; x++) sums[x] = (sums[x] ?? 0) + (from[start + x] ?? 0) * weight;
    }
    const to = row * line;
    for (let x = 0; x < line; x++) data[to + x] = clip(sums[x] ?? 0);
  }
  return { width, height, bands, data, alpha: undefined };
}

/** Pillow's nearest (Geometry.c, `ImagingScaleAffine`): places are summed up, not multiplied. */
function nearest(picture: Picture, width: number, height: number): Picture {
  const { bands, data: from } = picture;
  const columns = places(picture.width, width);
  const made = filled(width, height, bands === 1 ? [0] : [0, 0, 0]);
  for (const [y, row] of places(picture.height, height).entries()) {
    if (row >= picture.height) continue;
    for (let x = 0; x < width; x++) {
      const column = columns[x] ?? 0;
      if (column >= picture.width) continue;
      const at = (row * picture.width + column) * bands;
      const to = (y * width + x) * bands;
      for (let band = 0; band < bands; band++) made.data[to + band] = from[at + band] ?? 0;
    }
  }
  return made;
}

function places(from: number, to: number): Int32Array {
  const step = from / to;
  const found = new Int32Array(to);
  let place = step * 0.5;
  for (let at = 0; at < to; at++) {
    found[at] = Math.trunc(place);
    place += step;
  }
  return found;
}
