import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError, isSystemError, MlopsError } from '../../base/index.ts';
import {
  commitOut,
  hashPath,
  isDirectoryId,
  manifestId,
  readManifest,
  readTree,
  rememberLink,
  writeManifest,
  type Content,
  type TreeFile,
  type WorkOptions,
} from '../../data/index.ts';
import type { Out, Stage } from '../../project/index.ts';
import { ignoredByGit } from '../../git/index.ts';
import { isStageFile } from '../open/collect.ts';
import { withOutInfo, type DataRepo } from '../open/data-repo.ts';
import { gitSide, type GitSide } from '../open/git-side.ts';
import { buildGraph } from '../open/graph.ts';
import { contentOf } from '../open/content-of.ts';
import { refuseBusy } from '../open/stage-paths.ts';
import { absoluteOut, outAround, requireGlobs, showPath, treePathOf } from '../open/targets.ts';

export interface AddCommand extends WorkOptions {
  readonly targets: readonly string[];
  readonly glob?: boolean;
  readonly noCommit?: boolean;
  readonly relink?: boolean;
}

interface Addition {
  readonly stage: Stage;
  readonly out: Out;
  /** Absolute path of what was named: the out, or something inside it. */
  readonly target: string;
}

/**
 * Tracks files and folders: content into the cache, a `.dvc` file and a Git ignore line beside each.
 * @returns the files that the user should `git add`.
 * @throws MlopsError `object_missing`, `target_overlaps`, `git_tracked`, `bad_path`, `bad_pipeline`.
 */
export async function add(repo: DataRepo, command: AddCommand): Promise<string[]> {
  const given = command.glob === true ? requireGlobs(repo.cwd, command.targets) : command.targets;
  // What is named twice is added once.
  const targets = [...new Map(given.map((target) => [path.resolve(repo.cwd, target), target])).values()];
  const additions = targets.map((target) => findOrMakeStage(repo, target));
  for (const { stage } of additions) requireFolder(path.join(repo.root, stage.wdir));
  checkGraph(repo, additions);
  refuseBusy(
    repo,
    additions.map(({ stage }) => stage),
    'change',
  );
  const side = gitSide(repo);
  try {
    for (const addition of additions) await addOne(repo, addition, command, side);
  } catch (error) {
    side.rollBack();
    // DVC ends with 1 here, with 255 wherever else it meets a file that it cannot read.
    if (isMlopsError(error, 'special_file'))
      throw new MlopsError(error.code, error.message, { ...error, exit: error.exit ?? 1 });
    throw error;
  }
  return side.finish();
}

/** @throws MlopsError `bad_path`. */
export function requireFolder(folder: string): void {
  if (fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new MlopsError('bad_path', `stage working dir '${folder}' does not exist`, { hint: 'make the folder first' });
}

function findOrMakeStage(repo: DataRepo, given: string): Addition {
  const target = path.resolve(repo.cwd, given);
  const inside = treePathOf(repo, target);
  if (inside === undefined || inside === '') {
    throw new MlopsError('bad_path', `Cached output(s) outside of DVC project: ${given}. See 'mlops add --help'`, {
      hint: 'copy it into the project, or use `mlops add --out PATH`',
    });
  }
  refuseLinkedFolder(repo, target);
  const owner = outAround(repo.stages(), inside);
  if (owner !== undefined) {
    if (owner.stage.kind === 'pipeline') throw pipelineOwns(repo, given, owner.stage);
    return { ...owner, target };
  }
  if (isStageFile(path.basename(inside))) {
    throw new MlopsError('bad_path', `DVC file '${path.relative(repo.cwd, target)}' cannot be an output.`, {
      hint: 'commit it to Git instead',
    });
  }
  const file = `${inside}.dvc`;
  const wdir = path.posix.dirname(inside) === '.' ? '' : path.posix.dirname(inside);
  const out = newOut(path.posix.basename(inside), inside);
  return { stage: newDataStage(file, wdir, out), out, target };
}

export function newOut(defPath: string, inside: string): Out {
  return {
    defPath,
    path: inside,
    cache: true,
    persist: false,
    push: true,
    remote: undefined,
    metric: false,
    plot: undefined,
    info: undefined,
  };
}

export function newDataStage(file: string, wdir: string, out: Out): Stage {
  return {
    address: file,
    kind: 'data',
    name: undefined,
    file,
    wdir,
    cmd: undefined,
    deps: [],
    params: [],
    outs: [out],
    frozen: false,
    alwaysChanged: false,
    desc: undefined,
    meta: undefined,
    md5: undefined,
    locked: undefined,
  };
}

function refuseLinkedFolder(repo: DataRepo, target: string): void {
  for (let dir = path.dirname(target); dir.length > repo.root.length; dir = path.dirname(dir)) {
    if (fs.lstatSync(dir, { throwIfNoEntry: false })?.isSymbolicLink() === true) throw insideLink(dir);
  }
  const stat = fs.lstatSync(target, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink() !== true) return;
  try {
    if (fs.statSync(target, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  } catch (error) {
    if (!isSystemError(error, 'ELOOP')) throw error;
    throw new MlopsError('special_file', `'${target}' is a link that leads to itself`, {
      exit: 255,
      hint: 'remove the link',
    });
  }
  throw insideLink(target);
}

function insideLink(directory: string): MlopsError {
  return new MlopsError('bad_path', `Cannot add files inside symlinked directories to DVC: '${directory}' is a link.`, {
    hint: 'add the folder that the link leads to',
  });
}

function pipelineOwns(repo: DataRepo, given: string, stage: Stage): MlopsError {
  return new MlopsError(
    'target_overlaps',
    `cannot update '${given}': overlaps with an output of stage: '${stage.name}' in '${showPath(repo, stage.file)}'.\nRun the pipeline or use 'dvc commit' to force update it.`,
  );
}

function checkGraph(repo: DataRepo, additions: readonly Addition[]): void {
  const known = new Set(repo.stages());
  const added = [...new Set(additions.map(({ stage }) => stage))].filter((stage) => !known.has(stage));
  refuseIgnored(
    repo,
    added.map((stage) => stage.file),
  );
  buildGraph([...repo.stages(), ...added], (file) => showPath(repo, file));
}

/** A `.dvc` file that Git ignores would be lost. @throws MlopsError `bad_path`. */
export function refuseIgnored(repo: DataRepo, files: readonly string[]): void {
  if (repo.gitRoot === undefined || files.length === 0) return;
  const absolute = files.map((file) => path.join(repo.root, file));
  const [ignored] = ignoredByGit(repo.gitRoot, absolute);
  if (ignored === undefined) return;
  const shown = path.relative(repo.cwd, path.resolve(repo.gitRoot, ignored));
  throw new MlopsError('bad_path', `bad DVC file name '${shown}' is git-ignored.`, {
    hint: `see the pattern: git check-ignore -v '${shown}'`,
  });
}

/** @throws MlopsError `bad_path` for what a `.dvcignore` covers. */
export function refuseDvcignored(repo: DataRepo, target: string): void {
  const isDirectory = fs.statSync(target, { throwIfNoEntry: false })?.isDirectory() === true;
  if (!repo.data.ignored(target, isDirectory)) return;
  throw new MlopsError('bad_path', `Path '${path.relative(repo.cwd, target)}' is ignored by .dvcignore`, {
    hint: 'see the pattern: mlops check-ignore -d PATH',
  });
}

async function addOne(repo: DataRepo, addition: Addition, command: AddCommand, side: GitSide): Promise<void> {
  const { stage, out, target } = addition;
  if (fs.existsSync(target)) refuseDvcignored(repo, target);
  const root = absoluteOut(repo, out);
  const isThere = fs.existsSync(root);
  if (isThere) side.ignore([root]);
  const content =
    target === root ? await addWhole(repo, out, target, command) : await addPart(repo, out, target, command);
  if (command.noCommit !== true) rememberLink(repo.data, root, content.md5);
  if (!isThere) side.ignore([root]);
  repo.saveStage(withOutInfo(stage, out, content));
  side.changed(path.join(repo.root, stage.file));
}

async function addWhole(repo: DataRepo, out: Out, target: string, command: AddCommand): Promise<Content> {
  if (!fs.existsSync(target) && fs.lstatSync(target, { throwIfNoEntry: false }) === undefined) {
    throw new MlopsError('object_missing', `output '${path.relative(repo.cwd, target)}' does not exist`);
  }
  return commitOut(repo.data, target, {
    cache: command.noCommit !== true,
    relink: command.relink !== false,
    hashName: await hashNameFor(repo, out, target, command),
    signal: command.signal,
    onProgress: command.onProgress,
  });
}

/** A DVC 2 entry keeps its hash as long as its content does not change. */
export async function hashNameFor(
  repo: DataRepo,
  out: Out,
  target: string,
  options: WorkOptions,
): Promise<Content['hashName']> {
  if (out.info?.hashName !== 'md5-dos2unix') return 'md5';
  const current = await hashPath(repo.data, target, { signal: options.signal, hashName: 'md5-dos2unix' });
  return current?.md5 === out.info.md5 ? 'md5-dos2unix' : 'md5';
}

/** Adds, replaces or (when it is gone) removes a part of a tracked folder, without looking at the rest. */
async function addPart(repo: DataRepo, out: Out, target: string, command: AddCommand): Promise<Content> {
  const root = absoluteOut(repo, out);
  const known = contentOf(out.info);
  if (known !== undefined && !isDirectoryId(known.md5)) {
    throw new MlopsError(
      'target_overlaps',
      `Cannot modify '${showPath(repo, out.path ?? '')}' which is being tracked as a file`,
    );
  }
  if (known?.hashName === 'md5-dos2unix') {
    // Its files are known by another hash: a manifest of both kinds would lead nowhere.
    const shown = showPath(repo, out.path ?? '');
    throw new MlopsError('target_overlaps', `cannot add a part of '${shown}', which DVC 2 hashed in another way`, {
      hint: `mlops add ${shown} takes the whole folder anew`,
    });
  }
  const within = target.slice(root.length + 1);
  const before = known === undefined ? [] : manifestOf(repo, known);
  const kept = before.filter(({ relpath }) => relpath !== within && !relpath.startsWith(`${within}/`));
  const part = fs.existsSync(target) ? await commitPart(repo, target, within, command) : undefined;
  if (part === undefined && kept.length === before.length) {
    throw new MlopsError('object_missing', `'${path.relative(repo.cwd, target)}' does not exist`);
  }
  const files = [...kept, ...(part?.files ?? [])];
  const md5 = manifestId(files);
  if (command.noCommit !== true) writeManifest(repo.data, { md5, hashName: 'md5' }, () => files);
  const appended = part !== undefined && kept.length === before.length;
  const size =
    appended && known?.size !== undefined ? known.size + part.size : md5 === known?.md5 ? known.size : undefined;
  return { md5, hashName: 'md5', nfiles: files.length, ...(size === undefined ? {} : { size }) };
}

function manifestOf(repo: DataRepo, content: Content): readonly TreeFile[] {
  try {
    return readManifest(repo.data, content);
  } catch (error) {
    if (!isMlopsError(error, 'object_missing')) throw error;
    throw new MlopsError('object_missing', `could not read '${content.md5}'`, { hint: 'mlops fetch', cause: error });
  }
}

async function commitPart(
  repo: DataRepo,
  target: string,
  within: string,
  command: AddCommand,
): Promise<{ files: TreeFile[]; size: number }> {
  const options = { cache: command.noCommit !== true, relink: command.relink !== false, signal: command.signal };
  const content = await commitOut(repo.data, target, options);
  const size = content.size ?? 0;
  if (!isDirectoryId(content.md5)) return { files: [{ relpath: within, md5: content.md5 }], size };
  const tree = await readTree(repo.data, target, { signal: command.signal });
  return { files: tree.files().map(({ relpath, md5 }) => ({ relpath: `${within}/${relpath}`, md5 })), size };
}
