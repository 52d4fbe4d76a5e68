import { eigenSymmetric, identity, type Matrix } from '../matrix.ts';
import { cdf, quantile } from '../normal.ts';
import type { Random } from '../random.ts';

/** A dimension that takes whole steps: so many values, evenly from 0 to 1. */
export interface Dimension {
  /** Undefined: continuous. */
  readonly values: number | undefined;
}

/** A drawn point: what is tried, and what the distribution learns from. */
export interface Draw {
  readonly tried: readonly number[];
  readonly raw: readonly number[];
}

/**
 * CMA-ES in the unit cube: the (μ/μ_w, λ) strategy with active covariance update (Hansen 2016, arXiv:1604.00772; the
 * numbers at lines are its equations), and for stepped dimensions a margin that keeps their probability of changing
 * from dying out (Hamano et al. 2022, arXiv:2205.13482). Starts from the middle with a standard deviation of 1/6.
 */
export class Cma {
  readonly population: number;
  readonly #n: number;
  readonly #dimensions: readonly Dimension[];
  readonly #weights: readonly number[];
  readonly #mu: number;
  readonly #muEff: number;
  readonly #rates: Readonly<{ cSigma: number; dSigma: number; cc: number; c1: number; cMu: number }>;
  readonly #chi: number;
  readonly #margin: number;
  readonly #stretch: Float64Array;
  #mean: Float64Array;
  #sigma = 1 / 6;
  #c: Matrix;
  #pathSigma: Float64Array;
  #pathC: Float64Array;
  #generation = 0;
  #roots: { readonly b: Matrix; readonly d: Float64Array } | undefined;

  constructor(dimensions: readonly Dimension[]) {
    const n = dimensions.length;
    this.#n = n;
    this.#dimensions = dimensions;
    this.population = 4 + Math.floor(3 * Math.log(n)); // 48
    this.#mu = Math.floor(this.population / 2);
    const raw = Array.from(
      { length: this.population },
      (_, i) => Math.log((this.population + 1) / 2) - Math.log(i + 1),
    ); // 49
    const effective = (part: readonly number[]): number => sum(part) ** 2 / sum(part.map((w) => w * w));
    this.#muEff = effective(raw.slice(0, this.#mu));
    const muEff = this.#muEff;
    const c1 = 2 / ((n + 1.3) ** 2 + muEff); // 57
    const cMu = Math.min(1 - c1 - 1e-8, (2 * (muEff - 2 + 1 / muEff)) / ((n + 2) ** 2 + muEff)); // 58
    const least = Math.min(
      1 + c1 / cMu, // 50
      1 + (2 * effective(raw.slice(this.#mu))) / (muEff + 2), // 51
      (1 - c1 - cMu) / (n * cMu), // 52
    );
    const positive = sum(raw.filter((w) => w > 0));
    const negative = -sum(raw.filter((w) => w < 0));
    this.#weights = raw.map((w) => (w >= 0 ? w / positive : (least * w) / negative)); // 53
    const cSigma = (muEff + 2) / (n + muEff + 5);
    const dSigma = 1 + 2 * Math.max(0, Math.sqrt((muEff - 1) / (n + 1)) - 1) + cSigma; // 55
    const cc = (4 + muEff / n) / (n + 4 + (2 * muEff) / n); // 56
    this.#rates = { cSigma, dSigma, cc, c1, cMu };
    this.#chi = Math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n));
    this.#margin = 1 / (n * this.population);
    this.#stretch = new Float64Array(n).fill(1);
    this.#mean = new Float64Array(n).fill(0.5);
    this.#c = identity(n);
    this.#pathSigma = new Float64Array(n);
    this.#pathC = new Float64Array(n);
  }

  /** Draws until all continuous coordinates are inside, a hundred times at most, then cuts them off. */
  ask(random: Random): Draw {
    let raw = this.#sample(random);
    for (let i = 1; i < 100 && !this.#inside(raw); i++) raw = this.#sample(random);
    raw = raw.map((x, i) => (this.#dimensions[i]?.values === undefined ? Math.min(Math.max(x, 0), 1) : x));
    const tried = raw.map((x, i) => {
      const values = this.#dimensions[i]?.values;
      if (values === undefined) return x;
      const mean = this.#mean[i] as number;
      return nearest((x - mean) * (this.#stretch[i] as number) + mean, values) / (values - 1);
    });
    return { tried, raw };
  }

  /** Takes a generation: its raw points and their losses. */
  tell(solutions: readonly { readonly raw: readonly number[]; readonly loss: number }[]): void {
    const n = this.#n;
    this.#generation++;
    const sorted = [...solutions].sort((a, b) => (a.loss < b.loss ? -1 : a.loss > b.loss ? 1 : 0));
    const { b, d } = this.#decompose();
    const steps = sorted.map(({ raw }) => raw.map((x, i) => (x - (this.#mean[i] as number)) / this.#sigma));
    const step = Array.from({ length: n }, (_, i) =>
      sum(steps.slice(0, this.#mu).map((y, k) => (this.#weights[k] as number) * (y[i] as number))),
    ); // 41
    this.#mean = this.#mean.map((m, i) => m + this.#sigma * (step[i] as number));
    const whitened = (y: readonly number[]): Float64Array => whiten(b, d, y, n);
    this.#moveSigma(whitened(step));
    const norm = length(this.#pathSigma);
    const { cSigma, cc, c1, cMu } = this.#rates;
    const straight = norm / Math.sqrt(1 - (1 - cSigma) ** (2 * (this.#generation + 1)));
    const h = straight < (1.4 + 2 / (n + 1)) * this.#chi ? 1 : 0;
    const pull = h * Math.sqrt(cc * (2 - cc) * this.#muEff);
    this.#pathC = this.#pathC.map((p, i) => (1 - cc) * p + pull * (step[i] as number)); // 45
    const weights = this.#weights.map((w, k) =>
      w >= 0 ? w : (w * n) / (length(whitened(steps[k] ?? [])) ** 2 + 1e-8),
    ); // 46
    const keep = 1 + c1 * (1 - h) * cc * (2 - cc) - c1 - cMu * sum(this.#weights);
    const next = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let rank = 0;
        for (const [k, y] of steps.entries()) rank += (weights[k] as number) * (y[i] as number) * (y[j] as number);
        const one = (this.#pathC[i] as number) * (this.#pathC[j] as number);
        next[i * n + j] = keep * (this.#c[i * n + j] as number) + c1 * one + cMu * rank; // 47
      }
    }
    this.#c = next;
    this.#roots = undefined;
    this.#keepMargins();
  }

  #moveSigma(step: Float64Array): void {
    const { cSigma, dSigma } = this.#rates;
    const pull = Math.sqrt(cSigma * (2 - cSigma) * this.#muEff);
    this.#pathSigma = this.#pathSigma.map((p, i) => (1 - cSigma) * p + pull * (step[i] as number)); // 43
    const growth = Math.exp((cSigma / dSigma) * (length(this.#pathSigma) / this.#chi - 1)); // 44
    this.#sigma = Math.min(this.#sigma * growth, 1e32);
  }

  #sample(random: Random): number[] {
    const n = this.#n;
    const { b, d } = this.#decompose();
    const z = Array.from({ length: n }, (_, i) => random.normal() * (d[i] as number));
    return Array.from({ length: n }, (_, i) => {
      let y = 0;
      for (let k = 0; k < n; k++) y += (b[i * n + k] as number) * (z[k] as number);
      return (this.#mean[i] as number) + this.#sigma * y;
    });
  }

  #inside(x: readonly number[]): boolean {
    return x.every((value, i) => this.#dimensions[i]?.values !== undefined || (value >= 0 && value <= 1));
  }

  #decompose(): { readonly b: Matrix; readonly d: Float64Array } {
    if (this.#roots === undefined) {
      const { values, vectors } = eigenSymmetric(this.#c, this.#n);
      this.#roots = { b: vectors, d: values.map((value) => Math.sqrt(value < 0 ? 1e-8 : value)) };
    }
    return this.#roots;
  }

  /** Moves the mean and stretches the draw of each stepped dimension so that a neighbour value keeps its chance. */
  #keepMargins(): void {
    for (const [i, { values }] of this.#dimensions.entries()) {
      if (values === undefined) continue;
      const mean = this.#mean[i] as number;
      const root = Math.sqrt(this.#c[i * this.#n + i] as number);
      const scale = this.#sigma * (this.#stretch[i] as number) * root;
      const [low, high] = limits(mean, values);
      let below = cdf((low - mean) / scale);
      let above = 1 - cdf((high - mean) / scale);
      const middle = 1 - below - above;
      const least = this.#margin / 2;
      if (Math.max(below, above) > 0.5) {
        if (Math.min(below, above) >= this.#margin) continue;
        this.#mean[i] = high - Math.sign(high - mean) * scale * -quantile(this.#margin);
        continue;
      }
      below = Math.max(below, least);
      above = Math.max(above, least);
      const excess = 1 - below - above - middle;
      const room = below + middle + above - 3 * least;
      const clip = (p: number): number => Math.min(Math.max(p, 1e-10), 0.5 - 1e-10);
      const left = -quantile(clip(below + (excess * (below - least)) / room));
      const right = -quantile(clip(above + (excess * (above - least)) / room));
      this.#stretch[i] = (high - low) / ((left + right) * this.#sigma * root);
      this.#mean[i] = (low * right + high * left) / (left + right);
    }
  }
}

/** Of `values` evenly spread values from 0 to 1, the one nearest to x, counted from 0. */
function nearest(x: number, values: number): number {
  return Math.min(Math.max(Math.ceil(x * (values - 1) - 0.5), 0), values - 1);
}

/** The midpoints left and right of the value nearest to x; at an end, of its only neighbour. */
function limits(x: number, values: number): readonly [number, number] {
  const at = nearest(x, values);
  const midpoint = (k: number): number => (Math.min(Math.max(k, 0), values - 2) + 0.5) / (values - 1);
  return [midpoint(at - 1), midpoint(at)];
}

/** C^(-1/2) y. */
function whiten(b: Matrix, d: Float64Array, y: readonly number[], n: number): Float64Array {
  const rotated = Array.from({ length: n }, (_, k) => {
    let dot = 0;
    for (let i = 0; i < n; i++) dot += (b[i * n + k] as number) * (y[i] as number);
    return dot / (d[k] as number);
  });
  return Float64Array.from({ length: n }, (_, i) => {
    let dot = 0;
    for (let k = 0; k < n; k++) dot += (b[i * n + k] as number) * (rotated[k] as number);
    return dot;
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function length(values: Float64Array): number {
  return Math.hypot(...values);
}
