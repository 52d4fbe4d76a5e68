import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError, type PyMap, type PyValue } from '../../base/index.ts';
import { commitOut, type WorkOptions } from '../../data/index.ts';
import { stageChecksum, type ContentInfo, type Dep, type RepoSource, type Stage } from '../../project/index.ts';
import type { RemoteOptions } from '../../storage/index.ts';
import { newDataStage, newOut, refuseDvcignored } from '../workspace/add.ts';
import { destinationOf, sendAway } from '../workspace/add-out.ts';
import { copyOut } from '../sources/copy-out.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { openForeignRepo, type ForeignOptions, type ForeignRepo } from '../sources/foreign-repo.ts';
import { requireView } from './get.ts';
import { gitSide } from '../open/git-side.ts';
import { buildGraph } from '../open/graph.ts';
import { fsConfigExtra, importSource, sourceFacts, type ImportSource } from '../sources/import-source.ts';
import { materialize, type SourceOptions } from '../sources/source.ts';
import { isUrl } from '../open/pipeline-project.ts';
import { showPath, treePathOf } from '../open/targets.ts';

interface ImportFlags {
  readonly out?: string | undefined;
  readonly force?: boolean;
  /** Only write the `.dvc` file, without looking at the source. */
  readonly noExec?: boolean;
  /** Write the `.dvc` file with what is known of the source, without its content. */
  readonly noDownload?: boolean;
  /** Told before a source is read: what, and where to. */
  readonly onImport?: ((from: string, to: string) => void) | undefined;
}

export interface ImportRepoCommand extends ForeignOptions, ImportFlags {
  readonly url: string;
  readonly path: string;
}

export interface ImportUrlCommand extends SourceOptions, ImportFlags {
  readonly url: string;
  readonly toRemote?: boolean;
  /** Recorded only: sources that have versions are refused. */
  readonly versionAware?: boolean;
  readonly remote?: string | undefined;
}

/**
 * Copies a file or folder out of a repository and tracks it together with where it comes from.
 * @returns the files that the user should `git add`.
 * @throws MlopsError `files_in_the_way`, `object_missing`, `transfer_failed`, and those of opening the repository.
 */
export async function importFromRepo(repo: DataRepo, command: ImportRepoCommand): Promise<string[]> {
  const { target, stage } = plan(repo, command.path, command);
  const source: RepoSource = {
    url: command.url,
    ...(command.rev === undefined ? {} : { rev: command.rev }),
    ...repoExtra(command),
  };
  const dep: Dep = { defPath: command.path, path: undefined, repo: source, info: undefined };
  const planned: Stage = { ...stage, deps: [dep], frozen: true };
  if (command.noExec === true) return save(repo, planned, target);
  command.onImport?.(shownRepoDep(dep), showPath(repo, stage.outs[0]?.path ?? ''));
  const foreign = await openForeignRepo(repo.cwd, command.url, command);
  try {
    if (foreign.commit === undefined) {
      throw new MlopsError('not_a_git_repo', `'${command.url}' is no Git repository, or has no commit`, {
        hint: `copy it once, with \`mlops get\`, or follow its files: mlops import-url ${command.url}/${command.path}`,
      });
    }
    return save(repo, await fillFromRepo(repo, planned, target, foreign, command), target);
  } finally {
    foreign.close();
  }
}

/**
 * Brings the content of a repository import into place, from the repository at the revision that it is opened
 * at, and records that.
 */
export async function fillFromRepo(
  repo: DataRepo,
  stage: Stage,
  target: string,
  foreign: ForeignRepo,
  options: WorkOptions & { readonly noDownload?: boolean },
): Promise<Stage> {
  const [dep] = stage.deps;
  if (dep?.repo === undefined) throw new Error(`'${stage.address}' is no import of a repository`);
  const locked = { ...dep.repo, ...(foreign.commit === undefined ? {} : { revLock: foreign.commit }) };
  const filled = { ...stage, deps: [{ ...dep, repo: locked }] };
  if (options.noDownload === true) return sealed(withInfo(filled, undefined));
  const { repo: inner, entry } = await requireView(foreign, dep.defPath);
  await copyOut(inner, entry, repo.places.require(target), { ...options, into: repo.data });
  return sealed(withInfo(filled, await commitOut(repo.data, target, options)));
}

/**
 * Copies a file or folder from a path or URL and tracks it together with where it comes from.
 * @returns the files that the user should `git add`.
 * @throws MlopsError `usage` for flags that exclude each other, `files_in_the_way`, `missing_dependency`, those of the store.
 */
export async function importFromUrl(repo: DataRepo, command: ImportUrlCommand): Promise<string[]> {
  checkFlags(command);
  if (command.versionAware === true && isUrl(command.url) && !/^https?:/i.test(command.url)) {
    throw new MlopsError('remote_unsupported', 'version-aware imports are not supported yet', {
      hint: 'leave --version-aware out: changes are then seen by the etag',
    });
  }
  const { target, stage } = plan(repo, command.url, command);
  const source = importSource(repo, command.url, stage.wdir);
  if (source.place === target || target.startsWith(`${source.place}${path.sep}`)) {
    throw new MlopsError('bad_pipeline', `'${target}' is specified as an output and as a dependency.`);
  }
  const { extra } = fsConfigExtra(command.options, command.versionAware === true);
  const info: ContentInfo | undefined = extra === undefined ? undefined : { hashName: 'md5', extra };
  const dep: Dep = { defPath: source.defPath, path: undefined, info };
  const planned: Stage = { ...stage, deps: [dep], frozen: true };
  if (command.noExec === true) return save(repo, planned, target);
  if (command.toRemote !== true) command.onImport?.(source.shown, showPath(repo, stage.outs[0]?.path ?? ''));
  return save(repo, await fillFromUrl(repo, planned, target, source, command), target);
}

/** Brings the content of a URL import into place (or to the remote) and records it and its source. */
export async function fillFromUrl(
  repo: DataRepo,
  stage: Stage,
  target: string,
  source: ImportSource,
  options: SourceOptions & Pick<ImportUrlCommand, 'noDownload' | 'toRemote' | 'remote'>,
): Promise<Stage> {
  const [dep] = stage.deps;
  if (dep === undefined) throw new Error(`'${stage.address}' has no source`);
  const known = { fsConfig: options.options, extra: dep.info?.extra };
  const info = await sourceFacts(repo, source, { ...options, ...known });
  const filled = { ...stage, deps: [{ ...dep, info }] };
  if (options.noDownload === true) return sealed(withInfo(filled, undefined));
  if (options.toRemote === true) {
    const { isexec: _, ...content } = await sendAway(repo, { ...options, source: source.place, out: target });
    return sealed(withInfo(filled, content));
  }
  await materialize(repo, source.place, repo.places.require(target), options);
  return sealed(withInfo(filled, await commitOut(repo.data, target, options)));
}

/** How messages name a dep in a repository. */
export function shownRepoDep(dep: Dep): string {
  return `${dep.defPath} (${dep.repo?.url ?? ''})`;
}

function plan(repo: DataRepo, name: string, flags: ImportFlags): { target: string; stage: Stage } {
  const target = destinationOf(repo.cwd, name, flags.out, flags.force === true);
  const inside = treePathOf(repo, target);
  if (inside === undefined || inside === '') throw new MlopsError('bad_path', `'${target}' is outside of the project`);
  const parent = path.posix.dirname(inside);
  if (!fs.existsSync(path.dirname(target))) {
    throw new MlopsError('bad_path', `file path '${path.relative(repo.cwd, path.dirname(target))}' does not exist`, {
      hint: 'make the folder first',
    });
  }
  const stage = newDataStage(
    `${inside}.dvc`,
    parent === '.' ? '' : parent,
    newOut(path.posix.basename(inside), inside),
  );
  refuseDvcignored(repo, target);
  const others = repo.stages().filter((other) => other.file !== stage.file);
  buildGraph([...others, stage], (file) => repo.display(file));
  return { target, stage };
}

function save(repo: DataRepo, stage: Stage, target: string): string[] {
  const side = gitSide(repo);
  side.ignore([target]);
  repo.saveStage(stage);
  side.changed(path.join(repo.root, stage.file));
  return side.finish();
}

function withInfo(stage: Stage, info: ContentInfo | undefined): Stage {
  return { ...stage, outs: stage.outs.map((out) => ({ ...out, info })) };
}

function sealed(stage: Stage): Stage {
  return { ...stage, md5: stageChecksum(stage) };
}

function checkFlags(command: ImportUrlCommand): void {
  const alone = command.noExec === true || command.noDownload === true || command.versionAware === true;
  if (command.toRemote === true && alone) {
    throw usage('--no-exec/--no-download/--version-aware cannot be combined with --to-remote');
  }
  if (command.toRemote !== true && command.remote !== undefined) {
    throw usage("--remote can't be used without --to-remote");
  }
}

function usage(message: string): MlopsError {
  return new MlopsError('usage', message, { exit: 1 });
}

/** `--config`, `--remote` and `--remote-config` as a `.dvc` file keeps them. */
function repoExtra(command: ImportRepoCommand): { extra?: PyMap } {
  const { config, remote, remoteConfig } = command;
  const extra: PyMap = new Map();
  if (remote !== undefined && remoteConfig !== undefined) {
    if (config !== undefined) throw usage("Can't specify config path together with both remote and remote_config");
    extra.set('config', nested({ core: { remote }, remote: { [remote]: remoteConfig } }));
  } else {
    if (config !== undefined) extra.set('config', config);
    if (remote !== undefined) extra.set('remote', remote);
    if (remoteConfig !== undefined) extra.set('remote', nested(remoteConfig));
  }
  return extra.size === 0 ? {} : { extra };
}

function nested(value: object | RemoteOptions): PyMap {
  return new Map(
    Object.entries(value).map(([key, item]: [string, unknown]): [PyValue, PyValue] => [
      key,
      typeof item === 'object' && item !== null ? nested(item) : (item as PyValue),
    ]),
  );
}
