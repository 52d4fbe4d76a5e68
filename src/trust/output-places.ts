import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError, privateFolderName } from '../base/index.ts';
import { findGitRoot, trackedLinks, type TreePath } from '../git/index.ts';

/**
 * Why no output may lie at a place in a project, by its path alone; undefined for a good one. In the folders of Git, DVC
 * and mlops (anywhere, in any spelling that some file system takes for them) a file can make the next command run a
 * program or believe what it must not.
 */
export function placeFault(file: TreePath): string | undefined {
  for (const name of file.split('/')) {
    const folder = privateFolderName(name);
    if (folder !== undefined) return `lies in '${folder}'`;
  }
  return undefined;
}

/** @throws MlopsError `forbidden_place`; the error ends whatever reads the file that names such an output. */
export function requirePlace(file: TreePath, namedBy: string): void {
  const fault = placeFault(file);
  if (fault !== undefined) throw forbidden(file, fault, namedBy);
}

/**
 * Decides where an output of a project may lie. Whatever makes, replaces, moves or deletes outputs asks here first.
 * Answers are kept for the time of a command.
 */
export class OutputPlaces {
  readonly #root: string;
  readonly #folders = new Set<string>();
  readonly #links = new Map<string, string | undefined>();
  #tracked: ReadonlySet<string> | undefined;

  /** @param root absolute path of the project. */
  constructor(root: string) {
    this.#root = root;
  }

  /**
   * @param target absolute.
   * @returns the same path.
   * @throws MlopsError `forbidden_place` outside the project, in a private folder, and at or behind a symbolic link that
   * Git tracks or that leads into a private folder.
   */
  require(target: string): string {
    const fault = this.#faultOf(target);
    if (fault !== undefined) throw forbidden(target, fault);
    return target;
  }

  /** As `require`, as a question. */
  allows(target: string): boolean {
    return this.#faultOf(target) === undefined;
  }

  /** As `require` for files below an output that is there; a link in the place of such a file is replaced, not followed. */
  requireFolders(files: Iterable<string>): void {
    for (const file of files) {
      const folder = file.slice(0, file.lastIndexOf('/'));
      if (!this.#folders.has(folder)) this.require(folder);
    }
  }

  #faultOf(target: string): string | undefined {
    const inside = path.relative(this.#root, target).split(path.sep).join('/');
    if (inside === '' || inside === '..' || inside.startsWith('../') || path.isAbsolute(inside))
      return 'is no place inside the project';
    const fault = placeFault(inside);
    if (fault !== undefined) return fault;
    const names = inside.split('/');
    let at = this.#root;
    for (const [i, name] of names.entries()) {
      at = `${at}/${name}`;
      if (this.#folders.has(at)) continue;
      const stat = fs.lstatSync(at, { throwIfNoEntry: false });
      if (stat === undefined) return undefined;
      if (stat.isSymbolicLink()) {
        const why = this.#linkFault(at, i === names.length - 1);
        if (why !== undefined) return why;
      }
      // What is a file may become a link; what was looked at as a folder is not looked at again.
      if (i < names.length - 1 || stat.isDirectory()) this.#folders.add(at);
    }
    return undefined;
  }

  #linkFault(link: string, isTarget: boolean): string | undefined {
    if (!this.#links.has(link)) this.#links.set(link, this.#judge(link, isTarget));
    return this.#links.get(link);
  }

  #judge(link: string, isTarget: boolean): string | undefined {
    const gitRoot = findGitRoot(this.#root);
    const shown = path.relative(this.#root, link);
    this.#tracked ??= new Set(gitRoot === undefined ? [] : trackedLinks(gitRoot));
    if (this.#tracked.has(link)) return `lies at or behind '${shown}', a symbolic link that Git tracks`;
    // With cache.type symlink outputs themselves are links into the cache.
    if (isTarget) return undefined;
    const real = realpath(link);
    for (const top of [this.#root, gitRoot]) {
      const inside = real === undefined || top === undefined ? '..' : path.relative(fs.realpathSync(top), real);
      if (inside.startsWith('..') || path.isAbsolute(inside)) continue;
      const fault = placeFault(inside.split(path.sep).join('/'));
      if (fault !== undefined) return `is behind the link '${shown}', and so ${fault}`;
    }
    return undefined;
  }
}

function realpath(link: string): string | undefined {
  try {
    return fs.realpathSync(link);
  } catch {
    // Where it leads there is nothing yet.
    return path.resolve(path.dirname(link), fs.readlinkSync(link));
  }
}

function forbidden(file: string, why: string, namedBy?: string): MlopsError {
  return new MlopsError('forbidden_place', `no output may lie at '${file}': it ${why}`, {
    ...(namedBy === undefined ? {} : { where: namedBy }),
    hint: 'a file there could run programs or change what is outside; if you do not know who wrote that path, do not use this repository',
    data: { path: file, fatal: true },
  });
}
