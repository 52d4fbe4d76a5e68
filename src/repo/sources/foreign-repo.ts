import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { isMlopsError, isSystemError, MlopsError } from '../../base/index.ts';
import {
  fetchContents,
  missingObjects,
  openData,
  readManifest,
  type Content,
  type DataContext,
  type TransferOptions,
} from '../../data/index.ts';
import {
  cloneRepository,
  findGitRoot,
  headCommit,
  resolveRevision,
  revisionTree,
  subTree,
  worktreeTree,
  type Tree,
  type TreePath,
} from '../../git/index.ts';
import {
  IgnoreRules,
  lockFileOf,
  openPipelineFile,
  ProjectConfig,
  readDvcFile,
  readLockFile,
} from '../../project/index.ts';
import {
  flagOption,
  localStore,
  openStore,
  withoutSecrets,
  type BlobStore,
  type RemoteOptions,
} from '../../storage/index.ts';
import { collectStages, type CollectSource } from '../open/collect.ts';
import type { RemoteSection } from '../open/pipeline-project.ts';
import { pathInside, repoView, type RepoView } from './repo-view.ts';
import { treePathOf } from '../open/targets.ts';

export interface ForeignOptions extends TransferOptions {
  /** Branch, tag or commit; without it the work tree of a local repository, the default branch of another. */
  readonly rev?: string | undefined;
  /** Chooses the revision once the repository is there, given where Git can be asked. */
  readonly chooseRev?: ((gitDir: string) => string) | undefined;
  /** A config file whose values win over those of the repository. */
  readonly config?: string | undefined;
  /** These options are what a `.dvc` file says, not what the user says. Default false. */
  readonly recorded?: boolean;
  /** Name of the remote to take as its default. */
  readonly remote?: string | undefined;
  /** Options that win over those of that remote. */
  readonly remoteConfig?: RemoteOptions | undefined;
}

/** Another repository (Git's, or a DVC project), opened to read from. */
export interface ForeignRepo {
  readonly url: string;
  /** Where the user stands inside of the files that are read; '' elsewhere. */
  readonly standpoint: TreePath;
  /** The commit it stands at, undefined without Git. */
  readonly commit: string | undefined;
  /** Where its files are below the top of the Git repository; '' at the top. */
  readonly inGit: TreePath;
  readonly tree: Tree;
  readonly view: RepoView;
  /** Its own cache, when it is on this machine. */
  readonly cacheDir: string | undefined;
  /** Where its data is pushed to; undefined when it names no remote. */
  remote(): RemoteSection | undefined;
  /**
   * Where a path leads that a user gave: from where they stand when that is inside of the files that are read, else
   * from the top, and on into a project that lies in a folder of this one. What it gives back closes with this.
   */
  find(given: string | undefined): { readonly repo: ForeignRepo; readonly at: TreePath };
  /**
   * A cache that holds all of these contents: the repository's own where it does, otherwise a temporary one.
   * @throws MlopsError `transfer_failed`.
   */
  cacheWith(contents: readonly Content[]): Promise<DataContext>;
  /** Brings contents into a cache, from the repository's cache or its remote. @throws MlopsError `transfer_failed`. */
  bring(into: DataContext, contents: readonly Content[]): Promise<void>;
  close(): void;
}

/**
 * Opens a repository by path or Git URL. A local one is read in place, others are cloned into a temporary
 * folder that goes away with `close`.
 * @throws MlopsError `git_failed` when it cannot be cloned, `unknown_revision`, `bad_config`.
 */
export async function openForeignRepo(cwd: string, url: string, options: ForeignOptions = {}): Promise<ForeignRepo> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-repo-'));
  try {
    const place = localPlace(cwd, url, options) ?? (await clonePlace(folder, url, options));
    const config = options.config === undefined ? undefined : path.resolve(cwd, options.config);
    return assemble(folder, url, place, { ...options, cwd, config });
  } catch (error) {
    fs.rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

interface OpenOptions extends ForeignOptions {
  readonly cwd: string;
}

interface Place {
  readonly tree: Tree;
  readonly commit: string | undefined;
  readonly inGit: TreePath;
  /** Holds the config of the repository. */
  readonly dvcDir: string;
  /** The repository's own cache, when it is on this machine. */
  readonly cacheDir: string | undefined;
}

function localPlace(cwd: string, url: string, options: ForeignOptions): Place | undefined {
  const given = path.resolve(cwd, url);
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(url) || fs.statSync(given, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return undefined;
  }
  if (isBare(given)) return undefined;
  const gitRoot = findGitRoot(given);
  // A folder that is neither is read as it is, and so is one below the top of a Git repository, except of a revision.
  const root = dvcRoot(given) ?? given;
  const dvcDir = path.join(root, '.dvc');
  const cacheDir = cacheOf(dvcDir);
  if (gitRoot === undefined && options.rev !== undefined) {
    throw new MlopsError('not_a_git_repo', `${given} is not a git repository`, { hint: 'leave out --rev' });
  }
  const rev = gitRoot === undefined ? undefined : (options.chooseRev?.(gitRoot) ?? options.rev);
  const inGit = gitRoot === undefined ? undefined : treePathOf({ root: gitRoot }, root);
  if (rev === undefined) {
    return {
      tree: worktreeTree(root),
      commit: gitRoot === undefined ? undefined : headCommit(gitRoot),
      inGit: inGit ?? '',
      dvcDir,
      cacheDir,
    };
  }
  const isTop = gitRoot !== undefined && !(inGit !== undefined && fs.existsSync(dvcDir));
  const top = isTop ? gitRoot : root;
  const commit = resolveRevision(top, rev);
  return { tree: revisionTree(top, rev), commit, inGit: isTop ? '' : (inGit ?? ''), dvcDir, cacheDir };
}

/** A Git repository without a work tree: there are no files to read in place. */
function isBare(directory: string): boolean {
  return ['HEAD', 'objects', 'refs'].every((name) => fs.existsSync(path.join(directory, name)));
}

function dvcRoot(directory: string): string | undefined {
  for (let current = directory; ; current = path.dirname(current)) {
    if (fs.statSync(path.join(current, '.dvc'), { throwIfNoEntry: false })?.isDirectory() === true) {
      return fs.realpathSync(current);
    }
    if (path.dirname(current) === current) return undefined;
  }
}

/** The innermost folder with a project of its own that a path leads through or to, below the top. */
function projectAbove(tree: Tree, at: TreePath): TreePath | undefined {
  for (let end = at.length; end > 0; end = at.lastIndexOf('/', end - 1)) {
    const folder = at.slice(0, end);
    if (tree.entry(`${folder}/.dvc`)?.kind === 'dir') return folder;
  }
  return undefined;
}

function placeBelow(scratch: string, place: Place, folder: TreePath): Place {
  const tree = subTree(place.tree, folder);
  const inGit = path.posix.join(place.inGit, folder);
  const own = path.join(path.dirname(place.dvcDir), folder, '.dvc');
  if (!fs.existsSync(own))
    return { tree, commit: place.commit, inGit, dvcDir: configFolder(scratch, tree), cacheDir: undefined };
  return { tree, commit: place.commit, inGit, dvcDir: own, cacheDir: cacheOf(own) };
}

/** Where the user stands inside of the files that are read. */
function standpoint(tree: Tree, cwd: string): TreePath {
  if (tree.root === undefined) return '';
  const inside = path.relative(fs.realpathSync(tree.root), fs.realpathSync(cwd));
  return inside === '..' || inside.startsWith(`..${path.sep}`) ? '' : inside;
}

function cacheOf(dvcDir: string): string {
  return path.resolve(new ProjectConfig(dvcDir).text('cache', 'dir') ?? path.join(dvcDir, 'cache'));
}

/** The config of a tree that is not on disk, made there for reading. */
function configFolder(scratch: string, tree: Tree): string {
  const dvcDir = path.join(scratch, '.dvc');
  const config = tree.read('.dvc/config');
  fs.mkdirSync(dvcDir);
  if (config !== undefined) fs.writeFileSync(path.join(dvcDir, 'config'), config);
  return dvcDir;
}

async function clonePlace(folder: string, url: string, options: ForeignOptions): Promise<Place> {
  const clone = path.join(folder, 'clone');
  await cloneRepository(url, clone, { bare: true, signal: options.signal });
  const tree = revisionTree(clone, options.chooseRev?.(clone) ?? options.rev ?? 'HEAD');
  return { tree, commit: tree.commit, inGit: '', dvcDir: configFolder(folder, tree), cacheDir: undefined };
}

function assemble(folder: string, url: string, place: Place, options: OpenOptions): ForeignRepo {
  const { tree } = place;
  const rules = new IgnoreRules(tree);
  const ignored = (file: TreePath, isDirectory: boolean): boolean => rules.ignored(file, isDirectory);
  const base = new ProjectConfig(place.dvcDir);
  const overlay = overlayOf(folder, options);
  // A name that is wrong is told at once, not when something is found missing.
  if (options.remote !== undefined) remoteOf(base, overlay, options);
  const contexts: DataContext[] = [];
  const subs: ForeignRepo[] = [];
  const here = standpoint(tree, options.cwd);
  const open = (cacheDir: string, name: string): DataContext => {
    const context = openData({
      root: folder,
      cacheDir,
      stateDir: path.join(folder, name),
      linkTypes: ['reflink', 'copy'],
      shared: false,
      ignored: () => false,
    });
    contexts.push(context);
    return context;
  };
  let own: DataContext | undefined;
  let temporary: DataContext | undefined;
  const repo: ForeignRepo = {
    url,
    standpoint: here,
    commit: place.commit,
    inGit: place.inGit,
    tree,
    view: repoView({
      tree,
      stages: stagesIn(tree, ignored, options.cwd),
      ignored,
      manifest: async (content) => readManifest(await repo.cacheWith([content]), content),
    }),
    remote: () => remoteOf(base, overlay, options),
    cacheDir: place.cacheDir,
    find(given) {
      const { root } = tree;
      const inTree = root !== undefined && given?.startsWith(`${root}/`) === true;
      const at = inTree ? given.slice(root.length + 1) : pathInside(given, here);
      const nested = projectAbove(tree, at);
      if (nested === undefined) return { repo, at };
      const inner = fs.mkdtempSync(path.join(folder, 'nested-'));
      const sub = assemble(inner, url, placeBelow(inner, place, nested), options);
      subs.push(sub);
      return { repo: sub, at: at.slice(nested.length + 1) };
    },
    async cacheWith(contents) {
      if (place.cacheDir !== undefined && fs.existsSync(place.cacheDir)) {
        own ??= open(place.cacheDir, 'own');
        if (isWhole(own, contents)) return own;
      }
      temporary ??= open(path.join(folder, 'cache'), 'state');
      await repo.bring(temporary, contents);
      return temporary;
    },
    bring: (into, contents) => bring(repo, place, into, contents, options),
    close() {
      for (const sub of subs) sub.close();
      for (const context of contexts) context.close();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
  return repo;
}

/** @throws MlopsError where one of its stage files cannot be read: a shorter list would be taken for the whole. */
function stagesIn(
  tree: Tree,
  ignored: CollectSource['ignored'],
  cwd: string,
): ReturnType<typeof collectStages>['stages'] {
  const { root } = tree;
  const display = (file: TreePath): string => (root === undefined ? file : path.relative(cwd, path.join(root, file)));
  return collectStages({
    tree,
    ignored,
    ignoredByGit: () => new Set(),
    openPipeline(file) {
      const pipeline = openPipelineFile(tree, file, { display, lock: (of) => readLockFile(tree, lockFileOf(of)) });
      if (pipeline === undefined) throw new MlopsError('file_changed', `'${display(file)}' vanished while it was read`);
      return pipeline;
    },
    readData(file) {
      const stage = readDvcFile(tree, file, display(file));
      if (stage === undefined) throw new MlopsError('file_changed', `'${display(file)}' vanished while it was read`);
      return stage;
    },
  }).stages;
}

function isWhole(context: DataContext, contents: readonly Content[]): boolean {
  return contents.every((content) => {
    if (!context.hasObject(content.md5, content.hashName)) return false;
    if (!content.md5.endsWith('.dir')) return true;
    const files = readManifest(context, content).map(({ md5 }) => md5);
    return missingObjects(context, content.hashName, files).size === 0;
  });
}

async function bring(
  repo: ForeignRepo,
  place: Place,
  into: DataContext,
  contents: readonly Content[],
  options: ForeignOptions,
): Promise<void> {
  const sources: { readonly open: () => Promise<BlobStore>; readonly verify?: boolean | undefined }[] = [];
  const { cacheDir } = place;
  if (cacheDir !== undefined && cacheDir !== into.cacheDir && fs.existsSync(cacheDir)) {
    sources.push({ open: async () => localStore(cacheDir) });
  }
  const remote = repo.remote();
  if (remote !== undefined) {
    const verify = flagOption(remote.options, 'verify');
    sources.push({ open: () => openStore(remote.url, remote.options), verify });
  }
  let failures: Awaited<ReturnType<typeof fetchContents>>['failures'] = [];
  for (const { open, verify } of sources) {
    const store = await open();
    try {
      ({ failures } = await fetchContents(into, store, contents, { ...options, verify }));
    } finally {
      await store.close();
    }
    if (failures.length === 0) return;
  }
  if (sources.length > 0 && failures.length === 0) return;
  const [first] = failures;
  throw new MlopsError(
    'transfer_failed',
    first === undefined
      ? `no remote specified in '${withoutSecrets(repo.url)}'`
      : `${failures.length} files failed to download from '${withoutSecrets(repo.url)}': ${first.message}`,
    { hint: 'its data must be pushed: `mlops push` in that repository', data: { failures } },
  );
}

function overlayOf(folder: string, options: ForeignOptions): ProjectConfig | undefined {
  if (options.config === undefined) return undefined;
  const directory = path.join(folder, 'overlay');
  fs.mkdirSync(directory, { recursive: true });
  try {
    fs.copyFileSync(options.config, path.join(directory, 'config'));
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new MlopsError('bad_config', `cannot read the config file '${options.config}': ${error.message}`, {
      exit: 255,
      hint: '--config takes a path from where you are',
      cause: error,
    });
  }
  return new ProjectConfig(directory, { validate: false, trusted: options.recorded !== true });
}

function remoteOf(
  base: ProjectConfig,
  overlay: ProjectConfig | undefined,
  options: ForeignOptions,
): RemoteSection | undefined {
  const name = options.remote?.toLowerCase() ?? overlay?.defaultRemote ?? base.defaultRemote;
  const extra = options.remoteConfig ?? {};
  if (name === undefined && extra['url'] === undefined) return undefined;
  const own = name === undefined ? undefined : sectionIn(base, name);
  const over = name === undefined || overlay === undefined ? undefined : sectionIn(overlay, name);
  const { url: given, ...added } = extra;
  const url = given === undefined ? (over?.url ?? own?.url) : String(given);
  if (url === undefined)
    throw new MlopsError('bad_config', `config file error: remote '${name ?? ''}' doesn't exist`, { exit: 1 });
  return { name: name ?? '', url, options: { ...own?.options, ...over?.options, ...added } };
}

function sectionIn(config: ProjectConfig, name: string): { url: string; options: RemoteOptions } | undefined {
  try {
    const { url, options } = config.remote(name);
    const texts = [...options].map(([key, value]) => [key, typeof value === 'string' ? value : value.join(',')]);
    return { url, options: Object.fromEntries(texts) as RemoteOptions };
  } catch (error) {
    if (isMlopsError(error, 'bad_config')) return undefined;
    throw error;
  }
}
