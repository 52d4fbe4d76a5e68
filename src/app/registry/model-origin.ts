import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError } from '../../base/index.ts';
import { findGitRoot, gitState, worktreeTree } from '../../git/index.ts';
import type { Run } from '../../mlflow/index.ts';
import { readLockFile, readSettings } from '../../project/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { findRuns } from '../places/find-runs.ts';
import { outTag } from '../recording/record.ts';

/** Where a model file came from, as far as it can be told. */
export interface ModelOrigin {
  readonly md5: string | undefined;
  readonly commit: string | undefined;
  /** Relative to the project. */
  readonly path: string;
  /** The recorded run that made this very content, or the command that ran when the file was written. */
  readonly run: Run | undefined;
  /** The stage of a dvc.lock that made it, `train` or `sub/dvc.yaml:train`. */
  readonly stage: string | undefined;
}

/** Looks for the run and the stage that made a file, by its md5. */
export async function originOfModel(store: TrackingStore, file: string, root: string): Promise<ModelOrigin> {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  const md5 = stat?.isFile() === true ? await md5Of(file) : undefined;
  const inside = path.relative(root, file).split(path.sep).join('/');
  const gitRoot = findGitRoot(root);
  const commit = gitRoot === undefined ? undefined : gitState(gitRoot).commit;
  if (md5 === undefined) return { md5, commit, path: inside, run: undefined, stage: undefined };
  const run = (await runThatMade(store, inside, md5)) ?? (await commandThatWrote(store, file, root));
  return { md5, commit, path: inside, run, stage: stageThatMade(root, inside, md5) };
}

export async function md5Of(file: string): Promise<string> {
  const hash = createHash('md5');
  for await (const chunk of fs.createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function runThatMade(store: TrackingStore, file: string, md5: string): Promise<Run | undefined> {
  const filter = `tags.\`${outTag(file)}\` = '${md5}'`;
  const [run] = await findRuns(store, { filter, maxResults: 1 });
  return run;
}

/**
 * The newest `mlops run` of this project during which a file was last written. Commands record no outputs, so the time is
 * all there is to go by.
 */
async function commandThatWrote(store: TrackingStore, file: string, root: string): Promise<Run | undefined> {
  const written = Math.ceil(fs.statSync(file).mtimeMs);
  const name = readSettings(worktreeTree(root)).record.experiment ?? path.basename(root);
  const experiment = await store.getExperimentByName(name);
  if (experiment === undefined || experiment.lifecycle === 'deleted') return undefined;
  const found = await store.searchRuns({
    experimentIds: [experiment.id],
    filter: `tags.\`mlops.kind\` = 'command' AND attributes.start_time <= ${written} AND attributes.end_time >= ${written - 1000}`,
    maxResults: 1,
  });
  return found.items[0];
}

function stageThatMade(root: string, file: string, md5: string): string | undefined {
  const folder = path.posix.dirname(file);
  // The lock file lies in the folder of the out or in one above it.
  for (let at = folder; ; at = path.posix.dirname(at)) {
    const lock = at === '.' ? 'dvc.lock' : `${at}/dvc.lock`;
    const stage = stageIn(root, lock, path.posix.relative(at, file), md5);
    if (stage !== undefined) return at === '.' ? stage : `${at}/dvc.yaml:${stage}`;
    if (at === '.' || at === '..' || at === '/') return undefined;
  }
}

function stageIn(root: string, lock: string, file: string, md5: string): string | undefined {
  if (!fs.existsSync(path.join(root, lock))) return undefined;
  try {
    for (const [name, stage] of readLockFile(worktreeTree(root), lock)) {
      if (stage.outs.some((out) => out.path === file && out.info.md5 === md5)) return name;
    }
  } catch (error) {
    // A lock file that cannot be read is the pipeline's to report; the model is registered without a stage.
    if (!isMlopsError(error)) throw error;
  }
  return undefined;
}
