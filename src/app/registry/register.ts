import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError } from '../../base/index.ts';
import { worktreeTree } from '../../git/index.ts';
import { type LoggedModel, type ModelVersion, type Run, type Tag } from '../../mlflow/index.ts';
import { planModelFolder, servableInputs, servableOutputs, type ModelFolderPlan } from '../../model/index.ts';
import { readSettings } from '../../project/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { originOfModel, type ModelOrigin } from './model-origin.ts';
import { modelOfRun, readRunUri } from './run-model.ts';
import { hasOnnxFlavor } from './servable.ts';

export interface RegisterOptions {
  /** A file, a folder, `runs:/ID/PATH`, or another URI that a version may come from. */
  readonly source: string;
  readonly name: string;
  readonly metrics: ReadonlyMap<string, number>;
  readonly tags: readonly Tag[];
  readonly description?: string | undefined;
  /** The run that it belongs to; default: the one that made the file. */
  readonly runId?: string | undefined;
  readonly cwd: string;
  /** The project's folder. */
  readonly root: string;
  readonly user: string;
}

export interface Registered {
  readonly version: ModelVersion;
  readonly run: Run | undefined;
  /** True when the run was made for this registration. */
  readonly madeRun: boolean;
  readonly stage: string | undefined;
  readonly servable: boolean | undefined;
  readonly reason: string | undefined;
  readonly wayOut: string | undefined;
}

/**
 * Registers a model as the next version of a name, which is made when new. A file or folder is copied into the
 * store as an MLflow model folder and tied to the recorded run that made it, found by its md5; without one, a
 * run is made that carries what is known.
 *
 * @throws MlopsError `model_not_found`, `model_broken`, `invalid_value`, `resource_missing`.
 */
export async function registerModel(store: TrackingStore, options: RegisterOptions): Promise<Registered> {
  const uri = /^([a-z][a-z0-9+.-]+):\//i.test(options.source);
  return uri ? registerUri(store, options) : registerFiles(store, options);
}

async function registerUri(store: TrackingStore, options: RegisterOptions): Promise<Registered> {
  const named = readRunUri(options.source);
  const found = named === undefined ? undefined : await modelOfRun(store, named.run, named.path);
  const run = found?.run;
  await makeModel(store, options.name);
  const version = await store.createModelVersion({
    name: options.name,
    source: found?.source ?? options.source,
    runId: run?.info.id,
    modelId: found?.model?.id,
    userId: options.user,
    description: options.description,
    tags: [...options.tags],
  });
  if (run !== undefined) await logMetrics(store, run, options.metrics, found?.model?.id);
  const servable = found === undefined ? undefined : await hasOnnxFlavor(store, found.uri);
  return { version, run, madeRun: false, stage: undefined, servable, reason: undefined, wayOut: undefined };
}

async function registerFiles(store: TrackingStore, options: RegisterOptions): Promise<Registered> {
  const file = path.resolve(options.cwd, options.source);
  // Read and checked before anything is written: garbage leaves no run and no version behind.
  const checked = await planModelFolder(file, { extraFiles: servingFiles(file) });
  const { description } = checked;
  const tokenizer = await checkProcessing(checked);
  const found = await originOfModel(store, file, options.root);
  const origin = options.runId === undefined ? found : { ...found, run: await store.getRun(options.runId) };
  await makeModel(store, options.name);
  const run = origin.run ?? (await makeRun(store, options, origin));
  const model = await logModel(store, run, options.name);
  const folder = `registered/${options.name}-${randomUUID().slice(0, 8)}`;
  const place = model?.artifactUri ?? `${run.info.artifactUri}/${folder}`;
  const plan = await planModelFolder(file, {
    artifactPath: model?.artifactUri ?? folder,
    runId: run.info.id,
    modelId: model?.id,
    extraFiles: [...servingFiles(file), ...(description.kind === 'onnx-file' ? tokenizer : [])],
  });
  await upload(store, place, model, plan);
  if (model !== undefined) await store.logOutputs(run.info.id, [{ modelId: model.id, step: 0 }]);
  await logMetrics(store, run, options.metrics, model?.id);
  const version = await store.createModelVersion({
    name: options.name,
    source: model === undefined ? `runs:/${run.info.id}/${folder}` : `models:/${model.id}`,
    runId: run.info.id,
    modelId: model?.id,
    userId: options.user,
    description: options.description,
    tags: versionTags(options, origin, plan),
  });
  const { servable, reason, wayOut } = description;
  return { version, run, madeRun: origin.run === undefined, stage: origin.stage, servable, reason, wayOut };
}

/** The model by itself; undefined on servers before MLflow 3, where models are folders of their run. */
async function logModel(store: TrackingStore, run: Run, name: string): Promise<LoggedModel | undefined> {
  try {
    return await store.createLoggedModel({
      experimentId: run.info.experimentId,
      name: name.replace(/[/:.%"']/g, '_'),
      sourceRunId: run.info.id,
      params: run.params,
    });
  } catch (error) {
    if (isMlopsError(error, 'not_implemented')) return undefined;
    throw error;
  }
}

type StoredFile = { readonly path: string; readonly source: string };

/** Pre- and post-processing that lies beside a model file is part of it: its own, or that of its folder. */
function servingFiles(file: string): StoredFile[] {
  if (!fs.existsSync(file) || !fs.statSync(file).isFile()) return [];
  const candidates = [file.replace(/\.onnx$/i, '.serving.yaml'), path.join(path.dirname(file), 'serving.yaml')];
  const source = candidates.find((candidate) => candidate !== file && fs.existsSync(candidate));
  return source === undefined ? [] : [{ path: 'serving.yaml', source }];
}

/**
 * Reads the serving.yaml that a model will be served with, as serving reads it. Returns the files that it names.
 *
 * @throws MlopsError `bad_config`, `model_broken`: a version that nobody could serve is not registered as servable.
 */
async function checkProcessing({ description, files }: ModelFolderPlan): Promise<StoredFile[]> {
  const { onnx, onnxFile, kind } = description;
  if (description.flavors.includes('ensemble')) {
    const { checkEnsemble } = await import('../../serve/index.ts');
    await checkEnsemble(path.join(description.path, 'serving.yaml'));
    return [];
  }
  if (!description.servable || onnx === undefined || onnxFile === undefined) return [];
  const model = kind === 'mlflow-folder' ? path.relative(description.path, onnxFile) : 'model.onnx';
  const stored = (name: string): StoredFile | undefined => {
    const place = path.posix.join(path.posix.dirname(model.split(path.sep).join('/')), name);
    return files.flatMap((file) => ('source' in file && file.path === place ? [file] : []))[0];
  };
  const config = stored(path.basename(model).replace(/\.onnx$/i, '.serving.yaml')) ?? stored('serving.yaml');
  if (config === undefined) return [];
  // A type that the file leaves out is found when the model is loaded.
  const untyped = onnx.outputs
    .filter(({ type }) => type === 'unknown')
    .map(({ name }) => ({ name, dtype, dims: undefined }));
  const edges = { inputs: servableInputs(onnx) ?? [], outputs: [...servableOutputs(onnx), ...untyped] };
  const { checkServing } = await import('../../serve/index.ts');
  const beside = await checkServing(config.source, edges);
  return beside.map((source) => ({ path: path.basename(source), source }));
}

const dtype = 'float32' as const;

function versionTags(options: RegisterOptions, origin: ModelOrigin, plan: ModelFolderPlan): Tag[] {
  const { servable, flavors, reason } = plan.description;
  const facts: [string, string | undefined][] = [
    ['mlops.md5', origin.md5],
    ['mlops.path', origin.path],
    ['mlops.git.commit', origin.commit],
    ['mlops.stage', origin.stage],
    ['mlops.flavors', flavors.join(', ')],
    ['mlops.servable', servable ? 'yes' : 'no'],
    ['mlops.reason', servable ? undefined : reason],
  ];
  const known = facts.flatMap(([key, value]): Tag[] => (value === undefined || value === '' ? [] : [{ key, value }]));
  return [...known, ...options.tags];
}

async function upload(
  store: TrackingStore,
  place: string,
  model: LoggedModel | undefined,
  plan: ModelFolderPlan,
): Promise<void> {
  const files = store.artifacts(place);
  try {
    for (const file of plan.files) {
      const content = 'text' in file ? Buffer.from(file.text) : fs.createReadStream(file.source);
      await files.put(file.path, content);
    }
  } catch (error) {
    if (model !== undefined) await store.finalizeLoggedModel(model.id, 'LOGGED_MODEL_UPLOAD_FAILED');
    throw error;
  }
  if (model !== undefined) await store.finalizeLoggedModel(model.id, 'LOGGED_MODEL_READY');
}

async function makeModel(store: TrackingStore, name: string): Promise<void> {
  try {
    await store.createRegisteredModel(name);
  } catch (error) {
    if (!isMlopsError(error, 'resource_exists') && !isExistsAnswer(error)) throw error;
  }
}

/** A remote server says it in MLflow's words. */
function isExistsAnswer(error: unknown): boolean {
  return isMlopsError(error) && error.data?.['error_code'] === 'RESOURCE_ALREADY_EXISTS';
}

async function makeRun(store: TrackingStore, options: RegisterOptions, origin: ModelOrigin): Promise<Run> {
  const name = readSettings(worktreeTree(options.root)).record.experiment ?? path.basename(options.root);
  const found = await store.getExperimentByName(name);
  const experimentId =
    found?.lifecycle === 'active' ? found.id : found === undefined ? await store.createExperiment({ name }) : '0';
  const now = Date.now();
  const tags: Tag[] = [
    { key: 'mlflow.user', value: options.user },
    { key: 'mlflow.source.name', value: `mlops models register ${options.source}` },
    { key: 'mlops.kind', value: 'register' },
  ];
  if (origin.commit !== undefined) tags.push({ key: 'mlflow.source.git.commit', value: origin.commit });
  const made = await store.createRun({
    experimentId,
    userId: options.user,
    startTime: now,
    name: `register-${options.name}`,
    tags,
  });
  await store.updateRun(made.info.id, { status: 'FINISHED', endTime: now });
  return made;
}

async function logMetrics(
  store: TrackingStore,
  run: Run,
  metrics: ReadonlyMap<string, number>,
  modelId: string | undefined,
): Promise<void> {
  const timestamp = Date.now();
  const given = [...metrics].map(([key, value]) => ({ key, value, timestamp, step: 0, modelId }));
  // The model has the metrics of its run too, as those that MLflow's clients log have.
  const taken = modelId === undefined ? [] : run.metrics.map((metric) => ({ ...metric, modelId }));
  const points = [...taken.filter((one) => !metrics.has(one.key)), ...given];
  for (let i = 0; i < points.length; i += 1000) {
    await store.logBatch(run.info.id, { metrics: points.slice(i, i + 1000) });
  }
}
