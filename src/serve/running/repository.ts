import * as path from 'node:path';

import { messageOf, MlopsError, type Logger } from '../../base/index.ts';
import { loadFusion } from './fusion.ts';
import { readMlModel } from './mlmodel-file.ts';
import { loadPythonVersion, type PythonFolder, type PythonRuntime } from './python-version.ts';
import type { InferencePool } from './inference-pool.ts';
import type { ModelRef, OpenModel } from '../models/model-source.ts';
import { loadEnsemble, loadProcessing } from '../processing/processing.ts';
import { modelOf, type ServedModel, type ServedModelSpec } from './served-model.ts';
import { edgesOf, ensembleVersion, makeVersion, namedClasses, type ServedVersion } from './served-version.ts';
import { tryOut } from './warm-up.ts';

export interface RepositoryOptions {
  readonly pool: InferencePool;
  /** Who runs models that Python runs; absent: none are served. */
  readonly python?: PythonRuntime | undefined;
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
  /** Loaded for ensembles. */
  readonly #memberModels = new Map<string, ServedModel>();

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
    const model = modelOf(spec);
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
      if (!model.kept.has(before.ref.version)) this.#retire(model, before);
    }
    return version;
  }

  /** Versions that stay loaded from now on, whichever is the default; those that were kept before may go. */
  keep(name: string, versions: ReadonlySet<string>): void {
    const model = this.model(name);
    const before = model.kept;
    model.kept = versions;
    for (const version of before) {
      const loaded = versions.has(version) ? undefined : model.versions.get(version);
      if (loaded !== undefined && loaded !== model.current) this.#retire(model, loaded);
    }
  }

  /** Lets go of a version that was prepared and is not to be used. */
  discard(name: string, version: string): void {
    const model = this.model(name);
    const prepared = model.versions.get(version);
    if (prepared !== undefined && prepared !== model.current && !model.kept.has(version)) this.#retire(model, prepared);
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
    const { pool } = this.#options;
    const started = performance.now();
    const open = await model.spec.source.open(ref);
    let version: ServedVersion;
    try {
      if (/\.ya?ml$/i.test(open.file)) return await this.#openEnsemble(model, ref, open);
      const mlModel = await readMlModel(open.folder);
      if (path.basename(open.file) === 'MLmodel' && mlModel !== undefined) {
        const found = { ref: { ...ref, name: model.spec.name }, file: open.file, mlModel };
        return await this.#openPython(model, found, open);
      }
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
    return this.#admit(model, version, { open, started });
  }

  /** Puts a version that was loaded into service. */
  #admit(model: ServedModel, version: ServedVersion, { open, started }: { open: OpenModel; started: number }) {
    this.#holdings.set(version, { open, leases: 0, lastUsed: performance.now(), retired: false });
    model.versions.set(version.ref.version, version);
    const took = Math.round(performance.now() - started);
    const batching = version.alone === undefined ? 'batching' : `no batching: ${version.alone}`;
    const place = version.python === undefined ? '' : ' into Python';
    this.#options.log.info(
      `loaded ${version.ref.name} version ${version.ref.version}${place} in ${took} ms, ${batching}`,
    );
    this.#evict(version);
    return version;
  }

  /** A model that Python runs, in processes of its own. */
  async #openPython(model: ServedModel, found: PythonFolder, open: OpenModel): Promise<ServedVersion> {
    const started = performance.now();
    const version = await loadPythonVersion(this.#options.python, found, this.#options.log);
    return this.#admit(model, version, { open, started });
  }

  /** An ensemble: its members are loaded first, and held as long as it is; all of them, or it is not. */
  async #openEnsemble(model: ServedModel, ref: ModelRef, open: OpenModel): Promise<ServedVersion> {
    const { pool, log } = this.#options;
    const { config, processing } = await loadEnsemble(open.file);
    const members = new Map<string, ServedVersion>();
    let fusion: ServedVersion | undefined;
    try {
      for (const member of config.members) members.set(member.name, await this.#member(model, member.model));
      if (config.fusion !== undefined) {
        const file = path.join(path.dirname(open.file), config.fusion);
        fusion = await loadFusion(pool, ref, file);
      }
      const version = ensembleVersion(
        { ...ref, name: model.spec.name },
        { config, members, fusion },
        processing,
        open.file,
      );
      this.#holdings.set(version, { open, leases: 0, lastUsed: performance.now(), retired: false });
      model.versions.set(ref.version, version);
      log.info(`loaded ${model.spec.name} version ${ref.version}, an ensemble of ${members.size}`);
      return version;
    } catch (error) {
      for (const member of members.values()) this.#letGoOfMember(member);
      if (fusion !== undefined) await pool.release(fusion.session);
      throw error;
    }
  }

  /** A member's version, shared with whoever serves it too, and held. */
  async #member(ensemble: ServedModel, { name, version }: { name: string; version: string }): Promise<ServedVersion> {
    const served = this.models.get(name);
    const sources = [ensemble.spec.source, ...(served === undefined ? [] : [served.spec.source])];
    let problem: unknown;
    for (const source of sources) {
      try {
        const ref = await source.resolve(name, version);
        const shared =
          served !== undefined && served.spec.source === source && (served.spec.sourceName ?? name) === name;
        const loaded = await this.#loadVersion(shared ? served : this.#memberModel(name, source), ref);
        if (this.hold(loaded)) return loaded;
      } catch (error) {
        problem = error;
      }
    }
    throw problem ?? new MlopsError('model_not_found', `the member models:/${name}/${version} is gone again`);
  }

  /** A model that is loaded as a member only, and not served under its name. */
  #memberModel(name: string, source: ServedModelSpec['source']): ServedModel {
    const known = this.#memberModels.get(name);
    if (known?.spec.source === source) return known;
    const made = modelOf({ name, source });
    this.#memberModels.set(name, made);
    return made;
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
    const { ensemble } = version;
    for (const member of ensemble?.members.values() ?? []) this.#letGoOfMember(member);
    if (ensemble?.fusion !== undefined) void this.#options.pool.release(ensemble.fusion.session);
    const { pool, python, log } = this.#options;
    const { name, version: number } = version.ref;
    (version.python === undefined ? pool : (python?.pool ?? pool))
      .release(version.session)
      .then(() => open.release())
      .catch((error: unknown) => log.warn(`letting go of ${name} version ${number}: ${messageOf(error)}`));
  }

  /** What was loaded for ensembles only goes with the last of them. */
  #letGoOfMember(version: ServedVersion): void {
    const holding = this.#holdings.get(version);
    const model = this.#memberModels.get(version.ref.name);
    if (holding?.leases === 1 && model?.versions.get(version.ref.version) === version) this.#retire(model, version);
    this.letGo(version);
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
