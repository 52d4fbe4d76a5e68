import { messageOf, type Logger } from '../../base/index.ts';
import type { Control } from '../cluster/control.ts';
import type { ModelRef, ModelSource } from '../models/model-source.ts';
import type { Repository } from '../running/repository.ts';
import type { ServedModel } from '../running/served-model.ts';

export interface WatchOptions {
  readonly repository: Repository;
  readonly control: Control;
  /** Sources of which every model is served. */
  readonly growing: readonly ModelSource[];
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Told of what has changed. */
  readonly tell: (line: string) => void;
}

/**
 * Follows the sources until the signal aborts: when the version that a model's selector means has changed, it is
 * loaded and swapped in. What fails to load is reported and leaves the served version alone. Models that appear in a
 * growing source are served; those that vanish from it are unloaded.
 */
export async function followSources(options: WatchOptions): Promise<void> {
  const follower = new Follower(options);
  const { repository, growing, signal } = options;
  const sources = new Set([...[...repository.models.values()].map((model) => model.spec.source), ...growing]);
  await Promise.all(
    [...sources].map(async (source) => {
      for await (const _ of source.changes(signal)) await follower.look(source);
    }),
  );
}

class Follower {
  readonly #options: WatchOptions;
  /** What could not be loaded, by model: not tried again until it changes. */
  readonly #failed = new Map<string, string>();
  readonly #vanished = new Set<string>();

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  async look(source: ModelSource): Promise<void> {
    const { repository, growing } = this.#options;
    const at = growing.indexOf(source);
    if (at >= 0) await this.#compare(source, at);
    for (const model of repository.models.values()) if (model.spec.source === source) await this.#refresh(model);
  }

  async #compare(source: ModelSource, at: number): Promise<void> {
    const { repository, control, tell } = this.#options;
    const found = new Set((await source.list()).map(({ name }) => name));
    for (const name of found) {
      if (repository.models.has(name)) continue;
      await control.add(name, at);
      tell(`'${name}' is new and now served`);
      await this.#load(repository.model(name), await repository.resolve(name));
    }
    for (const { spec } of repository.models.values()) {
      const { name } = spec;
      if (spec.source !== source) continue;
      if (found.has(name)) {
        if (this.#vanished.delete(name)) await this.#load(repository.model(name), await repository.resolve(name));
      } else if (!this.#vanished.has(name)) {
        this.#vanished.add(name);
        await control.unload(name, 'its file is gone');
        tell(`'${name}' is no longer served: its file is gone`);
      }
    }
  }

  async #refresh(model: ServedModel): Promise<void> {
    const { spec, current, state } = model;
    if (state === 'UNLOADED' || state === 'UNAVAILABLE') return;
    try {
      const ref = await spec.source.resolve(spec.sourceName ?? spec.name, spec.selector);
      if (current !== undefined && identity(ref) === identity(current.ref)) return;
      await this.#load(model, ref);
    } catch (error) {
      this.#keep(model, error);
    }
  }

  async #load(model: ServedModel, ref: ModelRef): Promise<void> {
    const { control, tell } = this.#options;
    const { name } = model.spec;
    if (this.#failed.get(name) === identity(ref)) return;
    this.#failed.set(name, identity(ref));
    try {
      const version = await control.load(name);
      this.#failed.delete(name);
      tell(`'${name}' now serves version ${version.ref.version}`);
    } catch (error) {
      this.#keep(model, error);
    }
  }

  #keep(model: ServedModel, error: unknown): void {
    const { spec, current } = model;
    if (current !== undefined) model.refused = messageOf(error);
    this.#options.log.warn(`'${spec.name}' keeps version ${current?.ref.version ?? 'none'}: ${messageOf(error)}`);
  }
}

function identity({ version, fingerprint }: ModelRef): string {
  return `${version} ${fingerprint ?? ''}`;
}
