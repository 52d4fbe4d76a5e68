import type { Column } from '../../tables/index.ts';
import { ksTest } from '../statistics/ks.ts';
import { pooledShares, quantileShares, uniformShares } from './bins.ts';
import { chi2Contingency, chi2Fit, proportions } from './counts-tests.ts';
import * as distances from './distances.ts';
import { categorySamples, shares, sortedNumbers, type CategorySamples, type NumberSamples } from './samples.ts';

/** What a method finds in one column. */
export interface Measured {
  readonly statistic: number;
  /** Undefined for distances. */
  readonly pValue?: number | undefined;
  /** How large the change is, whatever n: see `effect` of the method. */
  readonly effect: number;
}

/** A column before and now, as the methods need it; each form is made when first asked for. */
export class Pair {
  readonly reference: Column;
  readonly current: Column;
  #numbers: NumberSamples | undefined;
  #categories: CategorySamples | undefined;

  constructor(reference: Column, current: Column) {
    this.reference = reference;
    this.current = current;
  }

  get numeric(): boolean {
    return this.reference.kind === 'number' && this.current.kind === 'number';
  }

  get numbers(): NumberSamples {
    this.#numbers ??= { reference: sortedNumbers(this.reference), current: sortedNumbers(this.current) };
    return this.#numbers;
  }

  get categories(): CategorySamples {
    this.#categories ??= categorySamples(this.reference, this.current);
    return this.#categories;
  }
}

export interface Method {
  /** What it can judge: numbers, any column as categories, or numbers by their bins and others as categories. */
  readonly takes: 'numbers' | 'categories' | 'both';
  /** Drift from this on; undefined for tests, whose p-value is held against the level. */
  readonly threshold?: number | ((pair: Pair) => number);
  /** Undefined where the column does not fit the method. */
  readonly measure: (pair: Pair) => Measured | undefined;
}

type ShareDistance = (p: Float64Array, q: Float64Array) => number;
type Bins = (reference: Float64Array, current: Float64Array) => [Float64Array, Float64Array];

/** A distance of shares: of categories, and with `bins` of numbers in bins. */
function ofShares(distance: ShareDistance, threshold: number, bins?: Bins): Method {
  return {
    takes: bins === undefined ? 'categories' : 'both',
    threshold,
    measure(pair) {
      const both: [Float64Array, Float64Array] =
        bins !== undefined && pair.numeric
          ? bins(pair.numbers.reference, pair.numbers.current)
          : [shares(pair.categories.reference), shares(pair.categories.current)];
      const statistic = distance(...both);
      return { statistic, effect: statistic };
    },
  };
}

function ofNumbers(distance: ShareDistance, threshold: Method['threshold']): Method {
  return {
    takes: 'numbers',
    ...(threshold === undefined ? {} : { threshold }),
    measure({ numbers }) {
      const statistic = distance(numbers.reference, numbers.current);
      return { statistic, effect: statistic };
    },
  };
}

/** A test of counts; its effect is the total variation of the shares. */
function ofCounts(test: (samples: CategorySamples) => Pick<Measured, 'statistic' | 'pValue'> | undefined): Method {
  return {
    takes: 'categories',
    measure({ categories }) {
      const found = test(categories);
      if (found === undefined) return undefined;
      const effect = distances.totalVariation(shares(categories.reference), shares(categories.current));
      return { ...found, effect };
    },
  };
}

/** The methods for one column, by the names that users give. Definitions: docs/monitoring.md. */
export const methods = {
  ks: {
    takes: 'numbers',
    measure({ numbers }) {
      const found = ksTest(numbers.reference, numbers.current);
      return { ...found, effect: found.statistic };
    },
  },
  chi2: ofCounts(chi2Contingency),
  chi2_gof: ofCounts(chi2Fit),
  z: ofCounts(proportions),
  js: ofShares(distances.jensenShannon, 0.1, pooledShares),
  wasserstein: ofNumbers(distances.wasserstein, (pair) => 0.1 * distances.spread(pair.numbers.reference)),
  wasserstein_norm: ofNumbers(distances.normalizedWasserstein, 0.1),
  psi: ofShares(distances.stabilityIndex, 0.2, quantileShares),
  psi_uniform: ofShares(distances.stabilityIndex, 0.2, uniformShares),
  tv: ofShares(distances.totalVariation, 0.1),
  linf: ofShares(distances.largestDifference, 0.1),
  hellinger: ofShares(distances.hellinger, 0.1),
  kl: ofShares(distances.kullbackLeibler, 0.1),
} as const satisfies Readonly<Record<string, Method>>;

export type MethodName = keyof typeof methods;
