import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import { openDataRepo } from '../../repo/open/open-data-repo.ts';
import { repro } from '../../repo/pipeline/repro.ts';
import { Worktrees } from '../../repo/worktrees/worktrees.ts';
import { canonicalStage } from '../../tracking/index.ts';
import type { FullTrial, OpenStudy } from '../../tune/index.ts';
import { openPlace, trackingPlace } from '../places/tracking-home.ts';
import { userName } from '../recording/repro.ts';
import { promote, type Promoted } from '../registry/promote.ts';
import { registerModel } from '../registry/register.ts';
import { modelsOfRun } from '../registry/run-model.ts';
import { trialPaths } from './check-metrics.ts';
import { nameOf, type TuneSettings } from './settings.ts';
import { paramPlaces, writeParams } from './trial-params.ts';

export interface PromoteBestOptions {
  /** The registered model. */
  readonly name: string;
  /** The output that holds the model; the only one that looks like it where it is not said. */
  readonly model?: string | undefined;
  readonly stage: string;
  readonly require: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Registers the model of a trial, and promotes it where it meets its thresholds and is better than what is in the
 * stage now by the study's metric.
 *
 * @throws MlopsError `gate_failed` (the version stays registered), `model_not_found`.
 */
export async function promoteBest(
  study: OpenStudy,
  trial: FullTrial,
  settings: TuneSettings,
  options: PromoteBestOptions,
): Promise<Promoted> {
  const { cwd, env, name } = options;
  const place = trackingPlace(cwd, env);
  const store = await openPlace(place);
  const user = userName(env);
  try {
    const register = (source: string, root: string) =>
      registerModel(store, {
        ...{ source, name, cwd: root, root, user, metrics: new Map<string, number>() },
        tags: [
          { key: 'mlops.study', value: study.name },
          { key: 'mlops.trial', value: String(trial.number) },
        ],
      });
    const run = await store.getRun(trial.facts.runId ?? '');
    const [logged] = await modelsOfRun(store, run);
    const { version } =
      logged === undefined
        ? await withTrialFiles(place.root, study, trial, settings, options, register)
        : await register(`runs:/${run.info.id}/${logged.name}`, place.root);
    const [objective] = settings.objectives;
    const metric = objective === undefined ? undefined : nameOf(objective.source);
    const less = objective?.direction === 'minimize';
    return await promote(
      store,
      { name, selector: version.version },
      {
        stage: canonicalStage(options.stage),
        archiveExisting: true,
        by: user,
        why: `best of study ${study.name}, trial ${trial.number}`,
        require: options.require,
        ...(metric === undefined ? {} : { betterThan: options.stage, on: less ? `-${metric}` : metric, orNone: true }),
      },
    );
  } finally {
    await store.close();
  }
}

/** Brings a pipeline's outputs back as they were in a trial (its stages are in the cache) and works with them. */
async function withTrialFiles<Result>(
  root: string,
  study: OpenStudy,
  trial: FullTrial,
  settings: TuneSettings,
  options: PromoteBestOptions,
  work: (file: string, root: string) => Promise<Result>,
): Promise<Result> {
  const { job } = settings;
  if (job.kind === 'command') {
    throw new MlopsError('model_not_found', `trial ${trial.number} logged no model`, {
      hint: "the command logs it itself, with an MLflow client's log_model",
    });
  }
  const worktrees = await Worktrees.open({ root, ...(await trialPaths(root, settings, options.env)) });
  try {
    const tree = worktrees.make();
    writeParams(tree.root, paramPlaces(tree.root, settings, study.view.space), trial.params);
    const repo = await openDataRepo(tree.root, { env: options.env });
    try {
      await repro(repo, { targets: job.targets });
      const outs = repo.stages().flatMap((stage) => (stage.kind === 'pipeline' ? stage.outs : []));
      const paths = outs.flatMap((out) => (out.metric || out.plot !== undefined ? [] : (out.path ?? [])));
      const file = options.model ?? modelAmong(tree.root, paths);
      return await work(path.join(tree.root, file), tree.root);
    } finally {
      repo.close();
    }
  } finally {
    worktrees.close();
  }
}

function modelAmong(root: string, paths: readonly string[]): string {
  const found = paths.filter((file) => /\.onnx$/i.test(file) || fs.existsSync(path.join(root, file, 'MLmodel')));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new MlopsError('model_not_found', `${found.length === 0 ? 'no output' : 'more than one output'} is a model`, {
    hint: `name it: --model PATH (outputs are ${paths.slice(0, 12).join(', ')})`,
  });
}
