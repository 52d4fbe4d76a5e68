import { mean, quantile, standardDeviation } from '../statistics/quantile.ts';

/** So many numbers are kept as they are: quantiles of them are exact. */
const exactLimit = 100_000;
/** So many different numbers are counted each, however many there are: quantiles of them are exact too. */
const distinctLimit = 1_024;

/** A sketch in JSON. */
export interface SketchState {
  readonly moments: readonly [count: number, mean: number, squares: number, min: number, max: number];
  /** Numbers and how often each was there, one behind the other. */
  readonly counts?: readonly number[];
  /** Float64 of the machine's byte order, base64. */
  readonly values?: string;
  /** Bins and what is in them, one behind the other. */
  readonly bins?: readonly number[];
}

/**
 * Numbers in bounded memory, which merge: exact up to 100,000 of them or 1,024 different ones, and beyond in bins of
 * relative width 1/128, so that a quantile is within 1 %. Mean and standard deviation merge after Chan, Golub and
 * LeVeque (1983).
 */
export class NumberSketch {
  count = 0;
  #mean = 0;
  #squares = 0;
  #min = Infinity;
  #max = -Infinity;
  #counts: Map<number, number> | undefined = new Map();
  #values: Float64Array | undefined;
  #kept = 0;
  #bins: Map<number, number> | undefined;

  add(value: number): void {
    this.count++;
    const difference = value - this.#mean;
    this.#mean += difference / this.count;
    this.#squares += difference * (value - this.#mean);
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    this.#keep(value, 1);
  }

  #keep(value: number, times: number): void {
    if (this.#counts !== undefined) {
      this.#counts.set(value, (this.#counts.get(value) ?? 0) + times);
      if (this.#counts.size > distinctLimit) this.#leaveCounts(this.#counts);
    } else if (this.#values !== undefined && this.#kept + times <= exactLimit) this.#push(value, times);
    else {
      if (this.#values !== undefined) this.#leaveValues(this.#values);
      this.#bin(value, times);
    }
  }

  #leaveCounts(counts: ReadonlyMap<number, number>): void {
    this.#counts = undefined;
    this.#values = new Float64Array(4 * distinctLimit);
    for (const [value, times] of counts) this.#keep(value, times);
  }

  #push(value: number, times: number): void {
    let values = this.#values ?? new Float64Array(0);
    if (this.#kept + times > values.length) {
      const grown = new Float64Array(Math.min(exactLimit, Math.max(this.#kept + times, 2 * values.length)));
      grown.set(values);
      this.#values = values = grown;
    }
    if (times === 1) values[this.#kept++] = value;
    else values.fill(value, this.#kept, (this.#kept += times));
  }

  #leaveValues(values: Float64Array): void {
    this.#values = undefined;
    for (let i = 0; i < this.#kept; i++) this.#bin(values[i] ?? 0, 1);
    this.#kept = 0;
  }

  #bin(value: number, times: number): void {
    this.#bins ??= new Map();
    const bin = binOf(value);
    this.#bins.set(bin, (this.#bins.get(bin) ?? 0) + times);
  }

  /** How often each number was there, while they are few. */
  get counts(): ReadonlyMap<number, number> | undefined {
    return this.#counts;
  }

  merge(other: NumberSketch): void {
    if (other.count === 0) return;
    if (this.count === 0) return this.#become(other);
    const count = this.count + other.count;
    const difference = other.#mean - this.#mean;
    this.#squares += other.#squares + (difference * difference * this.count * other.count) / count;
    this.#mean += (difference * other.count) / count;
    this.count = count;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
    for (const [value, times] of other.#counts ?? []) this.#keep(value, times);
    for (let i = 0; i < other.#kept; i++) this.#keep(other.#values?.[i] ?? 0, 1);
    if (other.#bins === undefined) return;
    for (const [value, times] of this.#counts ?? []) this.#bin(value, times);
    this.#counts = undefined;
    if (this.#values !== undefined) this.#leaveValues(this.#values);
    this.#bins ??= new Map();
    for (const [bin, times] of other.#bins) this.#bins.set(bin, (this.#bins.get(bin) ?? 0) + times);
  }

  #become(other: NumberSketch): void {
    this.count = other.count;
    this.#mean = other.#mean;
    this.#squares = other.#squares;
    this.#min = other.#min;
    this.#max = other.#max;
    this.#counts = other.#counts && new Map(other.#counts);
    this.#values = other.#values?.slice();
    this.#kept = other.#kept;
    this.#bins = other.#bins && new Map(other.#bins);
  }

  /** Quantiles by linear interpolation, mean and standard deviation (ddof 1), of at least one number. */
  finish(quantiles: readonly number[]): SketchResult {
    const exact = this.#exact();
    const wide = exact === undefined ? this.#sortedBins() : [];
    const [average, squares] = this.#counts === undefined ? [this.#mean, this.#squares] : momentsOf(this.#counts);
    return {
      mean: exact === undefined ? average : mean(exact),
      std: exact === undefined ? Math.sqrt(squares / (this.count - 1)) : standardDeviation(exact, 1),
      min: this.#min,
      max: this.#max,
      quantiles: quantiles.map((q) => (exact === undefined ? this.#binned(wide, q) : quantile(exact, q))),
    };
  }

  /** All numbers in order, where they are known; of counted ones, however many, only while that is few enough. */
  #exact(): Float64Array | undefined {
    if (this.#values !== undefined) return this.#values.slice(0, this.#kept).sort();
    if (this.#counts === undefined || this.count > exactLimit) return undefined;
    const all = new Float64Array(this.count);
    let at = 0;
    for (const [value, times] of [...this.#counts].sort(([a], [b]) => a - b)) all.fill(value, at, (at += times));
    return all;
  }

  #sortedBins(): Bin[] {
    if (this.#counts !== undefined) {
      return [...this.#counts].sort(([a], [b]) => a - b).map(([value, count]) => ({ low: value, high: value, count }));
    }
    const bins = [...(this.#bins ?? [])].map(([bin, count]) => {
      const [low, high] = boundsOf(bin);
      return { low: Math.max(low, this.#min), high: Math.min(high, this.#max), count };
    });
    return bins.sort((a, b) => a.low - b.low);
  }

  #binned(bins: readonly Bin[], q: number): number {
    const place = (this.count - 1) * q;
    const below = Math.floor(place);
    const low = placed(bins, below);
    return low + (placed(bins, Math.min(below + 1, this.count - 1)) - low) * (place - below);
  }

  toState(): SketchState {
    const flat = (map: ReadonlyMap<number, number> | undefined): number[] | undefined => map && [...map].flat();
    const [counts, bins] = [flat(this.#counts), flat(this.#bins)];
    const values = this.#values?.slice(0, this.#kept);
    return {
      moments: [this.count, this.#mean, this.#squares, this.#min, this.#max],
      ...(counts === undefined ? {} : { counts }),
      ...(values === undefined ? {} : { values: Buffer.from(values.buffer).toString('base64') }),
      ...(bins === undefined ? {} : { bins }),
    };
  }

  static fromState({ moments, counts, values, bins }: SketchState): NumberSketch {
    const sketch = new NumberSketch();
    const [count, average, squares, min, max] = moments;
    // JSON has no infinity: nothing was there.
    if (count === 0) return sketch;
    sketch.count = count;
    sketch.#mean = average;
    sketch.#squares = squares;
    sketch.#min = min;
    sketch.#max = max;
    sketch.#counts = pairs(counts);
    sketch.#bins = pairs(bins);
    if (values !== undefined) {
      const bytes = Buffer.from(values, 'base64');
      sketch.#values = new Float64Array(new Uint8Array(bytes).buffer);
      sketch.#kept = sketch.#values.length;
    }
    return sketch;
  }
}

export interface SketchResult {
  readonly mean: number;
  readonly std: number;
  readonly min: number;
  readonly max: number;
  readonly quantiles: readonly number[];
}

interface Bin {
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** The mean, and the sum of squared distances from it. */
function momentsOf(counts: ReadonlyMap<number, number>): [mean: number, squares: number] {
  let [count, sum, squares] = [0, 0, 0];
  for (const [value, times] of counts) {
    count += times;
    sum += value * times;
  }
  for (const [value, times] of counts) squares += times * (value - sum / count) ** 2;
  return [sum / count, squares];
}

/** The number at a place in order; those of a bin are spread evenly over it. */
function placed(bins: readonly Bin[], place: number): number {
  let before = 0;
  for (const { low, high, count } of bins) {
    if (place < before + count) return low + ((high - low) * (place - before + 0.5)) / count;
    before += count;
  }
  return bins.at(-1)?.high ?? Number.NaN;
}

function pairs(flat: readonly number[] | undefined): Map<number, number> | undefined {
  if (flat === undefined) return undefined;
  const map = new Map<number, number>();
  for (let i = 0; i < flat.length; i += 2) map.set(flat[i] ?? 0, flat[i + 1] ?? 0);
  return map;
}

const double = new DataView(new ArrayBuffer(8));

/** The sign, the exponent and seven bits of the mantissa. */
function binOf(value: number): number {
  double.setFloat64(0, value);
  return double.getUint32(0) >>> 13;
}

function boundsOf(bin: number): [low: number, high: number] {
  double.setUint32(4, 0);
  double.setUint32(0, (bin << 13) >>> 0);
  const inner = double.getFloat64(0);
  double.setUint32(0, ((bin + 1) << 13) >>> 0);
  const outer = double.getFloat64(0);
  return inner < 0 || Object.is(inner, -0) ? [outer, inner] : [inner, outer];
}
