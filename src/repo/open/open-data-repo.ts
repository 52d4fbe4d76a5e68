import * as fs from 'node:fs';
import * as path from 'node:path';

import {
  isMlopsError,
  isSystemError,
  lockFile,
  MlopsError,
  orFailure,
  writeFileAtomic,
  type FileLock,
} from '../../base/index.ts';
import { openData, type LinkType } from '../../data/index.ts';
import { ignoredByGit, type Tree, type TreePath } from '../../git/index.ts';
import {
  findProjectRoot,
  formatDvcFile,
  lockFileOf,
  type IgnoreRules,
  openPipelineFile,
  openProject,
  type Project,
  type ProjectConfig,
  readDvcFile,
  readLockFile,
  type ParsingOptions,
  type Stage,
} from '../../project/index.ts';
import { OutputPlaces, requireTrusted } from '../../trust/index.ts';
import { namesIn } from '../guard/note-file.ts';
import { collectStages, readStageFile, type CollectSource } from './collect.ts';
import type { DataRepo } from './data-repo.ts';
import type { RemoteSection } from './pipeline-project.ts';
import { checkPlaces } from './check-places.ts';
import { buildGraph, type StageGraph } from './graph.ts';
import { LockStore } from './lock-store.ts';
import { RepoLock } from '../guard/repo-lock.ts';
import { showPath } from './targets.ts';

type Environment = DataRepo['env'];

export interface OpenRepoOptions {
  /** Take DVC's lock (`.dvc/tmp/lock`). Default true. */
  readonly lock?: boolean;
  /** Wait for it without limit; otherwise three seconds, as DVC. */
  readonly waitForLock?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onWait?: () => void;
  /** The environment of the person, which the commands of stages inherit. Default: that of this process. */
  readonly env?: Environment;
  /** How others are told what holds a lock. Default: the command line of this process. */
  readonly commandLine?: string;
}

/**
 * Opens the project around a directory for the data verbs, under DVC's own lock, so that both tools can
 * work in one tree. Call `close` at the end.
 * @throws MlopsError `not_a_project`, `bad_config`, `lock_held`, `untrusted_state`.
 */
export async function openDataRepo(cwd: string, options: OpenRepoOptions = {}): Promise<DataRepo> {
  const root = findProjectRoot(cwd);
  requireTrusted(root);
  const lock = options.lock === false ? undefined : await takeLock(root, options);
  try {
    const project = openProject(root);
    const again = (): Promise<FileLock | undefined> => takeLock(root, { ...options, waitForLock: true });
    const around = {
      cwd: path.resolve(cwd),
      env: options.env ?? process.env,
      commandLine: options.commandLine ?? process.argv.slice(1).join(' '),
    };
    const repo = assemble(project, around, new RepoLock(lock, again));
    // What a killed repro moved away is brought back by whoever comes next.
    if (lock !== undefined && namesIn(path.join(project.stateDir, 'aside')).length > 0) await recover(repo);
    return repo;
  } catch (error) {
    lock?.release();
    throw error;
  }
}

async function recover(repo: DataRepo): Promise<void> {
  const [{ recoverOuts }, { localExecutor }] = await Promise.all([
    import('../guard/set-aside.ts'),
    import('../../execute/index.ts'),
  ]);
  recoverOuts(repo, localExecutor());
}

async function takeLock(root: string, options: OpenRepoOptions): Promise<FileLock | undefined> {
  try {
    return await lockFile(path.join(root, '.dvc/tmp/lock'), {
      timeout: options.waitForLock === true ? Number.POSITIVE_INFINITY : 3000,
      signal: options.signal,
      ...(options.onWait === undefined ? {} : { onWait: options.onWait }),
    });
  } catch (error) {
    // A project that cannot be written can still be read; nobody else can change it either.
    if (isSystemError(error, 'EACCES', 'EROFS', 'EPERM', 'ENOENT') && !isWritable(path.join(root, '.dvc')))
      return undefined;
    throw error;
  }
}

function isWritable(folder: string): boolean {
  try {
    fs.accessSync(folder, fs.constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function assemble(project: Project, around: Pick<DataRepo, 'cwd' | 'env' | 'commandLine'>, lock: RepoLock): DataRepo {
  const { cwd } = around;
  const { root, config, tree, gitRoot, stateDir } = project;
  const ignore = (file: TreePath, isDirectory: boolean): boolean => project.ignore.ignored(file, isDirectory);
  const places = new OutputPlaces(root);
  const data = openData({
    root,
    places,
    cacheDir: path.resolve(project.cacheDir),
    stateDir,
    linkTypes: config.cacheTypes as readonly LinkType[],
    shared: config.text('cache', 'shared') === 'group',
    siteDir: config.text('core', 'site_cache_dir'),
    ignored: (file, isDirectory) => file.startsWith(`${root}/`) && ignore(file.slice(root.length + 1), isDirectory),
  });
  const source = (of: Tree): CollectSource => ({
    ...collectSource(of, root, cwd, gitRoot, project.ignore, parsingOf(config)),
    // What was committed long ago may name remotes that are gone.
    ...(of.root === undefined ? {} : { checkPlaces: (found) => checkPlaces(found, (name) => remoteOf(config, name)) }),
  });
  let stages: readonly Stage[] | undefined;
  let graph: StageGraph | undefined;
  const display = (file: TreePath): string => showPath({ root, cwd }, file);
  const repo: DataRepo = {
    ...around,
    root,
    tree,
    source: source(tree),
    gitRoot,
    autostage: config.flag('core', 'autostage', false),
    stateDir,
    places,
    data,
    config,
    display,
    defaultRemote: config.defaultRemote,
    remote: (name) => remoteOf(config, name),
    stages: () => (stages ??= collectStages(source(tree)).stages),
    stagesIn(file) {
      const known = orFailure(() => repo.stages());
      const own = isMlopsError(known) ? [] : known.filter((stage) => stage.file === file);
      return own.length > 0 ? own : readAlone(source(tree), file, display);
    },
    forget() {
      stages = undefined;
      graph = undefined;
    },
    graph() {
      if (graph !== undefined) return graph;
      return (graph = buildGraph(repo.stages(), display));
    },
    stagesOf: (of) => collectStages(source(of)).stages,
    saveStage(stage) {
      saveStage(root, places, stage);
      repo.forget();
    },
    saveDataStage(stage, contents) {
      repo.saveStage({
        ...stage,
        outs: stage.outs.map((out) => ({ ...out, info: contents.get(out) ?? out.info })),
      });
    },
    removeStageFile(file) {
      fs.rmSync(path.join(root, file), { force: true });
      repo.forget();
    },
    writeFile(file, text) {
      writeFileAtomic(path.join(root, file), text);
      repo.forget();
    },
    close() {
      data.close();
      lock.release();
    },
    unlocked: (work) => lock.unlocked(work),
  };
  return repo;
}

function readAlone(source: CollectSource, file: TreePath, display: (file: TreePath) => string): readonly Stage[] {
  const { tree } = source;
  const kind = tree.entry(file)?.kind;
  if ((kind !== 'file' && kind !== 'link') || source.ignored(file, false)) return [];
  if (source.ignoredByGit([file]).has(file)) {
    throw new MlopsError('unknown_stage', `bad DVC file name '${display(file)}' is git-ignored.`, {
      hint: 'take it out of the .gitignore: a stage file belongs into Git',
    });
  }
  return readStageFile(source, file);
}

function collectSource(
  tree: Tree,
  root: string,
  cwd: string,
  gitRoot: string | undefined,
  rules: IgnoreRules,
  parsing: ParsingOptions,
): CollectSource {
  const none: ReadonlySet<TreePath> = new Set();
  return {
    tree,
    ignored: (file, isDirectory) => rules.ignored(file, isDirectory),
    ignoredByGit(paths) {
      if (gitRoot === undefined || tree.root === undefined) return none;
      const base = path.relative(gitRoot, root);
      const full = new Map(paths.map((file) => [base === '' ? file : `${base}/${file}`, file]));
      return new Set([...ignoredByGit(gitRoot, [...full.keys()])].flatMap((file) => full.get(file) ?? []));
    },
    openPipeline(file) {
      const pipeline = openPipelineFile(tree, file, {
        display: (shown) => showPath({ root, cwd }, shown),
        parsing,
        ignoredBy: (at) => (tree.root === undefined ? undefined : ignoringRule(rules, root, at)),
        lock: (of) => readLockFile(tree, lockFileOf(of)),
      });
      if (pipeline === undefined) throw vanished(file);
      return pipeline;
    },
    readData(file) {
      const stage = readDvcFile(tree, file, showPath({ root, cwd }, file));
      if (stage === undefined) throw vanished(file);
      return stage;
    },
  };
}

function ignoringRule(rules: IgnoreRules, root: string, at: TreePath): string | undefined {
  if (!rules.ignored(at, true) && !rules.ignored(at, false)) return undefined;
  const isDirectory = fs.statSync(path.join(root, at), { throwIfNoEntry: false })?.isDirectory() === true;
  const { ignored, rules: deciding } = rules.check(at, isDirectory);
  return ignored ? deciding.at(-1) : undefined;
}

/** DVC's `parsing` section: how mappings in commands become arguments. */
function parsingOf(config: ProjectConfig): ParsingOptions {
  return {
    bool: config.text('parsing', 'bool') === 'boolean_optional' ? 'boolean_optional' : 'store_true',
    list: config.text('parsing', 'list') === 'append' ? 'append' : 'nargs',
  };
}

function vanished(file: TreePath): MlopsError {
  return new MlopsError('file_changed', `'${file}' vanished while the project was read`);
}

/** A remote with its options as texts; undefined when none is named and there is no default. @throws MlopsError `bad_config`. */
export function remoteOf(config: ProjectConfig, name: string | undefined): RemoteSection | undefined {
  if (name === undefined && config.defaultRemote === undefined) return undefined;
  const remote = config.remote(name);
  const options = Object.fromEntries(
    [...remote.options].map(([key, value]) => [key, Array.isArray(value) ? value.join(',') : String(value)]),
  );
  return { name: remote.name, url: remote.url, options };
}

function saveStage(root: string, places: OutputPlaces, stage: Stage): void {
  // A file that Git tracks as a link would be written where it leads.
  places.require(path.join(root, stage.kind === 'pipeline' ? lockFileOf(stage.file) : stage.file));
  if (stage.kind === 'pipeline') {
    const locked = {
      cmd: stage.cmd,
      deps: stage.deps.flatMap((dep) => (dep.info === undefined ? [] : [{ path: dep.defPath, info: dep.info }])),
      params: stage.locked?.params ?? new Map(),
      outs: stage.outs.flatMap((out) => (out.info === undefined ? [] : [{ path: out.defPath, info: out.info }])),
    };
    new LockStore(root).put(stage, locked, 0);
    return;
  }
  const file = path.join(root, stage.file);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const before = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
  const text = formatDvcFile(stage, before);
  if (text !== before) writeFileAtomic(file, text);
}
