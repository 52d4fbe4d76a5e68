import * as fs from 'node:fs';
import * as path from 'node:path';

import { messageOf, MlopsError, type Logger } from '../../base/index.ts';
import { parseMlModel } from '../../model/index.ts';
import type { InferencePool } from './inference-pool.ts';
import type { ModelRef, ModelSource, OpenModel } from '../models/model-source.ts';
import { loadProcessing } from '../processing/processing.ts';
import { edgesOf, makeVersion, namedClasses, type ServedVersion } from './served-version.ts';
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

/** What the repository keeps of a version that is in the threads. */
interface Holding {
  readonly open: OpenModel;
  /** Requests that hold it. */
  leases: number;
  /** When a request asked for it last. */
  lastUsed: number;
  /** Out of service: it goes when nobody holds it any more. */
  retired: boolean;
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
  readonly #holdings = new Map<ServedVersion, Holding>();
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

  /** The served model of a name; without one, the only one. */
  find(name: string | undefined): ServedModel | undefined {
    return name === undefined ? this.#onlyModel : this.models.get(name);
  }

  /** The same. @throws MlopsError `model_not_found`. */
  model(name: string | undefined): ServedModel {
    const model = this.find(name);
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

  /** A version that is in service, else undefined; without `version` the default one. */
  loaded(name: string, version: string | undefined): ServedVersion | undefined {
    const model = this.models.get(name);
    return version === undefined ? model?.current : model?.versions.get(version);
  }

  /**
   * The version that is asked for, loaded when needed.
   *
   * @throws MlopsError `model_not_found`, `model_not_ready`, `model_broken`, `model_not_servable`.
   */
  async version(name: string | undefined, version: string | undefined): Promise<ServedVersion> {
    const model = this.model(name);
    const loaded = this.loaded(model.spec.name, version);
    if (loaded !== undefined) return loaded;
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
    if (loaded !== undefined) return Promise.resolve(loaded);
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
      ({ version } = await pool.load(open.file, async (aside) => {
        const { inputs, outputs } = edgesOf(ref, aside.info);
        const processing = await loadProcessing(open.file, {
          inputs,
          outputs,
          classNames: namedClasses(aside.info.onnx),
        });
        const { feeds, alone } = await tryOut(aside, { inputs, outputs, batching: processing?.batching });
        const parts = { session: aside.session, mlModel, processing, alone, inputs, outputs };
        const made = makeVersion({ ...ref, name: model.spec.name }, parts, aside.info);
        return { version: made, feeds, fetches: made.outputNames };
      }));
    } catch (error) {
      await open.release();
      throw error;
    }
    this.#holdings.set(version, { open, leases: 0, lastUsed: performance.now(), retired: false });
    model.versions.set(ref.version, version);
    const took = Math.round(performance.now() - started);
    const batching = version.alone === undefined ? 'batching' : `no batching: ${version.alone}`;
    log.info(`loaded ${model.spec.name} version ${ref.version} in ${took} ms, ${batching}`);
    this.#evict(version);
    return version;
  }

  /** Takes a version out of service; its memory is given back when its last request is answered. */
  #retire(model: ServedModel, version: ServedVersion): void {
    const holding = this.#holdings.get(version);
    if (holding === undefined) return;
    holding.retired = true;
    if (model.versions.get(version.ref.version) === version) model.versions.delete(version.ref.version);
    if (model.current === version) model.current = undefined;
    this.#releaseIfDone(version, holding);
  }

  /** Keeps a version in the threads until it is let go of as often; false when it is gone already. */
  hold(version: ServedVersion): boolean {
    const holding = this.#holdings.get(version);
    if (holding === undefined) return false;
    holding.leases++;
    holding.lastUsed = performance.now();
    return true;
  }

  letGo(version: ServedVersion): void {
    const holding = this.#holdings.get(version);
    if (holding === undefined) return;
    holding.leases--;
    this.#releaseIfDone(version, holding);
  }

  #releaseIfDone(version: ServedVersion, { retired, leases, open }: Holding): void {
    if (!retired || leases > 0) return;
    this.#holdings.delete(version);
    const { pool, log } = this.#options;
    const { name, version: number } = version.ref;
    pool
      .release(version.session)
      .then(() => open.release())
      .catch((error: unknown) => log.warn(`letting go of ${name} version ${number}: ${messageOf(error)}`));
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
      [...model.versions.values()].flatMap((version) => {
        const holding = this.#holdings.get(version);
        return holding === undefined ? [] : [{ model, version, holding }];
      }),
    );
    let used = all.reduce((sum, { version }) => sum + this.#memoryOf(version), 0);
    // What a request holds would give nothing back yet.
    const held = ({ holding }: { holding: Holding }): number => (holding.leases > 0 ? 1 : 0);
    all.sort((a, b) => held(a) - held(b) || a.holding.lastUsed - b.holding.lastUsed);
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
    await Promise.allSettled([...this.#holdings.values()].map(({ open }) => open.release()));
  }
}

async function readMlModel(folder: string | undefined) {
  const file = folder === undefined ? undefined : path.join(folder, 'MLmodel');
  if (file === undefined || !fs.existsSync(file)) return undefined;
  return parseMlModel(fs.readFileSync(file, 'utf8'), file);
}
