import { invalid } from '../../mlflow/index.ts';

/** How many items a page may have, in MLflow's words, which differ by the kind of search. */
function atMost50000(size = 1000): number {
  if (size >= 1 && size <= 50_000) return size;
  const rule = size < 1 ? 'It must be a positive integer' : 'It must be at most 50000';
  throw invalid(`Invalid value ${size} for parameter 'max_results' supplied. ${rule}`);
}

/** More than any page holds, and a number that databases add one to. */
const most = 2 ** 31 - 1;

export const pageSizes = {
  experiments: atMost50000,
  runs: atMost50000,
  history(size: number | undefined): number | undefined {
    if (size === undefined || size >= 1) return size === undefined ? undefined : Math.min(size, most);
    throw invalid(`Invalid value ${size} for parameter 'max_results' supplied: it must be a positive integer`);
  },
  /** Protobuf cannot tell 0 from absent. */
  loggedModels(size = 0): number {
    if (size < 0) throw invalid(`Invalid value ${size} for parameter 'max_results' supplied`);
    return size === 0 ? 50 : Math.min(size, most);
  },
  registeredModels(size = 100): number {
    if (size >= 0 && size <= 1000) return size;
    throw invalid(`Invalid value for request parameter max_results. It must be at most 1000, but got value ${size}`);
  },
  versions(size = 200_000): number {
    if (size >= 1 && size <= 200_000) return size;
    throw invalid(`Invalid value for request parameter max_results. It must be at most 200000, but got value ${size}`);
  },
  traces(size = 100): number {
    if (size >= 1 && size <= 500) return size;
    throw invalid(`Invalid value ${size} for parameter 'max_results' supplied: use 1 to 500`);
  },
  webhooks(size = 100): number {
    if (size >= 1 && size <= 1000) return size;
    throw invalid('max_results must be between 1 and 1000.');
  },
} as const;
