import { createHash, randomUUID, type KeyObject } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { isSystemError, MlopsError } from '../../base/index.ts';
import { everything } from '../../mlflow/index.ts';
import { describeModel } from '../../model/index.ts';
import {
  notServable,
  pythonFile,
  type ModelRef,
  type ModelSource,
  type OpenModel,
  type Runtime,
} from '../../serve/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { requireFileName } from './artifact-names.ts';
import { requireSignature } from './model-signature.ts';
import { versionNamed } from './resolve-model.ts';
import type { RunModel } from './run-model.ts';

/**
 * Registered models as a source: a selector is a version number, a stage, `@alias` or `latest`. Files that lie on this
 * machine are used where they are; others are downloaded whole and checked.
 */
export class RegistrySource implements ModelSource {
  readonly kind = 'registry';
  readonly #store: TrackingStore;
  /** Milliseconds between two looks for moved stages and aliases. */
  readonly #interval: number;

  readonly #signers: readonly KeyObject[] | undefined;
  readonly #runtime: Runtime;

  /** @param signers keys by one of which a version must be signed to be opened; undefined: none need be. */
  constructor(
    store: TrackingStore,
    interval = 2_000,
    { signers, runtime = 'onnx' }: { signers?: readonly KeyObject[] | undefined; runtime?: Runtime | undefined } = {},
  ) {
    this.#store = store;
    this.#runtime = runtime;
    this.#interval = interval;
    this.#signers = signers;
  }

  async list(): Promise<readonly ModelRef[]> {
    const models = await everything((pageToken) =>
      this.#store.searchRegisteredModels({ maxResults: 1_000, pageToken }),
    );
    return Promise.all(models.map((model) => this.resolve(model.name)));
  }

  async resolve(name: string, selector = 'latest'): Promise<ModelRef> {
    const version = await versionNamed(this.#store, { name, selector });
    const tags = Object.fromEntries(version.tags.map((tag) => [tag.key, tag.value]));
    const md5 = tags['mlops.md5'] ?? tags['md5'];
    return {
      name,
      version: version.version,
      uri: `models:/${name}/${version.version}`,
      ...(version.runId === '' ? {} : { runId: version.runId }),
      ...(md5 === undefined ? {} : { md5 }),
      stage: version.stage,
      aliases: version.aliases,
      tags,
    };
  }

  async open(ref: ModelRef, signal?: AbortSignal): Promise<OpenModel> {
    if (this.#signers !== undefined) {
      const version = await this.#store.getModelVersion(ref.name, ref.version);
      await requireSignature(this.#store, version, this.#signers);
    }
    const uri = await this.#store.getDownloadUri(ref.name, ref.version);
    return openArtifacts(this.#store, uri, { ref, runtime: this.#runtime }, signal);
  }

  async *changes(signal: AbortSignal): AsyncIterable<void> {
    try {
      for (;;) {
        await delay(this.#interval, undefined, { signal });
        yield;
      }
    } catch (error) {
      if (!isSystemError(error, 'ABORT_ERR')) throw error;
    }
  }
}

/** One model of a run: `runs:/ID/PATH`, among its artifacts or logged by it. */
export class RunSource implements ModelSource {
  readonly kind = 'run';
  readonly #store: TrackingStore;
  readonly #model: RunModel;
  readonly #path: string;
  readonly name: string;

  readonly #runtime: Runtime;

  constructor(
    store: TrackingStore,
    model: RunModel,
    artifactPath: string,
    { name, runtime = 'onnx' }: { name?: string | undefined; runtime?: Runtime } = {},
  ) {
    this.#store = store;
    this.#runtime = runtime;
    this.#model = model;
    this.#path = artifactPath;
    this.name = name ?? path.posix.basename(artifactPath).replace(/\.onnx$/i, '');
  }

  async list(): Promise<readonly ModelRef[]> {
    return [await this.resolve(this.name)];
  }

  resolve(name: string, selector?: string): Promise<ModelRef> {
    if (name !== this.name || (selector !== undefined && selector !== '1' && selector !== 'latest')) {
      return Promise.reject(new MlopsError('model_not_found', `the run has no model '${name}' ${selector ?? ''}`));
    }
    const runId = this.#model.run.info.id;
    return Promise.resolve({ name, version: '1', uri: `runs:/${runId}/${this.#path}`, runId });
  }

  async open(ref: ModelRef, signal?: AbortSignal): Promise<OpenModel> {
    return openArtifacts(this.#store, this.#model.uri, { ref, runtime: this.#runtime }, signal);
  }

  async *changes(): AsyncIterable<void> {
    // The artifacts of a run do not move.
  }
}

async function openArtifacts(
  store: TrackingStore,
  uri: string,
  { ref, runtime }: { ref: ModelRef; runtime: Runtime },
  signal: AbortSignal | undefined,
): Promise<OpenModel> {
  const artifacts = store.artifacts(uri);
  const local = artifacts.localPath?.('');
  if (local !== undefined && fs.existsSync(local)) return describe(ref, local, runtime, () => Promise.resolve());
  const folder = path.join(os.tmpdir(), `mlops-model-${randomUUID()}`);
  const release = (): Promise<void> => fs.promises.rm(folder, { recursive: true, force: true });
  try {
    fs.mkdirSync(folder, { mode: 0o700 });
    await download(store, uri, '', folder, signal);
    return await describe(ref, folder, runtime, release);
  } catch (error) {
    await release();
    throw error;
  }
}

async function download(
  store: TrackingStore,
  uri: string,
  directory: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const artifacts = store.artifacts(uri);
  for (const file of await artifacts.list(directory)) {
    requireFileName(file.path);
    const target = path.join(folder, file.path);
    if (file.isDirectory) {
      fs.mkdirSync(target, { recursive: true });
      await download(store, uri, file.path, folder, signal);
      continue;
    }
    const { stream, size } = await artifacts.open(file.path);
    await pipeline(stream, fs.createWriteStream(target), signal === undefined ? {} : { signal });
    const got = fs.statSync(target).size;
    if (got !== size) {
      throw new MlopsError('model_broken', `'${file.path}' of ${uri} came with ${got} of ${size} bytes`, {
        hint: 'try again: the download was cut',
      });
    }
  }
}

/** @throws MlopsError `model_broken`, `model_not_servable`. */
async function describe(
  ref: ModelRef,
  location: string,
  runtime: Runtime,
  release: () => Promise<void>,
): Promise<OpenModel> {
  const description = await describeModel(location);
  if (description.flavors.includes('ensemble')) {
    return { ref, file: path.join(description.path, 'serving.yaml'), folder: undefined, release };
  }
  const python = pythonFile(description, runtime);
  if (python !== undefined) return { ref, file: python, folder: description.path, release };
  if (!description.servable || description.onnxFile === undefined) throw notServable(description, ref.uri);
  checkMd5(ref, description.onnxFile);
  const folder = description.kind === 'mlflow-folder' ? description.path : undefined;
  return { ref, file: description.onnxFile, folder, release };
}

function checkMd5(ref: ModelRef, file: string): void {
  if (ref.md5 === undefined || !/^[0-9a-f]{32}$/.test(ref.md5)) return;
  const md5 = createHash('md5').update(fs.readFileSync(file)).digest('hex');
  if (md5 === ref.md5) return;
  throw new MlopsError('model_broken', `the file of ${ref.uri} has md5 ${md5}, registered was ${ref.md5}`, {
    hint: 'the artifact was changed or damaged: register the model again',
  });
}
