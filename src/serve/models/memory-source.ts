import { randomUUID } from 'node:crypto';
import { EventEmitter, on } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { isSystemError, MlopsError } from '../../base/index.ts';
import type { ModelRef, ModelSource, OpenModel } from './model-source.ts';

/**
 * Models given as bytes, with versions and aliases that can be moved at run time. Files are written to a temporary
 * folder while a version is open, because the runtime loads from paths.
 */
export class MemorySource implements ModelSource {
  readonly kind = 'memory';
  readonly #models = new Map<string, Map<string, Uint8Array>>();
  readonly #aliases = new Map<string, string>();
  readonly #events = new EventEmitter();

  /** Adds or replaces a version; without an alias of the name, the newest version is the default. */
  add(name: string, version: string, bytes: Uint8Array): this {
    const versions = this.#models.get(name) ?? new Map<string, Uint8Array>();
    versions.set(version, bytes);
    this.#models.set(name, versions);
    this.#events.emit('change');
    return this;
  }

  /** Points an alias or stage at a version; `default` is what a request without a version gets. */
  point(name: string, alias: string, version: string): void {
    this.#aliases.set(`${name}@${alias}`, version);
    this.#events.emit('change');
  }

  list(): Promise<readonly ModelRef[]> {
    return Promise.all([...this.#models.keys()].map((name) => this.resolve(name)));
  }

  async resolve(name: string, selector?: string): Promise<ModelRef> {
    const versions = this.#models.get(name);
    if (versions === undefined) throw new MlopsError('model_not_found', `there is no model '${name}' here`);
    const alias = this.#aliases.get(`${name}@${selector ?? 'default'}`);
    const version = alias ?? (selector === undefined || selector === 'latest' ? [...versions.keys()].at(-1) : selector);
    if (version === undefined || !versions.has(version)) {
      throw new MlopsError('model_not_found', `model '${name}' has no version '${selector ?? version}'`);
    }
    return { name, version, uri: `memory:${name}/${version}` };
  }

  async open(ref: ModelRef): Promise<OpenModel> {
    const bytes = this.#models.get(ref.name)?.get(ref.version);
    if (bytes === undefined)
      throw new MlopsError('model_not_found', `model '${ref.name}' has no version '${ref.version}'`);
    const folder = path.join(os.tmpdir(), `mlops-model-${randomUUID()}`);
    fs.mkdirSync(folder, { mode: 0o700 });
    const file = path.join(folder, 'model.onnx');
    fs.writeFileSync(file, bytes);
    const release = (): Promise<void> => fs.promises.rm(folder, { recursive: true, force: true });
    return { ref, file, folder: undefined, release };
  }

  async *changes(signal: AbortSignal): AsyncIterable<void> {
    try {
      for await (const _ of on(this.#events, 'change', { signal })) yield;
    } catch (error) {
      if (!isSystemError(error, 'ABORT_ERR')) throw error;
    }
  }
}
