import { backward, cholesky, forward, type Matrix } from './matrix.ts';

/** How far two points are apart in one dimension: the square of their difference, or 1 where choices differ. */
export interface GpDimension {
  readonly categorical: boolean;
}

/** Hyper-parameters in logarithms: an inverse squared length scale for each dimension, the signal's variance, the noise's. */
type Theta = Float64Array;

const LEAST_NOISE = 1e-6;

/**
 * Gaussian-process regression with a Matérn 5/2 kernel of one length scale a dimension (Rasmussen and Williams 2006,
 * 2.2 and 4.2), its hyper-parameters at the maximum a posteriori under Optuna's priors. Targets should have mean 0 and
 * standard deviation 1. O(n³) for n points, for each step of the fit.
 */
export class GaussianProcess {
  readonly #points: readonly (readonly number[])[];
  readonly #dimensions: readonly GpDimension[];
  readonly theta: Theta;
  readonly #l: Matrix;
  readonly #alpha: Float64Array;

  private constructor(points: readonly (readonly number[])[], dimensions: readonly GpDimension[], fit: Fit) {
    this.#points = points;
    this.#dimensions = dimensions;
    this.theta = fit.theta;
    this.#l = fit.l;
    this.#alpha = fit.alpha;
  }

  /** `start`: hyper-parameters to begin with, those of a fit to fewer points. */
  static fit(
    points: readonly (readonly number[])[],
    targets: readonly number[],
    dimensions: readonly GpDimension[],
    start?: Theta,
  ): GaussianProcess {
    const squares = dimensions.map((dimension, d) => pairs(points, d, dimension.categorical));
    const evaluate = (theta: Theta): Fit | undefined => posterior(theta, squares, targets);
    const begin =
      start ?? Float64Array.from({ length: dimensions.length + 2 }, (_, i) => (i > dimensions.length ? -4 : 0));
    return new GaussianProcess(points, dimensions, ascend(begin, evaluate, start === undefined ? 60 : 15));
  }

  /** Mean and standard deviation of the function (without noise) at a point. */
  predict(point: readonly number[]): { readonly mean: number; readonly deviation: number } {
    const n = this.#points.length;
    const d = this.#dimensions.length;
    const scale = Math.exp(this.theta[d] as number);
    const k = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      let square = 0;
      for (let j = 0; j < d; j++) {
        const gap = (point[j] as number) - (this.#points[i]?.[j] as number);
        const apart = this.#dimensions[j]?.categorical === true ? (gap === 0 ? 0 : 1) : gap * gap;
        square += Math.exp(this.theta[j] as number) * apart;
      }
      k[i] = scale * matern(square);
    }
    let mean = 0;
    for (let i = 0; i < n; i++) mean += (k[i] as number) * (this.#alpha[i] as number);
    const v = forward(this.#l, k, n);
    let explained = 0;
    for (const x of v) explained += x * x;
    return { mean, deviation: Math.sqrt(Math.max(scale - explained, 1e-12)) };
  }
}

interface Fit {
  readonly theta: Theta;
  readonly value: number;
  readonly gradient: Float64Array;
  readonly l: Matrix;
  readonly alpha: Float64Array;
}

/** (1 + √(5s) + 5s/3) exp(-√(5s)) for the scaled squared distance s. */
function matern(square: number): number {
  const root = Math.sqrt(5 * square);
  return (1 + root + (5 / 3) * square) * Math.exp(-root);
}

/** The kernel's derivative by the scaled squared distance. */
function maternSlope(square: number): number {
  const root = Math.sqrt(5 * square);
  return (-5 / 6) * (1 + root) * Math.exp(-root);
}

function pairs(points: readonly (readonly number[])[], d: number, categorical: boolean): Float64Array {
  const n = points.length;
  const square = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const gap = (points[i]?.[d] as number) - (points[j]?.[d] as number);
      const apart = categorical ? (gap === 0 ? 0 : 1) : gap * gap;
      square[i * n + j] = apart;
      square[j * n + i] = apart;
    }
  }
  return square;
}

/** Log posterior of the hyper-parameters and its gradient, or undefined where the kernel is not positive definite. */
function posterior(theta: Theta, squares: readonly Float64Array[], targets: readonly number[]): Fit | undefined {
  const n = targets.length;
  const d = squares.length;
  const inverse = Float64Array.from({ length: d }, (_, j) => Math.exp(theta[j] as number));
  const scale = Math.exp(theta[d] as number);
  const noise = Math.exp(theta[d + 1] as number) + LEAST_NOISE;
  const signal = new Float64Array(n * n);
  const slope = new Float64Array(n * n);
  for (let e = 0; e < n * n; e++) {
    let square = 0;
    for (let j = 0; j < d; j++) square += (inverse[j] as number) * (squares[j]?.[e] as number);
    signal[e] = scale * matern(square);
    slope[e] = scale * maternSlope(square);
  }
  const kernel = Float64Array.from(signal);
  for (let i = 0; i < n; i++) kernel[i * n + i] = (kernel[i * n + i] as number) + noise;
  const l = cholesky(kernel, n);
  if (l === undefined) return undefined;
  const alpha = backward(l, forward(l, targets, n), n);
  let value = 0;
  for (let i = 0; i < n; i++) {
    value -= 0.5 * (targets[i] as number) * (alpha[i] as number) + Math.log(l[i * n + i] as number);
  }
  const inner = invert(l, n);
  const gradient = new Float64Array(d + 2);
  // d/dθ = 1/2 tr((α αᵀ - K⁻¹) dK/dθ)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const e = i * n + j;
      const weight = 0.5 * ((alpha[i] as number) * (alpha[j] as number) - (inner[e] as number));
      for (let k = 0; k < d; k++) {
        gradient[k] =
          (gradient[k] as number) +
          weight * (slope[e] as number) * (squares[k]?.[e] as number) * (inverse[k] as number);
      }
      gradient[d] = (gradient[d] as number) + weight * (signal[e] as number);
      if (i === j) gradient[d + 1] = (gradient[d + 1] as number) + weight * (noise - LEAST_NOISE);
    }
  }
  return { theta, value: value + addPriors(theta, gradient, d), gradient, l, alpha };
}

/** Optuna's priors: length scales neither tiny nor endless, Gamma(2, 1) on the signal, Gamma(1.1, 30) on the noise. */
function addPriors(theta: Theta, gradient: Float64Array, d: number): number {
  let value = 0;
  for (let k = 0; k < d; k++) {
    const inverse = Math.exp(theta[k] as number);
    value -= 0.1 / inverse + 0.1 * inverse;
    gradient[k] = (gradient[k] as number) + 0.1 / inverse - 0.1 * inverse;
  }
  const scale = Math.exp(theta[d] as number);
  const noise = Math.exp(theta[d + 1] as number);
  gradient[d] = (gradient[d] as number) + 1 - scale;
  gradient[d + 1] = (gradient[d + 1] as number) + 0.1 - 30 * noise;
  return value + (theta[d] as number) - scale + 0.1 * (theta[d + 1] as number) - 30 * noise;
}

/** (L Lᵀ)⁻¹ */
function invert(l: Matrix, n: number): Matrix {
  const inverse = new Float64Array(n * n);
  const unit = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    unit[i] = 1;
    const column = backward(l, forward(l, unit, n), n);
    unit[i] = 0;
    for (let j = 0; j < n; j++) inverse[j * n + i] = column[j] as number;
  }
  return inverse;
}

/** Climbs by BFGS with a backtracking line search; every step is inside of ±2 of a logarithm. */
function ascend(begin: Theta, evaluate: (theta: Theta) => Fit | undefined, most: number): Fit {
  const n = begin.length;
  let best = evaluate(begin) ?? evaluate(new Float64Array(n));
  if (best === undefined) throw new Error('the kernel of the starting point is not positive definite');
  let h = new Float64Array(n * n);
  const reset = (): void => {
    h = new Float64Array(n * n);
    for (let i = 0; i < n; i++) h[i * n + i] = 1;
  };
  reset();
  for (let iteration = 0; iteration < most; iteration++) {
    const { theta, gradient } = best;
    let direction = multiply(h, gradient, n);
    if (dot(direction, gradient) <= 0) {
      reset();
      direction = Float64Array.from(gradient);
    }
    const longest = Math.max(...direction.map(Math.abs));
    if (longest < 1e-6) break;
    let step = Math.min(1, 2 / longest);
    let next: Fit | undefined;
    for (let cut = 0; cut < 20; cut++, step /= 2) {
      next = evaluate(theta.map((x, i) => Math.min(Math.max(x + step * (direction[i] as number), -12), 12)));
      if (next !== undefined && next.value > best.value + 1e-4 * step * dot(direction, gradient)) break;
      next = undefined;
    }
    if (next === undefined || next.value - best.value < 1e-5) return next ?? best;
    update(h, next.theta, theta, next.gradient, gradient, n);
    best = next;
  }
  return best;
}

/** The BFGS update of the inverse Hessian of the negated function. */
function update(h: Float64Array, x: Theta, x0: Theta, g: Float64Array, g0: Float64Array, n: number): void {
  const s = x.map((value, i) => value - (x0[i] as number));
  const y = g.map((value, i) => (g0[i] as number) - value);
  const sy = dot(s, y);
  if (sy <= 1e-12) return;
  const hy = multiply(h, y, n);
  const factor = (1 + dot(y, hy) / sy) / sy;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const cross = (hy[i] as number) * (s[j] as number) + (s[i] as number) * (hy[j] as number);
      h[i * n + j] = (h[i * n + j] as number) + factor * (s[i] as number) * (s[j] as number) - cross / sy;
    }
  }
}

function multiply(matrix: Float64Array, vector: Float64Array, n: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => {
    let total = 0;
    for (let j = 0; j < n; j++) total += (matrix[i * n + j] as number) * (vector[j] as number);
    return total;
  });
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += (a[i] as number) * (b[i] as number);
  return total;
}
