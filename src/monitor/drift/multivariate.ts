import { MlopsError } from '../../base/index.ts';
import type { Column } from '../../tables/index.ts';
import { domainClassifier } from './classifier.ts';
import { matrixOf, standardize, thinned, type Matrix } from './matrix.ts';
import { maximumMeanDiscrepancy } from './mmd.ts';
import { centroidDistance } from './centroid.ts';
import { reconstructionError } from './pca.ts';
import type { Found, MultivariateDrift } from './report.ts';

export interface MultivariateOptions {
  /** Scale both tables by the deviation of the reference. */
  readonly standardize?: boolean | undefined;
  readonly level?: number | undefined;
  readonly threshold?: number | undefined;
  readonly minCount?: number | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
}

type MultivariateMethod = (reference: Matrix, current: Matrix, seed: number) => Found;

interface Entry {
  readonly run: MultivariateMethod;
  /** Rows of a side that are looked at; of more, a seeded choice. */
  readonly maxRows: number;
  /** Always on scaled columns. */
  readonly scaled?: true;
}

const entries = {
  mmd: { run: maximumMeanDiscrepancy, maxRows: 2_500 },
  centroid: { run: centroidDistance, maxRows: 1_000_000 },
  classifier: { run: domainClassifier, maxRows: 50_000, scaled: true },
  pca: { run: reconstructionError, maxRows: 1_000_000, scaled: true },
} as const satisfies Readonly<Record<string, Entry>>;

export type MultivariateName = keyof typeof entries;
export const multivariateNames: readonly MultivariateName[] = Object.keys(entries) as MultivariateName[];

export function isMultivariateName(name: string): name is MultivariateName {
  return Object.hasOwn(entries, name);
}

/**
 * Compares the numeric columns of two tables together. Rows that lack a value are left out.
 * @throws MlopsError `invalid_value` where no column is numeric on both sides.
 */
export function checkTogether(
  name: MultivariateName,
  reference: ReadonlyMap<string, Column>,
  current: ReadonlyMap<string, Column>,
  options: MultivariateOptions = {},
): MultivariateDrift {
  const { level = 0.01, minCount = 30, seed = 0 } = options;
  const entry: Entry = entries[name];
  const columns = [...reference.values()]
    .filter((column) => column.kind === 'number' && current.get(column.name)?.kind === 'number')
    .map((column) => column.name);
  if (columns.length === 0) throw new MlopsError('invalid_value', `'${name}' needs numeric columns, there are none`);
  let before = matrixOf(reference, columns);
  let now = matrixOf(current, columns);
  const counts = [before.rows, now.rows] as const;
  if (options.standardize === true || entry.scaled === true) {
    [before, now] = standardize(before, now, entry.scaled === true);
  }
  const [x, y] = [thinned(before, entry.maxRows, seed), thinned(now, entry.maxRows, seed + 1)];
  const found = Math.min(x.rows, y.rows) < 2 ? undefined : entry.run(x, y, seed);
  const enough = Math.min(...counts) >= minCount;
  const threshold = options.threshold ?? level;
  const rings =
    found !== undefined &&
    (options.threshold === undefined
      ? found.pValue < level && found.statistic >= (found.least ?? -Infinity)
      : found.statistic >= options.threshold);
  const [n1, n2] = [reference, current].map((table) => table.get(columns[0] ?? '')?.rows ?? 0);
  const notes = [
    x.rows < before.rows || y.rows < now.rows ? `of a seeded choice of ${entry.maxRows} rows a side at most` : '',
    found === undefined ? 'too few whole rows' : '',
  ].filter((note) => note !== '');
  return {
    method: name,
    columns,
    statistic: found?.statistic ?? null,
    p_value: found?.pValue ?? null,
    ...found?.details,
    threshold,
    drifted: enough && rings,
    verdict: !enough ? 'too_few' : rings ? 'drift' : 'no_drift',
    n_reference: n1 ?? 0,
    n_current: n2 ?? 0,
    missing_reference: (n1 ?? 0) - counts[0],
    missing_current: (n2 ?? 0) - counts[1],
    ...(notes.length === 0 ? {} : { reason: notes.join('; ') }),
  };
}
