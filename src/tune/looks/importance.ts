import { logMass } from '../normal.ts';
import { goodTrials } from '../split.ts';
import { cardinality, toNumber, type Parameter, type ParamValue, type Space } from '../space.ts';
import { losses, type Direction, type Trial } from '../trial.ts';

const steps = 50;
const targetQuantile = 0.1;
const leastTrials = 2;

/**
 * How much each parameter matters for being among the best tenth: PED-ANOVA (Watanabe et al. 2023, arXiv:2304.10255)
 * with conditional parameters by regimes (arXiv:2601.20800), as Optuna 5 has it by default. The sum is 1; the most
 * important one comes first. Empty where fewer than two trials are complete.
 */
export function importance(
  trials: readonly Trial[],
  space: Space,
  directions: readonly Direction[],
): ReadonlyMap<string, number> {
  const complete = trials.filter(({ state, values }) => state === 'COMPLETE' && values.every(Number.isFinite));
  const parameters = space.parameters.filter(({ name }) => complete.some(({ params }) => params[name] !== undefined));
  const best = bestOf(complete, directions);
  const raw = parameters.map((parameter) => {
    const value = complete.length <= 1 ? 0 : divergence(parameter, complete, best);
    return [parameter.name, value] as const;
  });
  const sum = raw.reduce((total, [, value]) => total + value, 0);
  const shares = raw.map(([name, value]) => [name, sum === 0 ? 1 / raw.length : value / sum] as const);
  return new Map(shares.sort((a, b) => b[1] - a[1]));
}

/** Those up to the value that a tenth of all trials reaches, more of them on ties. */
function bestOf(complete: readonly Trial[], directions: readonly Direction[]): ReadonlySet<Trial> {
  const count = Math.ceil(targetQuantile * complete.length);
  if (directions.length > 1) return new Set(goodTrials(complete, directions, count));
  const loss = (trial: Trial): number => losses(trial, directions)[0] as number;
  const cutoff = complete.map(loss).sort((a, b) => a - b)[count - 1] as number;
  return new Set(complete.filter((trial) => loss(trial) <= cutoff));
}

function divergence(parameter: Parameter, all: readonly Trial[], best: ReadonlySet<Trial>): number {
  const { name, domain } = parameter;
  const region = all.filter(({ params }) => params[name] !== undefined);
  const target = region.filter((trial) => best.has(trial));
  if (region.length < leastTrials || target.length === 0 || cardinality(domain) === 1) return 0;
  const top = density(parameter, target);
  const local = density(parameter, region);
  let pearson = 0;
  for (const [i, p] of local.entries()) pearson += p * ((top[i] as number) / p - 1) ** 2;
  const alpha = target.length / best.size;
  const beta = region.length / all.length;
  return (alpha ** 2 / beta) * pearson * (best.size / all.length) ** 2;
}

/** The probabilities of the cells of a grid over a domain, by a Parzen estimator over the cells' counts. */
function density(parameter: Parameter, trials: readonly Trial[]): number[] {
  const counts = cellCounts(parameter, trials);
  const cells = counts.flatMap((count, i) => (count > 0 ? [i] : []));
  const weights = cells.map((cell) => counts[cell] as number);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mixture = [...weights, 1].map((weight) => weight / (total + 1));
  const kernel =
    parameter.domain.type === 'categorical'
      ? categorical(cells, counts.length)
      : numeric(cells, weights, counts.length);
  return counts.map((_, x) => mixture.reduce((sum, weight, k) => sum + weight * kernel(k, x), 0) + 1e-12);
}

type Kernel = (index: number, cell: number) => number;

function categorical(cells: readonly number[], choices: number): Kernel {
  const prior = 1 / (cells.length + 1);
  return (index, cell) => {
    const own = cells[index];
    return own === undefined ? 1 / choices : (prior + (own === cell ? 1 : 0)) / (1 + choices * prior);
  };
}

/** Truncated Gaussians on cells, their width by Scott's rule (1992). */
function numeric(cells: readonly number[], weights: readonly number[], size: number): Kernel {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const weighted = (of: (cell: number) => number): number =>
    cells.reduce((sum, cell, i) => sum + of(cell) * (weights[i] as number), 0);
  const mean = weighted((cell) => cell) / total;
  const deviation = Math.sqrt(weighted((cell) => (cell - mean) ** 2) / Math.max(1, total - 1));
  let sum = 0;
  const cumulated = weights.map((weight) => (sum += weight));
  const first = cumulated.findIndex((each) => each >= Math.floor(total / 4));
  const above = cumulated.findIndex((each) => each > Math.floor((total * 3) / 4));
  const third = above < 0 ? cells.length - 1 : Math.min(above, cells.length - 1);
  const range = (cells[third] as number) - (cells[first] as number);
  const sigma = Math.max(1.059 * Math.min(range / 1.34, deviation) * total ** -0.2, 0.5 / 1.64);
  const high = size - 1;
  return (index, cell) => {
    const own = cells[index];
    const [mu, width] = own === undefined ? [high / 2, high + 1] : [own, sigma];
    const mass = logMass((cell - 0.5 - mu) / width, (cell + 0.5 - mu) / width);
    return Math.exp(mass - logMass((-0.5 - mu) / width, (high + 0.5 - mu) / width));
  };
}

function cellCounts({ name, domain }: Parameter, trials: readonly Trial[]): number[] {
  const values = trials.map(({ params }) => toNumber(domain, params[name] as ParamValue));
  if (domain.type === 'categorical') return counted(values, domain.choices.length);
  const size =
    domain.type === 'int' && domain.log
      ? Math.min(Math.ceil(Math.log(domain.high - domain.low + 1) / Math.log(2)) + 1, steps)
      : domain.step !== undefined
        ? Math.min(Math.round((domain.high - domain.low) / domain.step) + 1, steps)
        : steps;
  const map = (value: number): number => (domain.log ? Math.log(value) : value);
  const [low, high] = [map(domain.low), map(domain.high)];
  const width = (high - low) / (size - 1);
  const cells = values.map((value) => Math.min(Math.max(Math.ceil((map(value) - low) / width - 0.5), 0), size - 1));
  return counted(cells, size);
}

function counted(cells: readonly number[], size: number): number[] {
  const counts = Array.from({ length: size }, () => 0);
  for (const cell of cells) counts[cell] = (counts[cell] ?? 0) + 1;
  return counts;
}
