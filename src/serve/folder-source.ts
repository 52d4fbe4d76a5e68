import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../base/index.ts';
import { describeModel } from '../model/index.ts';
import type { ModelRef, ModelSource, OpenModel } from './model-source.ts';

/**
 * Models on the disk: one `.onnx` file or model folder under a name, or every one in a directory
 * (`X.onnx`, or a folder with an MLmodel or an .onnx file). Each has the one version `1`.
 */
export class FolderSource implements ModelSource {
  readonly kind = 'folder';
  readonly #models: () => ReadonlyMap<string, string>;
  readonly #watched: string;

  private constructor(models: () => ReadonlyMap<string, string>, watched: string) {
    this.#models = models;
    this.#watched = watched;
  }

  /** @throws MlopsError `model_not_found`. */
  static single(location: string, name?: string): FolderSource {
    const absolute = path.resolve(location);
    if (!fs.existsSync(absolute)) {
      throw new MlopsError('model_not_found', `there is no model at '${location}'`, {
        hint: 'name an .onnx file, a model folder, models:/NAME/STAGE or runs:/ID/PATH',
      });
    }
    const models = new Map([[name ?? stem(absolute), absolute]]);
    return new FolderSource(() => models, absolute);
  }

  /** @throws MlopsError `model_not_found` when there is no such directory. */
  static directory(location: string): FolderSource {
    const absolute = path.resolve(location);
    if (!fs.statSync(absolute, { throwIfNoEntry: false })?.isDirectory()) {
      throw new MlopsError('model_not_found', `'${location}' is not a directory`, {
        hint: '--models-dir names a folder with .onnx files or model folders in it',
      });
    }
    return new FolderSource(() => scan(absolute), absolute);
  }

  list(): Promise<readonly ModelRef[]> {
    return Promise.resolve([...this.#models()].map(([name, file]) => refOf(name, file)));
  }

  resolve(name: string, selector?: string): Promise<ModelRef> {
    const file = this.#models().get(name);
    if (file === undefined)
      return Promise.reject(new MlopsError('model_not_found', `there is no model '${name}' here`));
    if (selector !== undefined && selector !== '1' && selector !== 'latest') {
      return Promise.reject(
        new MlopsError('model_not_found', `model '${name}' has no version '${selector}'`, {
          hint: 'models from files have the one version 1',
        }),
      );
    }
    return Promise.resolve(refOf(name, file));
  }

  async open(ref: ModelRef): Promise<OpenModel> {
    const description = await describeModel(ref.uri);
    if (!description.servable || description.onnxFile === undefined) {
      throw new MlopsError('model_not_servable', `'${ref.uri}' cannot be served: ${description.reason}`, {
        hint: description.wayOut,
      });
    }
    const folder = description.kind === 'mlflow-folder' ? description.path : undefined;
    return { ref, file: description.onnxFile, folder, release: () => Promise.resolve() };
  }

  async *changes(signal: AbortSignal): AsyncIterable<void> {
    for await (const _ of fs.promises.watch(this.#watched, { signal })) yield;
  }
}

function refOf(name: string, file: string): ModelRef {
  return { name, version: '1', uri: file };
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
    if (!fs.statSync(location, { throwIfNoEntry: false })?.isDirectory()) {
      if (/\.onnx$/i.test(entry.name)) models.set(stem(location), location);
    } else if (holdsModel(location)) models.set(entry.name, location);
  }
  return models;
}

function holdsModel(folder: string): boolean {
  const names = fs.readdirSync(folder);
  return names.includes('MLmodel') || names.some((name) => /\.onnx$/i.test(name));
}
