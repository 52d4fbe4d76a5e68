import * as fs from 'node:fs';
import * as path from 'node:path';

import { didYouMean, MlopsError } from '../../base/index.ts';
import type { TreePath } from '../../git/index.ts';
import type { Stage } from '../../project/index.ts';
import { openDataRepo } from '../../repo/open/open-data-repo.ts';
import type { MetricSource, TuneSettings } from './settings.ts';
import { fileNumbers } from './trial-metrics.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Refuses a study without a metric, and one whose metric is not in a file that an earlier run wrote: better now than
 * after the first trial.
 *
 * @throws MlopsError `tune_metric` with the metrics that were seen.
 */
export async function checkMetrics(root: string, settings: TuneSettings, env: Env): Promise<void> {
  const { objectives, constraints } = settings;
  if (objectives.length === 0) {
    const seen = await seenMetrics(root, settings, env);
    throw new MlopsError('tune_metric', 'there is no metric to search for', {
      hint:
        seen.length === 0
          ? 'name one: --metric metrics.json:val.acc --max'
          : `name one: --metric ${seen[0]} --max; the project has ${seen.slice(0, 12).join(', ')}`,
    });
  }
  for (const { source } of [...objectives, ...constraints]) refuseUnknown(root, source);
}

function refuseUnknown(root: string, source: MetricSource): void {
  if (source.kind !== 'file' || source.key === '' || !fs.existsSync(path.join(root, source.file))) return;
  const seen = fileNumbers(root, source.file);
  if (typeof seen === 'string' || seen.size === 0 || seen.has(source.key)) return;
  const known = [...seen.keys()];
  throw new MlopsError('tune_metric', `metric '${source.key}' is not in '${source.file}'`, {
    hint: `${didYouMean(source.key, known) ?? 'name one that is'}; it has ${known.slice(0, 12).join(', ')}`,
    data: { known },
  });
}

async function seenMetrics(root: string, settings: TuneSettings, env: Env): Promise<string[]> {
  const stages = settings.job.kind === 'pipeline' && isProject(root) ? await stagesOf(root, env) : [];
  const files = new Set(
    stages.flatMap((stage) => stage.outs.filter((out) => out.metric).flatMap((out) => out.path ?? [])),
  );
  files.add('metrics.json');
  return [...files].flatMap((file) => {
    const numbers = fileNumbers(root, file);
    return typeof numbers === 'string' ? [] : [...numbers.keys()].map((key) => `${file}:${key}`);
  });
}

/**
 * What trials write: with these a worktree does not begin. And what lies outside of the project that they read.
 * @throws MlopsError `bad_path` for what they would write outside.
 */
export async function trialPaths(
  root: string,
  settings: TuneSettings,
  env: Env,
): Promise<{ readonly writes: readonly TreePath[]; readonly outside: readonly string[] }> {
  const { objectives, constraints, cost, progress, job } = settings;
  const sources = [
    ...objectives,
    ...constraints,
    ...(cost === undefined ? [] : [cost]),
    ...(progress === undefined ? [] : [progress]),
  ];
  const files = sources.flatMap(({ source }) => (source.kind === 'file' ? [source.file] : []));
  const own = [...files, ...settings.outs];
  if (job.kind === 'command') return { writes: own.map(tidy), outside: [] };
  if (!isProject(root)) {
    throw new MlopsError('not_a_project', `'${root}' is no project, so it has no pipeline to run`, {
      hint: 'make one (mlops init), or search over a command: mlops tune run ... -- python train.py',
    });
  }
  const stages = await stagesOf(root, env);
  const ran = stages.filter((stage) => stage.kind === 'pipeline' && !stage.frozen);
  if (ran.length === 0) {
    throw new MlopsError('unknown_stage', `there is no stage in '${root}'`, {
      hint: 'add some (mlops stage add), or search over a command: mlops tune run ... -- python train.py',
    });
  }
  const outs = ran.flatMap((stage) => stage.outs.flatMap((out) => (out.persist ? [] : (out.path ?? []))));
  for (const stage of ran) {
    const shared = stage.outs.find((out) => out.path === undefined && !isUrl(out.defPath));
    if (shared === undefined) continue;
    throw new MlopsError(
      'bad_path',
      `stage '${stage.address}' writes '${shared.defPath}', which is outside of the project: trials would overwrite each other's`,
      { hint: 'let it write inside of the project' },
    );
  }
  const outside = ran.flatMap(({ wdir, deps }) =>
    deps
      .filter((dep) => dep.path === undefined && dep.repo === undefined && !isUrl(dep.defPath))
      .filter(({ defPath }) => !path.isAbsolute(defPath))
      .map(({ defPath }) => path.posix.join(wdir, defPath)),
  );
  return { writes: [...outs, ...own].map(tidy), outside };
}

function isUrl(file: string): boolean {
  return file.includes('://');
}

function tidy(file: string): TreePath {
  return path.posix.normalize(file).replace(/\/$/, '');
}

function isProject(root: string): boolean {
  return fs.existsSync(path.join(root, '.dvc'));
}

async function stagesOf(root: string, env: Env): Promise<readonly Stage[]> {
  const repo = await openDataRepo(root, { lock: false, env });
  try {
    return repo.stages();
  } finally {
    repo.close();
  }
}
