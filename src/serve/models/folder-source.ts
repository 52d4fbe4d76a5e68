import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { isSystemError, MlopsError } from '../../base/index.ts';
import { declaresEnsemble, describeModel } from '../../model/index.ts';
import type { ModelRef, ModelSource, OpenModel } from './model-source.ts';
import { notServable, pythonFile, type Runtime } from './runtime.ts';

/** How often files are looked at, in milliseconds. What changed must look the same twice: it may be half copied. */
const watchInterval = 500;

/**
 * Models on the disk: one `.onnx` file or model folder under a name, or every one in a directory
 * (`X.onnx`, or a folder with an MLmodel or an .onnx file). The version is `1` and counts on when the content changes;
 * only the current one can be loaded.
 */
export class FolderSource implements ModelSource {
  readonly kind = 'folder';
  readonly #models: () => ReadonlyMap<string, string>;
  readonly #find: (name: string) => string | undefined;
  /** The number that the content of a model has. */
  readonly #numbers = new Map<string, { readonly fingerprint: string; readonly number: number }>();

  readonly #runtime: Runtime;

  private constructor(
    models: () => ReadonlyMap<string, string>,
    runtime: Runtime,
    find = (name: string) => models().get(name),
  ) {
    this.#models = models;
    this.#runtime = runtime;
    this.#find = find;
  }

  /** @throws MlopsError `model_not_found`. */
  static single(location: string, name?: string, runtime: Runtime = 'onnx'): FolderSource {
    const absolute = path.resolve(location);
    if (!fs.existsSync(absolute)) {
      throw new MlopsError('model_not_found', `there is no model at '${location}'`, {
        hint: 'name an .onnx file, a model folder, models:/NAME/STAGE or runs:/ID/PATH',
      });
    }
    const models = new Map([[name ?? stem(absolute), absolute]]);
    return new FolderSource(() => models, runtime);
  }

  /** @throws MlopsError `model_not_found` when there is no such directory. */
  static directory(location: string, runtime: Runtime = 'onnx'): FolderSource {
    const absolute = path.resolve(location);
    if (!fs.statSync(absolute, { throwIfNoEntry: false })?.isDirectory()) {
      throw new MlopsError('model_not_found', `'${location}' is not a directory`, {
        hint: '--models-dir names a folder with .onnx files or model folders in it',
      });
    }
    return new FolderSource(
      () => scan(absolute),
      runtime,
      (name) => findIn(absolute, name),
    );
  }

  list(): Promise<readonly ModelRef[]> {
    return Promise.resolve([...this.#models()].map(([name, file]) => this.#refOf(name, file)));
  }

  resolve(name: string, selector?: string): Promise<ModelRef> {
    const file = this.#find(name);
    if (file === undefined)
      return Promise.reject(new MlopsError('model_not_found', `there is no model '${name}' here`));
    const ref = this.#refOf(name, file);
    if (selector !== undefined && selector !== ref.version && selector !== 'latest') {
      return Promise.reject(
        new MlopsError('model_not_found', `model '${name}' has no version '${selector}'`, {
          hint: `it comes from a file: only its version ${ref.version} is there`,
        }),
      );
    }
    return Promise.resolve(ref);
  }

  #refOf(name: string, file: string): ModelRef {
    const fingerprint = fingerprintOf(file);
    const known = this.#numbers.get(name);
    const number = known === undefined ? 1 : known.number + (known.fingerprint === fingerprint ? 0 : 1);
    this.#numbers.set(name, { fingerprint, number });
    return { name, version: String(number), uri: file, fingerprint };
  }

  async open(ref: ModelRef): Promise<OpenModel> {
    // The number may come from another process of the same server: its count goes on from there.
    if (ref.fingerprint !== undefined) {
      this.#numbers.set(ref.name, { fingerprint: ref.fingerprint, number: Number(ref.version) });
    }
    const description = await describeModel(ref.uri);
    const ensemble = description.flavors.includes('ensemble') ? path.join(description.path, 'serving.yaml') : undefined;
    const python = pythonFile(description, this.#runtime);
    const file = python ?? description.onnxFile ?? ensemble;
    if (file === undefined || (python === undefined && !description.servable)) throw notServable(description, ref.uri);
    const folder = description.kind === 'mlflow-folder' ? description.path : undefined;
    return { ref, file, folder, release: () => Promise.resolve() };
  }

  async *changes(signal: AbortSignal): AsyncIterable<void> {
    let [told, before] = [this.#look(), ''];
    let took = 0;
    try {
      for (;;) {
        // Looking at thousands of files takes a while: no more than a twentieth of the time goes there.
        await delay(Math.max(watchInterval, 20 * took), undefined, { signal, ref: false });
        const started = performance.now();
        const now = this.#look();
        took = performance.now() - started;
        if (now !== told && now === before) {
          told = now;
          yield;
        }
        before = now;
      }
    } catch (error) {
      if (!isSystemError(error, 'ABORT_ERR')) throw error;
    }
  }

  /** All models and how they look, as one text. A directory that is not there for a moment has none. */
  #look(): string {
    try {
      return [...this.#models()].map(([name, file]) => `${name} ${fingerprintOf(file)}`).join('\n');
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return '';
      throw error;
    }
  }
}

/** Changes when the content does: size, time and inode of the file, or of all files of the folder. */
function fingerprintOf(location: string): string {
  const stat = fs.statSync(location, { throwIfNoEntry: false });
  if (stat === undefined) return 'absent';
  if (!stat.isDirectory()) return looks(stat) + configOf(location);
  const names = fs.readdirSync(location).sort();
  return names
    .map((name) => `${name}:${looks(fs.statSync(path.join(location, name), { throwIfNoEntry: false }))}`)
    .join();
}

/** `X.serving.yaml` beside `X.onnx` belongs to it. */
function configOf(file: string): string {
  const config = fs.statSync(file.replace(/\.onnx$/i, '.serving.yaml'), { throwIfNoEntry: false });
  return config === undefined ? '' : `+${looks(config)}`;
}

function looks(stat: fs.Stats | undefined): string {
  return stat === undefined ? 'absent' : `${stat.size}/${stat.mtimeMs}/${stat.ino}`;
}

/** `a/digits.onnx` and `a/digits/` are called `digits`; `x/model.onnx` too is called `model`. */
function stem(file: string): string {
  return path.basename(file).replace(/\.onnx$/i, '');
}

function scan(directory: string): Map<string, string> {
  const models = new Map<string, string>();
  const entries = fs.readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const location = path.join(directory, entry.name);
    if (entry.name.startsWith('.')) continue;
    if (!isDirectory(entry, location)) {
      if (/\.onnx$/i.test(entry.name)) models.set(stem(location), location);
    } else if (holdsModel(location)) models.set(entry.name, location);
  }
  return models;
}

/** What `scan` calls `name`, without looking at all the others where that is possible. */
function findIn(directory: string, name: string): string | undefined {
  const folder = path.join(directory, name);
  const file = `${folder}.onnx`;
  if (path.dirname(file) === directory && !name.startsWith('.')) {
    if (fs.statSync(file, { throwIfNoEntry: false })?.isFile() === true) return file;
    if (fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true && holdsModel(folder)) return folder;
  }
  return scan(directory).get(name);
}

function isDirectory(entry: fs.Dirent, location: string): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return fs.statSync(location, { throwIfNoEntry: false })?.isDirectory() === true;
}

function holdsModel(folder: string): boolean {
  const names = fs.readdirSync(folder);
  return names.includes('MLmodel') || declaresEnsemble(folder) || names.some((name) => /\.onnx$/i.test(name));
}
