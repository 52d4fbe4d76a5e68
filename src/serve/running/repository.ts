import * as fs from 'node:fs';
import * as path from 'node:path';

import { messageOf, MlopsError, type Logger } from '../../base/index.ts';
import { parseMlModel } from '../../model/index.ts';
import type { InferencePool } from './inference-pool.ts';
import type { ModelRef, ModelSource } from '../models/model-source.ts';
import { loadProcessing } from '../processing/processing.ts';
import { edgesOf, makeVersion, type ServedVersion } from './served-version.ts';
import { VersionStats } from './stats.ts';
import { tryOut } from './warm-up.ts';

/** What is to be served: a name of a source, and which version of it is the default. */
export interface ServedModelSpec {
  readonly name: string;
  readonly source: ModelSource;
  /** Name of the model inside the source, where it is served under another one. */
  readonly sourceName?: string | undefined;
  /** Version, stage or alias that answers requests that name none; default: what the source says. */
  readonly selector?: string | undefined;
}

export type ModelState = 'UNLOADED' | 'LOADING' | 'READY' | 'FAILED' | 'UNAVAILABLE';

/** A served name: the default version, all loaded ones, and why the last load failed. */
export interface ServedModel {
  readonly spec: ServedModelSpec;
  current: ServedVersion | undefined;
  readonly versions: Map<string, ServedVersion>;
  readonly loading: Map<string, Promise<ServedVersion>>;
  state: ModelState;
  reason: string;
  /** Why a version that should have followed the current one did not. */
  refused: string | undefined;
  swaps: number;
}

export interface RepositoryOptions {
  readonly pool: InferencePool;
  readonly log: Logger;
  /** Bytes that loaded models may take, by estimate; the least recently used ones go. Default: no limit. */
  readonly memoryBudget?: number | undefined;
  /** Models are loaded when first asked for. */
  readonly lazy?: boolean | undefined;
}

/** Measured with 1,600 models of a few hundred bytes. */
const sessionOverhead = 200 * 1024;

/**
 * The models being served and the versions loaded of each. A version is loaded and warmed up aside, then becomes the
 * default in one assignment; the one before finishes its requests and is released. A load that fails changes nothing.
 */
export class Repository {
  readonly models = new Map<string, ServedModel>();
  readonly #options: RepositoryOptions;
  /** Numbers by model and version; they stay when a version is unloaded, so that counters never fall. */
  readonly #stats = new Map<string, Map<string, VersionStats>>();
  #onlyModel: ServedModel | undefined;

  constructor(specs: readonly ServedModelSpec[], options: RepositoryOptions) {
    this.#options = options;
    for (const spec of specs) this.add(spec);
  }

  /** @throws MlopsError `usage` when the name is taken. */
  add(spec: ServedModelSpec): ServedModel {
    if (this.models.has(spec.name)) {
      throw new MlopsError('usage', `two models are called '${spec.name}'`, {
        hint: 'give one another name: NAME=SOURCE',
      });
    }
    const model: ServedModel = {
      spec,
      current: undefined,
      versions: new Map(),
      loading: new Map(),
      state: 'UNLOADED',
      reason: '',
      refused: undefined,
      swaps: 0,
    };
    this.models.set(spec.name, model);
    this.#onlyModel = this.models.size === 1 ? model : undefined;
    return model;
  }

  /** The served model of a name; without one, the only one. @throws MlopsError `model_not_found`. */
  model(name: string | undefined): ServedModel {
    const model = name === undefined ? this.#onlyModel : this.models.get(name);
    if (model !== undefined) return model;
    const names = [...this.models.keys()].slice(0, 20).join(', ');
    if (name === undefined) {
      throw new MlopsError('model_not_found', 'several models are served here, and the request names none', {
        hint: `name one as 'model': ${names}`,
      });
    }
    throw new MlopsError('model_not_found', `no model '${name.slice(0, 200)}' is served here`, {
      hint: `served: ${names}`,
    });
  }

  /**
   * The version for a request, loaded when needed. Answers at once, not by promise, in the common case.
   *
   * @throws MlopsError `model_not_found`, `model_broken`, `model_not_servable`.
   */
  version(name: string | undefined, version: string | undefined): ServedVersion | Promise<ServedVersion> {
    const model = this.model(name);
    const loaded = version === undefined ? model.current : model.versions.get(version);
    if (loaded !== undefined) {
      loaded.lastUsed = performance.now();
      return loaded;
    }
    return this.#loadLazily(model, version);
  }

  async #loadLazily(model: ServedModel, version: string | undefined): Promise<ServedVersion> {
    if (model.state === 'UNAVAILABLE' && version === undefined) {
      throw new MlopsError('model_not_ready', `model '${model.spec.name}' is unloaded: ${model.reason}`, {
        hint: 'load it first',
      });
    }
    return version === undefined
      ? this.load(model.spec.name)
      : this.#loadVersion(model, await this.resolve(model.spec.name, version));
  }

  /** The version that a selector, or else the source, means now. */
  async resolve(name: string | undefined, selector?: string): Promise<ModelRef> {
    const { spec } = this.model(name);
    return spec.source.resolve(spec.sourceName ?? spec.name, selector ?? spec.selector);
  }

  /**
   * Makes a version the default one: the given one, else what the source says now. The version before answers its
   * requests and is released.
   */
  async load(name: string | undefined, selector?: string): Promise<ServedVersion> {
    return this.activate(name, await this.prepare(name, () => this.resolve(name, selector)));
  }

  /** Loads and warms up a version aside; nothing changes for requests that name none. */
  async prepare(name: string | undefined, find: () => ModelRef | Promise<ModelRef>): Promise<ServedVersion> {
    const model = this.model(name);
    try {
      if (model.current === undefined) model.state = 'LOADING';
      return await this.#loadVersion(model, await find());
    } catch (error) {
      if (model.current === undefined) {
        model.state = 'FAILED';
        model.reason = messageOf(error);
      }
      throw error;
    }
  }

  /** Makes a loaded version the default one. */
  activate(name: string | undefined, version: ServedVersion): ServedVersion {
    const model = this.model(name);
    const before = model.current;
    model.current = version;
    model.state = 'READY';
    model.reason = '';
    model.refused = undefined;
    if (before !== undefined && before !== version) {
      model.swaps++;
      this.#retire(model, before);
    }
    return version;
  }

  /** Lets go of a version that was prepared and is not to be used. */
  discard(name: string, version: string): void {
    const model = this.model(name);
    const prepared = model.versions.get(version);
    if (prepared !== undefined && prepared !== model.current) this.#retire(model, prepared);
    if (model.current === undefined && model.state === 'LOADING') model.state = 'UNLOADED';
  }

  /** Loads a version once, however many ask for it at the same time. */
  #loadVersion(model: ServedModel, ref: ModelRef): Promise<ServedVersion> {
    const loaded = model.versions.get(ref.version);
    if (loaded !== undefined && !loaded.retired) return Promise.resolve(loaded);
    const running = model.loading.get(ref.version);
    if (running !== undefined) return running;
    const loading = this.#open(model, ref).finally(() => model.loading.delete(ref.version));
    model.loading.set(ref.version, loading);
    return loading;
  }

  async #open(model: ServedModel, ref: ModelRef): Promise<ServedVersion> {
    const { pool, log } = this.#options;
    const started = performance.now();
    const open = await model.spec.source.open(ref);
    let version: ServedVersion;
    try {
      const mlModel = await readMlModel(open.folder);
      const stats = this.#statsOf(model.spec.name, ref.version);
      ({ version } = await pool.load(open.file, async (aside) => {
        const { inputs, outputs } = edgesOf(ref, aside.info);
        const processing = await loadProcessing(open.file, { inputs, outputs });
        const { feeds, alone } = await tryOut(aside, { inputs, outputs, batching: processing?.batching });
        const parts = { session: aside.session, open, mlModel, stats, processing, alone, inputs, outputs };
        const made = makeVersion({ ...ref, name: model.spec.name }, parts, aside.info);
        return { version: made, feeds, fetches: made.outputNames };
      }));
    } catch (error) {
      await open.release();
      throw error;
    }
    model.versions.set(ref.version, version);
    const took = Math.round(performance.now() - started);
    const batching = version.alone === undefined ? 'batching' : `no batching: ${version.alone}`;
    log.info(`loaded ${model.spec.name} version ${ref.version} in ${took} ms, ${batching}`);
    this.#evict(version);
    return version;
  }

  /** Takes a version out of service; its memory is given back when its last request is answered. */
  #retire(model: ServedModel, version: ServedVersion): void {
    version.retired = true;
    if (model.versions.get(version.ref.version) === version) model.versions.delete(version.ref.version);
    if (model.current === version) model.current = undefined;
    this.releaseIfDone(version);
  }

  /** Called when a request has let go of a version. */
  releaseIfDone(version: ServedVersion): void {
    if (!version.retired || version.users > 0) return;
    void this.#options.pool.release(version.session).then(() => version.open.release());
  }

  #statsOf(model: string, version: string): VersionStats {
    const versions = this.#stats.get(model) ?? new Map<string, VersionStats>();
    const stats = versions.get(version) ?? new VersionStats();
    this.#stats.set(model, versions.set(version, stats));
    return stats;
  }

  /** Every version that was ever loaded, with its numbers. */
  everServed() {
    return [...this.#stats].flatMap(([model, versions]) =>
      [...versions].map(([version, stats]) => {
        return { model, version, stats, loaded: this.models.get(model)?.versions.get(version) };
      }),
    );
  }

  /** Unloads all versions of a model until it is loaded again. */
  unload(name: string, reason = 'unloaded'): void {
    const model = this.model(name);
    for (const version of model.versions.values()) this.#retire(model, version);
    model.state = 'UNAVAILABLE';
    model.reason = reason;
  }

  #evict(newest: ServedVersion): void {
    const { memoryBudget, log } = this.#options;
    if (memoryBudget === undefined) return;
    const all = [...this.models.values()].flatMap((model) =>
      [...model.versions.values()].map((version) => ({ model, version })),
    );
    let used = all.reduce((sum, { version }) => sum + this.#memoryOf(version), 0);
    all.sort((a, b) => a.version.lastUsed - b.version.lastUsed);
    for (const { model, version } of all) {
      if (used <= memoryBudget) return;
      if (version === newest) continue;
      used -= this.#memoryOf(version);
      log.info(`unloading ${version.ref.name} version ${version.ref.version} to stay within the memory budget`);
      this.#retire(model, version);
      if (model.current === undefined) model.state = 'UNLOADED';
    }
  }

  /** What a version takes, by estimate: its weights in every thread, and what a session needs besides. */
  #memoryOf(version: ServedVersion): number {
    return (version.size + sessionOverhead) * this.#options.pool.threads.length;
  }

  /**
   * True when every model that was to be loaded at the start is. Where models are loaded when asked for, a bad one
   * among them does not make the others unready.
   */
  get ready(): boolean {
    if (this.#options.lazy === true) return this.models.size > 0;
    for (const model of this.models.values()) if (model.state === 'LOADING' || model.state === 'FAILED') return false;
    return this.models.size > 0;
  }

  async close(): Promise<void> {
    const opens = [...this.models.values()].flatMap((model) =>
      [...model.versions.values()].map((version) => version.open),
    );
    await Promise.allSettled(opens.map((open) => open.release()));
  }
}

async function readMlModel(folder: string | undefined) {
  const file = folder === undefined ? undefined : path.join(folder, 'MLmodel');
  if (file === undefined || !fs.existsSync(file)) return undefined;
  return parseMlModel(fs.readFileSync(file, 'utf8'), file);
}
