import type { Run } from '../../mlflow/index.ts';

/** One thing that runs have, with its value in each run; undefined where a run has none. */
export interface ComparedField {
  readonly kind: 'param' | 'metric' | 'info';
  readonly key: string;
  readonly values: readonly (string | number | undefined)[];
  readonly differs: boolean;
}

/** Lays runs side by side: facts, params, metrics. */
export function compareRuns(runs: readonly Run[]): ComparedField[] {
  return [
    field('info', 'status', runs, (run) => run.info.status),
    field('info', 'commit', runs, (run) => tagOf(run, 'mlflow.source.git.commit')?.slice(0, 8)),
    ...keysOf(runs, (run) => run.params).map((key) =>
      field('param', key, runs, (run) => run.params.find((param) => param.key === key)?.value),
    ),
    ...keysOf(runs, (run) => run.metrics).map((key) =>
      field('metric', key, runs, (run) => run.metrics.find((metric) => metric.key === key)?.value),
    ),
  ];
}

export function tagOf(run: Run, key: string): string | undefined {
  return run.tags.find((tag) => tag.key === key)?.value;
}

function keysOf(runs: readonly Run[], of: (run: Run) => readonly { readonly key: string }[]): string[] {
  return [...new Set(runs.flatMap((run) => of(run).map(({ key }) => key)))].sort();
}

function field(
  kind: ComparedField['kind'],
  key: string,
  runs: readonly Run[],
  of: (run: Run) => string | number | undefined,
): ComparedField {
  const values = runs.map(of);
  return { kind, key, values, differs: new Set(values.map(String)).size > 1 };
}
