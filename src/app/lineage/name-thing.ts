import * as path from 'node:path';

import { didYouMean, isMlopsError, MlopsError } from '../../base/index.ts';
import { tryResolveRevision } from '../../git/index.ts';
import type { LineageNode } from '../../lineage/index.ts';
import { readModelUri } from '../../mlflow/index.ts';
import { findPrediction } from '../../monitor/index.ts';
import type { DataRepo } from '../../repo/open/data-repo.ts';
import { lineageOf } from '../../repo/pipeline/lineage.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { runNamed } from '../places/find-runs.ts';
import { readSelector, versionNamed } from '../registry/resolve-model.ts';
import { fileIn, pathsOf } from './contents.ts';
import { predictionThing } from './prediction-source.ts';
import type { Snapshots } from './snapshots.ts';
import { dataThing, runThing, stageThing, versionThing } from './things.ts';

export interface Places {
  readonly store: TrackingStore | undefined;
  /** Undefined outside of a project. */
  readonly repo: DataRepo | undefined;
  /** Folder of the prediction log. */
  readonly log: string;
  readonly cwd: string;
}

const kinds = ['prediction', 'run', 'stage', 'path', 'md5'] as const;

/**
 * What a person names: `models:/NAME/VERSION`, `runs:/ID`, a stage, a path, `PATH@REV`, an md5, the id of a prediction; a
 * word before (`run:`, `stage:`, `path:`, `md5:`, `prediction:`) says which is meant. An md5 may be several things.
 *
 * @throws MlopsError `resource_missing` with the nearest name, `model_not_found`, `unknown_revision`.
 */
export async function nameThing(text: string, places: Places, snapshots: Snapshots): Promise<LineageNode[]> {
  const kind = kinds.find((one) => text.startsWith(`${one}:`));
  const word = kind === undefined ? text : text.slice(kind.length + 1);
  if (text.startsWith('models:/') && readModelUri(text) !== undefined) return [await modelThing(text, places)];
  if (text.startsWith('runs:/'))
    return [runThing(await runNamed(storeOf(places), text.replace(/^runs:\/+/, '').split('/')[0] ?? ''))];
  const tries: Readonly<Record<(typeof kinds)[number], () => LineageNode[] | Promise<LineageNode[]>>> = {
    path: () => pathThings(word, places, snapshots),
    stage: () => stageThings(word, snapshots),
    md5: () => md5Things(word, snapshots),
    run: () => runThings(word, places),
    prediction: () => predictionThings(word, places),
  };
  for (const one of kind === undefined ? (['path', 'stage', 'run', 'md5', 'prediction'] as const) : [kind]) {
    const found = await tries[one]();
    if (found.length > 0) return found;
  }
  const stages = snapshots.ofState('workspace')?.stages.map(({ address }) => address) ?? [];
  throw new MlopsError('resource_missing', `nothing is called '${text}': no path, stage, run, md5 or prediction`, {
    hint: didYouMean(word, stages) ?? 'name a model as models:/NAME/VERSION, a file of another revision as PATH@REV',
  });
}

function storeOf({ store }: Places): TrackingStore {
  if (store !== undefined) return store;
  throw new MlopsError('not_a_project', 'nothing has been recorded here yet', {
    hint: 'run `mlops repro` first, or set MLFLOW_TRACKING_URI',
  });
}

async function modelThing(uri: string, places: Places): Promise<LineageNode> {
  return versionThing(await versionNamed(storeOf(places), readSelector(uri)));
}

async function runThings(word: string, { store }: Places): Promise<LineageNode[]> {
  if (store === undefined || !/^[0-9a-f]{4,32}$/.test(word)) return [];
  try {
    return [runThing(await runNamed(store, word))];
  } catch (error) {
    if (isMlopsError(error, 'resource_missing') || isMlopsError(error, 'invalid_value') || isMlopsError(error, 'usage'))
      return [];
    throw error;
  }
}

async function predictionThings(word: string, { log }: Places): Promise<LineageNode[]> {
  const record = await findPrediction(log, word);
  return record === undefined ? [] : [predictionThing(record)];
}

function stageThings(word: string, snapshots: Snapshots): LineageNode[] {
  const stage = snapshots.ofState('workspace')?.stages.find(({ address }) => address === word);
  return stage === undefined ? [] : [stageThing(stage)];
}

function pathThings(word: string, { repo, cwd }: Places, snapshots: Snapshots): LineageNode[] {
  if (repo === undefined) return [];
  const at = word.lastIndexOf('@');
  const isRevision =
    at > 0 && repo.gitRoot !== undefined && tryResolveRevision(repo.root, word.slice(at + 1)) !== undefined;
  const [name, revision] = isRevision ? [word.slice(0, at), word.slice(at + 1)] : [word, 'workspace'];
  const inside = path.relative(repo.root, path.resolve(cwd, name)).split(path.sep).join('/');
  snapshots.ofState(revision);
  const stages = snapshots.states?.at(revision).stages ?? [];
  const found = fileIn(repo, stages, inside);
  if (found !== undefined) return [dataThing(found)];
  // A folder that is no output itself stands for all that is recorded below it.
  const below = stages
    .flatMap((stage) => lineageOf(repo, stage))
    .filter((entry) => entry.md5 !== undefined && entry.path.startsWith(`${inside}/`));
  return [...new Map(below.map((entry) => [`${entry.path}@${entry.md5}`, dataThing(entry)])).values()];
}

function md5Things(word: string, snapshots: Snapshots): LineageNode[] {
  const [, md5] = /^([0-9a-f]{32}(?:\.dir)?)$/.exec(word) ?? [];
  if (md5 === undefined) return [];
  const paths = pathsOf(md5, snapshots);
  // Known by nothing but its content: runs may have it all the same.
  return paths.length === 0
    ? [dataThing({ path: md5, md5, size: undefined })]
    : paths.map((file) => dataThing({ path: file, md5, size: undefined }));
}
