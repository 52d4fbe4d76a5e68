import { createHash } from 'node:crypto';
import * as path from 'node:path';

import { didYouMean, MlopsError, pythonJson, type PyMap } from '../../base/index.ts';
import { headCommit, restoreFiles, runGit, snapshotCommit, updateRef } from '../../git/index.ts';
import { lockedStageMap, lockFileOf } from '../../project/index.ts';
import { privateSubfolder } from '../../trust/index.ts';
import { checkout } from '../workspace/checkout.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { listExperimentRefs, type ExperimentRef } from '../open/experiment-refs.ts';
import { absolutePath } from '../open/pipeline-project.ts';
import { requireGit, resolveProjectRevision } from '../open/revisions.ts';

export interface SaveOptions {
  readonly name: string;
  readonly force?: boolean;
  readonly message?: string | undefined;
  /** Files that Git does not track, to be saved too (absolute). */
  readonly include?: readonly string[];
}

/** The commit that experiments start from; throws `not_a_git_repo` or `unknown_revision` where there is none. */
export function experimentBaseline(repo: DataRepo): string {
  requireGit(repo.root);
  const head = headCommit(repo.gitRoot ?? repo.root);
  if (head !== undefined) return head;
  throw new MlopsError('unknown_revision', 'experiments need a commit to start from, and there is none yet', {
    hint: 'commit what you have: git add . && git commit -m "first"',
  });
}

/** Saves the workspace as an experiment on top of HEAD: a commit that no branch knows, under DVC's refs. */
export function saveExperiment(repo: DataRepo, options: SaveOptions): ExperimentRef {
  const baseline = experimentBaseline(repo);
  refuseTakenName(repo, baseline, options.name, options.force === true);
  const root = repo.gitRoot ?? repo.root;
  repo.forget();
  const commit = snapshotCommit(root, {
    parent: baseline,
    message: options.message ?? `dvc: commit experiment ${experimentHash(repo)}`,
    add: [...projectFiles(repo), ...(options.include ?? [])],
    tempDir: privateSubfolder(repo.stateDir, 'tmp', { make: true }),
  });
  updateRef(root, refOf(baseline, options.name), commit);
  return { name: options.name, baseline, commit };
}

/** @throws MlopsError `resource_exists` when the name is taken on this baseline, `usage` when it cannot be one. */
export function refuseTakenName(repo: DataRepo, baseline: string, name: string, force: boolean): void {
  if (!/^[^\s~^:?*[\\\]]+$/.test(name) || name.startsWith('-') || name.includes('..') || name.endsWith('.lock')) {
    throw new MlopsError(
      'usage',
      `Invalid exp name ${name}, the exp name must follow rules in https://git-scm.com/docs/git-check-ref-format`,
      { exit: 255 },
    );
  }
  const taken = listExperimentRefs(repo.root).some((ref) => ref.baseline === baseline && ref.name === name);
  if (!taken || force) return;
  throw new MlopsError(
    'resource_exists',
    `Experiment conflicts with existing experiment '${name}'. To overwrite the existing experiment run:\n\n\tdvc exp run -f ...\n`,
  );
}

function refOf(baseline: string, name: string): string {
  return `refs/exps/${baseline.slice(0, 2)}/${baseline.slice(2)}/${name}`;
}

/** What tells experiments apart: all pipeline stages as dvc.lock has them. */
function experimentHash(repo: DataRepo): string {
  const stages: PyMap = new Map();
  for (const stage of repo.stages()) {
    if (stage.kind === 'pipeline' && stage.locked !== undefined)
      stages.set(stage.name ?? '', lockedStageMap(stage.locked));
  }
  return createHash('sha256').update(pythonJson(stages)).digest('hex');
}

/** Files of the pipeline that Git should know: stage files, locks, params, deps and outputs that are not cached. */
function projectFiles(repo: DataRepo): string[] {
  const files = new Set<string>();
  for (const stage of repo.stages()) {
    files.add(path.join(repo.root, stage.file));
    if (stage.kind === 'pipeline') files.add(path.join(repo.root, lockFileOf(stage.file)));
    for (const params of stage.params) files.add(absolutePath(repo, stage, params));
    for (const dep of stage.deps) if (dep.path !== undefined) files.add(absolutePath(repo, stage, dep));
    for (const out of stage.outs) {
      if (out.path === undefined) continue;
      files.add(path.join(path.dirname(absolutePath(repo, stage, out)), '.gitignore'));
      if (!out.cache) files.add(absolutePath(repo, stage, out));
    }
  }
  return [...files];
}

/** Gives the workspace the state of an experiment; the state before is kept under `refs/exps/apply/stash`. */
export async function applyExperiment(repo: DataRepo, name: string, signal?: AbortSignal): Promise<void> {
  const root = repo.gitRoot ?? repo.root;
  const baseline = experimentBaseline(repo);
  const commit = experimentCommit(repo, name);
  const before = snapshotCommit(root, {
    parent: baseline,
    message: `mlops: workspace before exp apply ${name}`,
    add: projectFiles(repo),
    tempDir: privateSubfolder(repo.stateDir, 'tmp', { make: true }),
  });
  updateRef(root, 'refs/exps/apply/ORIG_HEAD', baseline);
  updateRef(root, 'refs/exps/apply/stash', before);
  restoreFiles(root, before, commit);
  repo.forget();
  await checkout(repo, { targets: [], force: true, signal });
}

function experimentCommit(repo: DataRepo, name: string): string {
  const named = listExperimentRefs(repo.root).filter((ref) => ref.name === name);
  if (named.length > 0) return resolveProjectRevision(repo.root, name);
  try {
    return resolveProjectRevision(repo.root, name);
  } catch (error) {
    throw invalidName(repo, name, error);
  }
}

function invalidName(repo: DataRepo, name: string, cause?: unknown): MlopsError {
  const known = listExperimentRefs(repo.root).map((ref) => ref.name);
  return new MlopsError('unknown_revision', `'${name}' is not a valid experiment name`, {
    hint: didYouMean(name, known) ?? 'see `mlops exp list -A`',
    cause,
  });
}

/** Makes a branch of an experiment. Throws when a branch has the name. */
export function branchExperiment(repo: DataRepo, name: string, branch: string): void {
  const root = repo.gitRoot ?? repo.root;
  const commit = experimentCommit(repo, name);
  const exists = runGit(root, ['rev-parse', '-q', '--verify', `refs/heads/${branch}`], { accept: [0, 1] }).status === 0;
  if (exists) {
    throw new MlopsError('usage', `Git branch '${branch}' already exists.`, { exit: 255, hint: 'give another name' });
  }
  runGit(root, ['branch', branch, commit]);
}

export interface RemoveChoice {
  readonly names?: readonly string[];
  /** All experiments, of whatever baseline. */
  readonly all?: boolean;
  /** Those of these baselines. */
  readonly revisions?: readonly string[];
  /** Keep the named ones, remove the others that are selected. */
  readonly keep?: readonly string[];
  /** Remove none. */
  readonly dry?: boolean;
}

/** Removes experiments. @returns their names. */
export function removeExperiments(repo: DataRepo, choice: RemoveChoice): string[] {
  requireGit(repo.root);
  const root = repo.gitRoot ?? repo.root;
  const refs = listExperimentRefs(repo.root);
  const baselines = new Set((choice.revisions ?? []).map((name) => resolveProjectRevision(repo.root, name)));
  for (const name of choice.names ?? []) {
    const known = refs.some((ref) => ref.name === name || ref.commit?.startsWith(name) === true);
    if (!known) throw invalidName(repo, name);
  }
  const named = (ref: ExperimentRef): boolean =>
    (choice.names ?? []).some(
      (name) => ref.name === name || (name.length >= 7 && ref.commit?.startsWith(name) === true),
    );
  const removed = refs.filter((ref) => {
    if ((choice.keep ?? []).includes(ref.name)) return false;
    return choice.all === true || named(ref) || baselines.has(ref.baseline);
  });
  if (choice.dry !== true) for (const ref of removed) updateRef(root, refOf(ref.baseline, ref.name), undefined);
  return removed.map((ref) => ref.name);
}

/** Gives an experiment another name. */
export function renameExperiment(repo: DataRepo, name: string, newName: string, force: boolean): void {
  requireGit(repo.root);
  const root = repo.gitRoot ?? repo.root;
  const refs = listExperimentRefs(repo.root).filter((ref) => ref.name === name);
  if (refs.length === 0) throw invalidName(repo, name);
  for (const ref of refs) refuseTakenName(repo, ref.baseline, newName, force);
  for (const ref of refs) {
    updateRef(root, refOf(ref.baseline, newName), ref.commit);
    updateRef(root, refOf(ref.baseline, name), undefined);
  }
}
