import type { DataRepo } from '../../repo/open/data-repo.ts';
import { freshName } from '../../repo/experiments/experiment-names.ts';
import { applyOverrides, parseOverrides } from '../../repo/experiments/experiment-overrides.ts';
import { listExperimentRefs } from '../../repo/open/experiment-refs.ts';
import { experimentBaseline, refuseTakenName, saveExperiment } from '../../repo/experiments/experiment-save.ts';
import type { Override } from '../../repo/experiments/override-edit.ts';
import type { OnReproEvent } from '../../repo/pipeline/repro-events.ts';
import { recordedRepro, type RecordedReproOptions } from './repro.ts';

export interface ExperimentRunOptions extends RecordedReproOptions {
  readonly name?: string | undefined;
  /** `key=value` overrides of params; several values make a grid. */
  readonly set?: readonly string[];
  readonly message?: string | undefined;
  /** Files that Git does not track, to be saved with the experiment (absolute). */
  readonly include?: readonly string[];
  /** Told before each experiment. */
  readonly onExperiment?: (name: string) => void;
}

/**
 * Runs the pipeline with changed params in the workspace, and saves each result as an experiment on top of
 * HEAD, where `exp show` and DVC find it. A grid is run combination by combination.
 *
 * @returns names of the experiments.
 * @throws MlopsError what `repro` throws; `usage` for a name that is taken.
 */
export async function runExperiments(repo: DataRepo, options: ExperimentRunOptions): Promise<string[]> {
  const baseline = experimentBaseline(repo);
  const combinations = parseOverrides(options.set ?? []);
  const names: string[] = [];
  const taken = new Set(listExperimentRefs(repo.root).map((ref) => ref.name));
  for (const [index, overrides] of combinations.entries()) {
    const given =
      options.name === undefined || combinations.length === 1 ? options.name : `${options.name}-${index + 1}`;
    const name = given ?? freshName(taken);
    taken.add(name);
    refuseTakenName(repo, baseline, name, options.force === true);
    const variables = { ...options.variables, DVC_EXP_NAME: name, DVC_EXP_BASELINE_REV: baseline };
    await withParams(repo, overrides, options, (onEvent) => {
      options.onExperiment?.(name);
      return recordedRepro(repo, { ...options, onEvent, variables, command: `exp run ${name}` });
    });
    if (options.dry !== true) {
      saveExperiment(repo, {
        name,
        force: options.force === true,
        message: options.message,
        include: options.include ?? [],
      });
    }
    names.push(name);
  }
  return names;
}

/**
 * Works with changed params. They stay changed when a stage has begun to work with them; where nothing ran (a dry run,
 * or a refusal before the first stage) the files are again what they were.
 */
async function withParams(
  repo: DataRepo,
  overrides: readonly Override[],
  options: ExperimentRunOptions,
  work: (onEvent: OnReproEvent) => Promise<unknown>,
): Promise<void> {
  // From here on a signal must not end the process before the files are what they were.
  await new Promise((resolve) => void setImmediate(resolve));
  const applied = applyOverrides(repo.root, overrides);
  let finished = false;
  let begun = false;
  try {
    repo.forget();
    await work((event) => {
      begun ||= ['running', 'cached', 'verifying', 'pulling'].includes(event.kind);
      options.onEvent?.(event);
    });
    finished = true;
  } finally {
    if (options.dry === true || (!finished && !begun)) {
      applied.undo();
      repo.forget();
    }
  }
}
