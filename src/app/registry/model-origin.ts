import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { filesBelow, isMlopsError } from '../../base/index.ts';
import { isDirectoryId, manifestId, type TreeFile } from '../../data/index.ts';
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

/** Looks for the run and the stage that made a file or a folder, by its md5. */
export async function originOfModel(store: TrackingStore, file: string, root: string): Promise<ModelOrigin> {
  const found = await contentsOf(file);
  const inside = (part: string): string => path.relative(root, path.join(file, part)).split(path.sep).join('/');
  const gitRoot = findGitRoot(root);
  const commit = gitRoot === undefined ? undefined : gitState(gitRoot).commit;
  const [whole] = found;
  const md5 = whole?.part === '' && !isDirectoryId(whole.md5) ? whole.md5 : undefined;
  for (const content of found) {
    const made = await runThatMade(store, inside(content.part), content.md5);
    const stage = stageThatMade(root, inside(content.part), content.md5);
    if (made === undefined && stage === undefined) continue;
    const run = made ?? (md5 === undefined ? undefined : await commandThatWrote(store, file, root));
    return { md5, commit, path: inside(''), run, stage };
  }
  const run = md5 === undefined ? undefined : await commandThatWrote(store, file, root);
  return { md5, commit, path: inside(''), run, stage: undefined };
}

/** What of a model may be an output of a stage: the file; the folder as a whole, and then each model file in it. */
async function contentsOf(file: string): Promise<{ readonly part: string; readonly md5: string }[]> {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  if (stat.isFile()) return [{ part: '', md5: await md5Of(file) }];
  if (!stat.isDirectory()) return [];
  const files: TreeFile[] = [];
  for (const name of filesBelow(file)) files.push({ relpath: name, md5: await md5Of(path.join(file, name)) });
  const models = files.filter(({ relpath }) => /\.(onnx|pkl|joblib|pt|pth|h5|keras)$/i.test(relpath));
  return [{ part: '', md5: manifestId(files) }, ...models.map(({ relpath, md5 }) => ({ part: relpath, md5 }))];
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
