import { addAt } from './matrix.ts';
import { LOG_SQRT_2PI, logMass, truncatedQuantile } from './normal.ts';
import type { Random } from './random.ts';
import { cardinality, fromNumber, onGrid, toNumber, transformedBounds } from './space.ts';
import type { CategoricalDomain, NumericDomain, Parameter, ParamValue, Params } from './space.ts';

/** Gaussians truncated to the domain, in the transformed (logarithmic where `log`) space; the last one is the prior. */
interface NumericKernels {
  readonly name: string;
  readonly domain: NumericDomain;
  readonly low: number;
  readonly high: number;
  readonly mu: Float64Array;
  readonly sigma: Float64Array;
}
/** A row of probabilities of the choices for each kernel; the last one is the prior. */
interface CategoricalKernels {
  readonly name: string;
  readonly domain: CategoricalDomain;
  readonly rows: readonly Float64Array[];
}
type Kernels = NumericKernels | CategoricalKernels;

/** Kernels as plain data, for people who look inside. */
export interface KernelData {
  readonly weights: number[];
  readonly parameters: Record<string, { mu: number[]; sigma: number[] } | { weights: number[][] }>;
}

/**
 * The density of params that a set of observations makes: a mixture with one product of kernels an observation, in
 * trial order, and a last one for the prior (Bergstra et al. 2011; bandwidths and weights as in Optuna 5).
 */
export class ParzenEstimator {
  readonly weights: Float64Array;
  readonly #kernels: readonly Kernels[];

  /** Only observations that have all of the parameters count. `even`: all weigh the same, else older ones less. */
  constructor(parameters: readonly Parameter[], observations: readonly Params[], even = false) {
    const used = observations.filter((params) => parameters.every(({ name }) => params[name] !== undefined));
    this.weights = mixtureWeights(used.length, even);
    this.#kernels = parameters.map(({ name, domain }) => {
      const numbers = used.map((params) => toNumber(domain, params[name] as ParamValue));
      return domain.type === 'categorical'
        ? { name, domain, rows: categoricalRows(domain, numbers) }
        : { name, domain, ...gaussians(domain, numbers) };
    });
  }

  data(): KernelData {
    const parameters: KernelData['parameters'] = {};
    for (const kernels of this.#kernels) {
      parameters[kernels.name] =
        'rows' in kernels
          ? { weights: kernels.rows.map((row) => [...row]) }
          : { mu: [...kernels.mu], sigma: [...kernels.sigma] };
    }
    return { weights: [...this.weights], parameters };
  }

  /** Draws one kernel for all parameters, then each parameter from its own part of it. */
  draw(random: Random): Record<string, ParamValue> {
    const i = random.weighted(this.weights);
    const params: Record<string, ParamValue> = {};
    for (const kernels of this.#kernels) {
      if ('rows' in kernels) {
        const choice = random.weighted(kernels.rows[i] as Float64Array);
        params[kernels.name] = fromNumber(kernels.domain, choice);
        continue;
      }
      const { domain, low, high } = kernels;
      const [mu, sigma] = [kernels.mu[i] as number, kernels.sigma[i] as number];
      const value = truncatedQuantile(random.uniform(), (low - mu) / sigma, (high - mu) / sigma) * sigma + mu;
      params[kernels.name] = onGrid(domain, domain.log ? Math.exp(value) : value);
    }
    return params;
  }

  /** The natural logarithm of the density at each of the points (no Jacobian for logarithmic parameters). */
  logDensity(points: readonly Params[]): Float64Array {
    const count = this.weights.length;
    const table = new Float64Array(points.length * count);
    const logWeights = Float64Array.from(this.weights, Math.log);
    for (let p = 0; p < points.length; p++) table.set(logWeights, p * count);
    for (const kernels of this.#kernels) {
      const numbers = points.map((point) => toNumber(kernels.domain, point[kernels.name] as ParamValue));
      if ('rows' in kernels) addCategorical(table, kernels, numbers);
      else if (kernels.domain.step === undefined) addContinuous(table, kernels, numbers);
      else addStepped(table, kernels, numbers);
    }
    return Float64Array.from(points, (_, p) => logSumExp(table, p * count, count));
  }
}

/** Weights of n observations by age and of the prior (1), normalised. Beyond 25 the older ones fade linearly. */
export function mixtureWeights(n: number, even: boolean): Float64Array {
  const weights = new Float64Array(n + 1).fill(1);
  if (!even && n >= 25) {
    const old = n - 25;
    for (let i = 0; i < old; i++) weights[i] = old === 1 ? 1 / n : 1 / n + ((1 - 1 / n) * i) / (old - 1);
  }
  let sum = 0;
  for (const weight of weights) sum += weight;
  return weights.map((weight) => weight / sum);
}

function categoricalRows(domain: CategoricalDomain, observed: readonly number[]): Float64Array[] {
  const choices = domain.choices.length;
  const uniform = new Float64Array(choices).fill(1 / choices);
  if (observed.length === 0) return [uniform];
  const base = 1 / (observed.length + 1);
  const total = 1 + choices * base;
  const rows = observed.map((index) => {
    const row = new Float64Array(choices).fill(base / total);
    row[index] = (base + 1) / total;
    return row;
  });
  return [...rows, uniform];
}

function gaussians(domain: NumericDomain, observed: readonly number[]): Omit<NumericKernels, 'name' | 'domain'> {
  const [low, high] = transformedBounds(domain);
  const n = observed.length;
  const range = high - low;
  const mu = new Float64Array(n + 1);
  for (let i = 0; i < n; i++) mu[i] = domain.log ? Math.log(observed[i] as number) : (observed[i] as number);
  const sigma = new Float64Array(n + 1);
  const order = Array.from({ length: n }, (_, i) => i).sort((a, b) => (mu[a] as number) - (mu[b] as number));
  const least = range / Math.min(100, n + 2);
  for (let k = 0; k < n; k++) {
    const i = order[k] as number;
    const here = mu[i] as number;
    const left = here - (k === 0 ? low : (mu[order[k - 1] as number] as number));
    const right = (k === n - 1 ? high : (mu[order[k + 1] as number] as number)) - here;
    let width = Math.max(left, right);
    if (n >= 2 && k === 0) width = right;
    if (n >= 2 && k === n - 1) width = left;
    sigma[i] = Math.min(Math.max(width, least), range);
  }
  mu[n] = 0.5 * (low + high);
  sigma[n] = range;
  return { low, high, mu, sigma };
}

function addCategorical(table: Float64Array, { rows }: CategoricalKernels, indices: readonly number[]): void {
  const count = rows.length;
  for (const [p, index] of indices.entries()) {
    for (let i = 0; i < count; i++) addAt(table, p * count + i, Math.log((rows[i] as Float64Array)[index] as number));
  }
}

function addContinuous(table: Float64Array, kernels: NumericKernels, numbers: readonly number[]): void {
  const { mu, sigma, low, high, domain } = kernels;
  const count = mu.length;
  const offset = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const [m, s] = [mu[i] as number, sigma[i] as number];
    offset[i] = LOG_SQRT_2PI + logMass((low - m) / s, (high - m) / s) + Math.log(s);
  }
  for (const [p, number] of numbers.entries()) {
    const x = domain.log ? Math.log(number) : number;
    const outside = x < low || x > high;
    for (let i = 0; i < count; i++) {
      const z = (x - (mu[i] as number)) / (sigma[i] as number);
      addAt(table, p * count + i, outside ? -Infinity : -0.5 * z * z - (offset[i] as number));
    }
  }
}

/** Stepped values have the mass of the step around them; equal values and equal kernels are computed once. */
function addStepped(table: Float64Array, kernels: NumericKernels, numbers: readonly number[]): void {
  const { mu, sigma, low, high, domain } = kernels;
  const count = mu.length;
  const half = (domain.step ?? 0) / 2;
  const kinds = new Map<string, number>();
  const kind = new Int32Array(count);
  const samples: number[] = [];
  for (let i = 0; i < count; i++) {
    const key = `${mu[i]} ${sigma[i]}`;
    let known = kinds.get(key);
    if (known === undefined) {
      known = samples.length;
      kinds.set(key, known);
      samples.push(i);
    }
    kind[i] = known;
  }
  const total = samples.map((i) => massBetween(kernels, i, low, high));
  const seen = new Map<number, Float64Array>();
  for (const [p, number] of numbers.entries()) {
    let masses = seen.get(number);
    if (masses === undefined) {
      const [left, right] = domain.log
        ? [Math.log(number - half), Math.log(number + half)]
        : [number - half, number + half];
      masses = Float64Array.from(samples, (i, k) => massBetween(kernels, i, left, right) - (total[k] as number));
      seen.set(number, masses);
    }
    for (let i = 0; i < count; i++) addAt(table, p * count + i, masses[kind[i] as number] as number);
  }
}

function massBetween({ mu, sigma }: NumericKernels, i: number, left: number, right: number): number {
  const [m, s] = [mu[i] as number, sigma[i] as number];
  return logMass((left - m) / s, (right - m) / s);
}

function logSumExp(table: Float64Array, from: number, count: number): number {
  let most = -Infinity;
  for (let i = from; i < from + count; i++) if ((table[i] as number) > most) most = table[i] as number;
  if (most === -Infinity) return -Infinity;
  let sum = 0;
  for (let i = from; i < from + count; i++) sum += Math.exp((table[i] as number) - most);
  return Math.log(sum) + most;
}

/** Parameters with one value only are not modelled: there is nothing to learn. */
export function isOpen(parameter: Parameter): boolean {
  return cardinality(parameter.domain) !== 1;
}
