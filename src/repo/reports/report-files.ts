import * as fs from 'node:fs';

import { isSystemError, MlopsError } from '../../base/index.ts';
import { objectPath, parseManifest } from '../../data/index.ts';
import type { Tree, TreePath } from '../../git/index.ts';
import { ignoreFileName, type ContentInfo, type IgnoreRules, type Stage } from '../../project/index.ts';

/**
 * The files of a revision with the tracked ones laid over it: what is not in the tree itself is read from
 * the cache, by the hash that `dvc.lock` or a `.dvc` file of that revision records.
 */
export class ReportFiles {
  readonly #tree: Tree;
  readonly #rules: IgnoreRules;
  readonly #cacheDir: string;
  readonly #outs = new Map<TreePath, ContentInfo>();
  readonly #manifests = new Map<string, ReadonlyMap<TreePath, string>>();

  constructor(tree: Tree, rules: IgnoreRules, stages: readonly Stage[], cacheDir: string) {
    this.#tree = tree;
    this.#rules = rules;
    this.#cacheDir = cacheDir;
    for (const out of stages.flatMap((stage) => stage.outs)) {
      if (out.path !== undefined && out.info?.md5 !== undefined) this.#outs.set(out.path, out.info);
    }
  }

  /** Content of a file; throws `blob_not_found` where there is none, `object_missing` where only its hash is known. */
  read(file: TreePath, shown: string = file): Uint8Array {
    const content = this.#tree.read(file);
    if (content !== undefined) return content;
    const object = this.#objectOf(file);
    if (object === undefined) throw new MlopsError('blob_not_found', `[Errno 2] No such file or directory: '${shown}'`);
    return this.#readObject(object.md5, object.info, file);
  }

  exists(file: TreePath): boolean {
    return this.#tree.entry(file) !== undefined || this.#objectOf(file) !== undefined || this.isDirectory(file);
  }

  isDirectory(file: TreePath): boolean {
    if (file === '' || this.#tree.entry(file)?.kind === 'dir') return true;
    return this.#outs.get(file)?.md5?.endsWith('.dir') === true || this.#tracked().some((name) => isInside(name, file));
  }

  /** Every file below a directory, in the tree or only tracked, in code point order. */
  find(directory: TreePath): TreePath[] {
    const found = new Set<TreePath>();
    const walk = (dir: TreePath): void => {
      for (const { name, kind } of this.#tree.list(dir)) {
        const full = dir === '' ? name : `${dir}/${name}`;
        if (name === ignoreFileName || this.#rules.ignored(full, kind === 'dir')) continue;
        if (kind === 'dir') walk(full);
        else found.add(full);
      }
    };
    walk(directory);
    for (const name of this.#tracked()) {
      if (isInside(name, directory)) for (const file of this.#filesOf(name)) found.add(file);
    }
    const above = this.#outAbove(directory);
    if (above !== undefined) for (const file of this.#filesOf(above)) if (isInside(file, directory)) found.add(file);
    return [...found].sort();
  }

  /** A directory expanded to its files; a file, or what does not exist, as it is. */
  expand(paths: readonly TreePath[]): TreePath[] {
    return [...new Set(paths.flatMap((name) => (this.isDirectory(name) ? this.find(name) : [name])))];
  }

  #tracked(): TreePath[] {
    return [...this.#outs.keys()];
  }

  #filesOf(out: TreePath): TreePath[] {
    const info = this.#outs.get(out);
    if (info?.md5?.endsWith('.dir') !== true) return [out];
    return [...this.#manifest(info, out).keys()].map((name) => `${out}/${name}`);
  }

  #outAbove(file: TreePath): TreePath | undefined {
    for (let name = file; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('/')))) {
      if (this.#outs.has(name)) return name;
    }
    return undefined;
  }

  #objectOf(file: TreePath): { md5: string; info: ContentInfo } | undefined {
    const out = this.#outAbove(file);
    const info = out === undefined ? undefined : this.#outs.get(out);
    if (out === undefined || info?.md5 === undefined) return undefined;
    if (!info.md5.endsWith('.dir')) return out === file ? { md5: info.md5, info } : undefined;
    const md5 = out === file ? undefined : this.#manifest(info, out).get(file.slice(out.length + 1));
    return md5 === undefined ? undefined : { md5, info };
  }

  #manifest(info: ContentInfo, out: TreePath): ReadonlyMap<TreePath, string> {
    const id = info.md5 ?? '';
    let files = this.#manifests.get(id);
    if (files === undefined) {
      const entries = this.#lacks(info, out) ? [] : parseManifest(this.#readObject(id, info, out), id);
      this.#manifests.set(id, (files = new Map(entries.map(({ relpath, md5 }) => [relpath, md5]))));
    }
    return files;
  }

  /** A folder that is not in the cache (`cache: false`, or not fetched), but in the tree. */
  #lacks(info: ContentInfo, out: TreePath): boolean {
    return (
      this.#tree.entry(out)?.kind === 'dir' && !fs.existsSync(objectPath(this.#cacheDir, info.md5 ?? '', info.hashName))
    );
  }

  #readObject(md5: string, info: ContentInfo, file: TreePath): Uint8Array {
    try {
      return fs.readFileSync(objectPath(this.#cacheDir, md5, info.hashName));
    } catch (error) {
      if (!isSystemError(error, 'ENOENT', 'ENOTDIR')) throw error;
      throw new MlopsError('object_missing', `'${file}' is neither in the workspace nor in the cache`, {
        hint: 'get it with `mlops fetch -a -T` (or `-A` for all commits)',
        cause: error,
      });
    }
  }
}

function isInside(file: TreePath, directory: TreePath): boolean {
  return directory === '' || file.startsWith(`${directory}/`);
}
