import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { MlopsError, nearest } from '../../base/index.ts';
import { findObject } from '../../data/index.ts';
import { readModelUri, type Run } from '../../mlflow/index.ts';
import { tryFindProject } from '../../project/index.ts';
import { get } from '../../repo/imports/get.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { runNamed } from '../places/find-runs.ts';
import { readRecordedRun } from '../recording/provenance.ts';
import { md5Of } from '../registry/model-origin.ts';
import { readSelector, versionNamed } from '../registry/resolve-model.ts';

/** A file of known content, and where it comes from. */
interface Input {
  readonly path: string;
  readonly md5: string;
  readonly stage: string | undefined;
}

export interface TrainingData {
  /** Absolute. */
  readonly file: string;
  /** As messages name it. */
  readonly path: string;
  /** Removes what was brought here for reading. */
  close(): void;
}

/** Whether a text names the training data of a run or a version of a model. */
export function namesTrainingData(name: string): boolean {
  return /^(?:models|runs):\//.test(name);
}

/**
 * The table that a model version (`models:/NAME/VERSION`, `models:/NAME@ALIAS`) or a run (`runs:/ID`) was trained on, found
 * by its md5 through the lineage that `repro` recorded; `#PATH` after it (of a run also `/PATH`) names one of several.
 *
 * @throws MlopsError `model_not_found`, `resource_missing`, `usage` where it is none or several, `object_missing` where
 * its content is nowhere.
 */
export async function openTrainingData(name: string, cwd: string, store: TrackingStore): Promise<TrainingData> {
  const { run, wanted, stage } = await runOf(name, store);
  const input = choose(name, await inputsOf(store, run), wanted, stage);
  const none = (): void => undefined;
  const project = tryFindProject(cwd);
  const root = project?.root ?? cwd;
  const here = path.resolve(root, input.path);
  if (isFile(here) && (await md5Of(here)) === input.md5) return { file: here, path: input.path, close: none };
  const cached = project === undefined ? undefined : findObject(project.cacheDir, input.md5);
  if (cached !== undefined) return { file: cached, path: input.path, close: none };
  return fromCommit(name, cwd, input, run);
}

async function runOf(name: string, store: TrackingStore) {
  const [uri = '', fragment] = name.split('#', 2);
  if (uri.startsWith('models:')) {
    if (readModelUri(uri) === undefined) throw new MlopsError('usage', `'${uri}' is no model: models:/NAME/VERSION`);
    const version = await versionNamed(store, readSelector(uri));
    const tag = (key: string): string | undefined => version.tags.find((one) => one.key === key)?.value;
    if (version.runId === '') {
      throw new MlopsError('usage', `version ${version.version} of '${version.name}' was registered without a run`, {
        hint: 'its training data are not known: name a file, or PATH@REV',
      });
    }
    return { run: await store.getRun(version.runId), wanted: fragment, stage: tag('mlops.stage') };
  }
  const [, id = '', inside] = /^runs:\/+([^/]+)(?:\/(.+))?$/.exec(uri) ?? [];
  return { run: await runNamed(store, id), wanted: fragment ?? inside, stage: undefined };
}

/** What the stages of a run read, by `lineage.json`; of other runs the data sets that were logged with their md5. */
async function inputsOf(store: TrackingStore, run: Run): Promise<Input[]> {
  const recorded = await readRecordedRun(store.artifacts(run.info.artifactUri));
  if (recorded !== undefined) {
    return recorded.entries.flatMap(({ stage, role, path: file, md5 }) =>
      role === 'dep' && md5 !== undefined ? [{ stage, path: file, md5 }] : [],
    );
  }
  return run.datasets.flatMap(({ dataset }) =>
    /^[0-9a-f]{32}$/.test(dataset.digest) ? [{ path: dataset.name, md5: dataset.digest, stage: undefined }] : [],
  );
}

const isTable = (file: string): boolean => /\.(?:csv|tsv|parquet|jsonl|ndjson|json)(?:\.gz)?$/i.test(file);

/** The one that was named; else the only table of the stage that made the model, or the only one called after training. */
function choose(name: string, inputs: readonly Input[], wanted: string | undefined, stage: string | undefined): Input {
  const different = inputs.filter(
    (input, index) => inputs.findIndex(({ path: file, md5 }) => file === input.path && md5 === input.md5) === index,
  );
  const known = different.map((input) => input.path);
  if (wanted !== undefined) {
    const found = different.find((input) => input.path === wanted);
    if (found !== undefined) return found;
    const near = nearest(wanted, known);
    throw new MlopsError('usage', `'${name}': '${wanted}' is no data of its run`, {
      hint:
        near === undefined ? `it read ${known.join(', ') || 'nothing that was recorded'}` : `did you mean '${near}'?`,
    });
  }
  const tables = different.filter((input) => isTable(input.path));
  const ofStage = inputs.filter((input) => isTable(input.path) && stage !== undefined && input.stage === stage);
  const called = (list: readonly Input[]): readonly Input[] =>
    list.filter((input) => /train/i.test(path.basename(input.path)));
  for (const list of [ofStage, called(ofStage), called(tables), tables]) {
    const [only] = list;
    if (only !== undefined && list.length === 1) return only;
  }
  const none = tables.length === 0;
  throw new MlopsError('usage', `'${name}' names ${none ? 'no table' : 'several tables'}`, {
    hint: none
      ? 'only what `repro` recorded is known: name a file, or PATH@REV'
      : `add one of them: ${tables
          .map((input) => `${name}#${input.path}`)
          .slice(0, 5)
          .join(', ')}`,
  });
}

/** From where the project was when the run was made: its cache, or its remote. */
async function fromCommit(name: string, cwd: string, input: Input, run: Run): Promise<TrainingData> {
  const commit = run.tags.find(({ key }) => key === 'mlflow.source.git.commit')?.value;
  const gone = (cause?: unknown): MlopsError =>
    new MlopsError('object_missing', `'${name}': the content of '${input.path}' (${input.md5}) is not here`, {
      hint: `\`mlops fetch\` brings what a remote has${commit === undefined ? '' : `, at ${commit.slice(0, 8)}`}`,
      cause,
    });
  if (commit === undefined) throw gone();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-data-'));
  const close = (): void => fs.rmSync(folder, { recursive: true, force: true });
  const file = path.join(folder, path.basename(input.path));
  try {
    await get(cwd, { url: '.', path: input.path, rev: commit, out: file });
    if ((await md5Of(file)) === input.md5) return { file, path: input.path, close };
  } catch (error) {
    close();
    throw gone(error);
  }
  close();
  throw gone();
}

function isFile(file: string): boolean {
  return file !== '' && fs.statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}
