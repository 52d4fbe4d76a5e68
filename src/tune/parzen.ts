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
/** Probabilities of the choices: `hit` for the one that a kernel observed, else `miss`; the last, the prior, is even. */
interface CategoricalKernels {
  readonly name: string;
  readonly domain: CategoricalDomain;
  /** Indices of choices, one for each kernel but the prior. */
  readonly observed: readonly number[];
  readonly hit: number;
  readonly miss: number;
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
        ? { name, domain, ...categorical(domain, numbers) }
        : { name, domain, ...gaussians(domain, numbers) };
    });
  }

  data(): KernelData {
    const parameters: KernelData['parameters'] = {};
    for (const kernels of this.#kernels) {
      parameters[kernels.name] =
        'observed' in kernels
          ? { weights: Array.from(this.weights, (_, i) => [...row(kernels, i)]) }
          : { mu: [...kernels.mu], sigma: [...kernels.sigma] };
    }
    return { weights: [...this.weights], parameters };
  }

  /** Draws one kernel for all parameters, then each parameter from its own part of it. */
  draw(random: Random): Record<string, ParamValue> {
    const i = random.weighted(this.weights);
    const params: Record<string, ParamValue> = {};
    for (const kernels of this.#kernels) {
      if ('observed' in kernels) {
        const choice = random.weighted(row(kernels, i));
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
    for (let i = 0; i < count; i++) table[i] = Math.log(this.weights[i] as number);
    for (let p = 1; p < points.length; p++) table.copyWithin(p * count, 0, count);
    for (const kernels of this.#kernels) {
      const numbers = points.map((point) => toNumber(kernels.domain, point[kernels.name] as ParamValue));
      if ('observed' in kernels) addCategorical(table, kernels, numbers);
      else if (kernels.domain.step === undefined) addContinuous(table, kernels, numbers);
      else addStepped(table, kernels, numbers);
    }
    const densities = new Float64Array(points.length);
    for (let p = 0; p < points.length; p++) densities[p] = logSumExp(table, p * count, count);
    return densities;
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
  for (let i = 0; i <= n; i++) sum += weights[i] as number;
  for (let i = 0; i <= n; i++) weights[i] = (weights[i] as number) / sum;
  return weights;
}

function categorical(
  { choices }: CategoricalDomain,
  observed: readonly number[],
): Omit<CategoricalKernels, 'name' | 'domain'> {
  const base = 1 / (observed.length + 1);
  const total = 1 + choices.length * base;
  return { observed, hit: (base + 1) / total, miss: base / total };
}

/** The probabilities of the choices in a kernel. */
function row({ domain, observed, hit, miss }: CategoricalKernels, i: number): Float64Array {
  const choices = domain.choices.length;
  const index = observed[i];
  if (index === undefined) return new Float64Array(choices).fill(1 / choices);
  const probabilities = new Float64Array(choices).fill(miss);
  probabilities[index] = hit;
  return probabilities;
}

function gaussians(domain: NumericDomain, observed: readonly number[]): Omit<NumericKernels, 'name' | 'domain'> {
  const [low, high] = transformedBounds(domain);
  const n = observed.length;
  const range = high - low;
  const mu = new Float64Array(n + 1);
  for (let i = 0; i < n; i++) mu[i] = domain.log ? Math.log(observed[i] as number) : (observed[i] as number);
  const sigma = new Float64Array(n + 1);
  // Only the values of neighbours count, so they are sorted without their owners; equal ones stand in trial order.
  const sorted = mu.slice(0, n).sort();
  const taken = new Float64Array(n);
  const least = range / Math.min(100, n + 2);
  for (let i = 0; i < n; i++) {
    const here = mu[i] as number;
    const first = firstAtLeast(sorted, here);
    const k = first + (taken[first] as number);
    addAt(taken, first, 1);
    const left = here - (k === 0 ? low : (sorted[k - 1] as number));
    const right = (k === n - 1 ? high : (sorted[k + 1] as number)) - here;
    let width = Math.max(left, right);
    if (n >= 2 && k === 0) width = right;
    if (n >= 2 && k === n - 1) width = left;
    sigma[i] = Math.min(Math.max(width, least), range);
  }
  mu[n] = 0.5 * (low + high);
  sigma[n] = range;
  return { low, high, mu, sigma };
}

function firstAtLeast(sorted: Float64Array, value: number): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sorted[middle] as number) < value) from = middle + 1;
    else to = middle;
  }
  return from;
}

function addCategorical(
  table: Float64Array,
  { domain, observed, hit, miss }: CategoricalKernels,
  indices: readonly number[],
): void {
  const n = observed.length;
  const [logHit, logMiss, logEven] = [Math.log(hit), Math.log(miss), -Math.log(domain.choices.length)];
  for (let p = 0; p < indices.length; p++) {
    const index = indices[p] as number;
    const at = p * (n + 1);
    for (let i = 0; i < n; i++) addAt(table, at + i, observed[i] === index ? logHit : logMiss);
    addAt(table, at + n, logEven);
  }
}

function addContinuous(table: Float64Array, kernels: NumericKernels, numbers: readonly number[]): void {
  const { mu, sigma, low, high, domain } = kernels;
  const count = mu.length;
  const offset = new Float64Array(count);
  const scale = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const [m, s] = [mu[i] as number, sigma[i] as number];
    scale[i] = 1 / s;
    offset[i] = LOG_SQRT_2PI + logMass((low - m) / s, (high - m) / s) + Math.log(s);
  }
  for (let p = 0; p < numbers.length; p++) {
    const number = numbers[p] as number;
    const x = domain.log ? Math.log(number) : number;
    const at = p * count;
    if (x < low || x > high) table.fill(-Infinity, at, at + count);
    else {
      for (let i = 0; i < count; i++) {
        const z = (x - (mu[i] as number)) * (scale[i] as number);
        addAt(table, at + i, -0.5 * z * z - (offset[i] as number));
      }
    }
  }
}

/** Stepped values have the mass of the step around them; equal values and equal kernels are computed once. */
function addStepped(table: Float64Array, kernels: NumericKernels, numbers: readonly number[]): void {
  const { mu, sigma, low, high, domain } = kernels;
  const count = mu.length;
  const half = (domain.step ?? 0) / 2;
  const kinds = new Map<number, Map<number, number>>();
  const kind = new Int32Array(count);
  const samples: number[] = [];
  for (let i = 0; i < count; i++) {
    let widths = kinds.get(mu[i] as number);
    if (widths === undefined) kinds.set(mu[i] as number, (widths = new Map<number, number>()));
    let known = widths.get(sigma[i] as number);
    if (known === undefined) {
      known = samples.length;
      widths.set(sigma[i] as number, known);
      samples.push(i);
    }
    kind[i] = known;
  }
  const total = new Float64Array(samples.length);
  for (const [k, i] of samples.entries()) total[k] = massBetween(kernels, i, low, high);
  const seen = new Map<number, Float64Array>();
  for (let p = 0; p < numbers.length; p++) {
    const number = numbers[p] as number;
    let masses = seen.get(number);
    if (masses === undefined) {
      const [left, right] = domain.log
        ? [Math.log(number - half), Math.log(number + half)]
        : [number - half, number + half];
      masses = new Float64Array(samples.length);
      for (let k = 0; k < samples.length; k++) {
        masses[k] = massBetween(kernels, samples[k] as number, left, right) - (total[k] as number);
      }
      seen.set(number, masses);
    }
    const at = p * count;
    for (let i = 0; i < count; i++) addAt(table, at + i, masses[kind[i] as number] as number);
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
  for (let i = from; i < from + count; i++) {
    const below = (table[i] as number) - most;
    // What is less than e^-60 of the greatest one changes no digit, even a million times.
    if (below > -60) sum += Math.exp(below);
  }
  return Math.log(sum) + most;
}

/** Parameters with one value only are not modelled: there is nothing to learn. */
export function isOpen(parameter: Parameter): boolean {
  return cardinality(parameter.domain) !== 1;
}
