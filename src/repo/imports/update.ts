import { MlopsError } from '../../base/index.ts';
import { removeOut, statusOf, type WorkOptions } from '../../data/index.ts';
import { stageChecksum, type ContentInfo, type Stage } from '../../project/index.ts';
import { contentOf } from '../open/content-of.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { openForeignRepo } from '../sources/foreign-repo.ts';
import { fillFromRepo, fillFromUrl, shownRepoDep } from './import.ts';
import { fsConfigOf, recordedOptions, sourceFacts, sourceOfDep } from '../sources/import-source.ts';
import { absoluteOut, selectStages, showPath } from '../open/targets.ts';

export interface UpdateCommand extends WorkOptions {
  readonly targets: readonly string[];
  readonly rev?: string | undefined;
  readonly recursive?: boolean;
  readonly noDownload?: boolean;
  readonly toRemote?: boolean;
  readonly remote?: string | undefined;
  readonly jobs?: number | undefined;
  readonly onImport?: ((from: string, to: string) => void) | undefined;
  readonly onUnchanged?: ((stage: string) => void) | undefined;
  readonly onWarning?: ((message: string) => void) | undefined;
}

/**
 * Brings imported data up to date with its source: the revision is resolved anew, URLs are compared by
 * their facts; what did not change is not touched.
 * @returns the `.dvc` files that changed, relative to where the command was given.
 * @throws MlopsError `usage`, `unknown_stage`, and those of `import`.
 */
export async function update(repo: DataRepo, command: UpdateCommand): Promise<string[]> {
  checkFlags(command);
  const stages = selectStages(repo, command.targets, command).map(({ stage }) => stage);
  const changed: string[] = [];
  for (const stage of stages.filter(isImported)) {
    const fresh =
      stage.deps[0]?.repo === undefined
        ? await updateUrl(repo, stage, command)
        : await updateRepo(repo, stage, command);
    if (fresh === undefined) {
      command.onUnchanged?.(stage.address);
      continue;
    }
    repo.saveStage(fresh);
    changed.push(repo.display(stage.file));
  }
  passOver(
    repo,
    stages.filter((stage) => !isImported(stage)),
    command,
  );
  return changed;
}

function isImported(stage: Stage): boolean {
  return stage.kind === 'data' && stage.deps.length > 0;
}

async function updateRepo(repo: DataRepo, stage: Stage, command: UpdateCommand): Promise<Stage | undefined> {
  const [dep] = stage.deps;
  if (dep?.repo === undefined) return undefined;
  if (command.toRemote === true) {
    throw usage("Data imported from other DVC or Git repositories can't be updated with --to-remote");
  }
  const rev = command.rev ?? dep.repo.rev;
  const { signal, onProgress, noDownload = false } = command;
  const options = { ...recordedOptions(dep.repo), rev, signal, onProgress, noDownload };
  const wanted = { ...dep.repo, ...(command.rev === undefined ? {} : { rev: command.rev }) };
  const foreign = await openForeignRepo(repo.cwd, dep.repo.url, options);
  try {
    const locked = { ...wanted, ...(foreign.commit === undefined ? {} : { revLock: foreign.commit }) };
    const next: Stage = { ...stage, deps: [{ ...dep, repo: locked }] };
    if (stage.md5 === stageChecksum(next) && (await outIsFine(repo, stage, command))) return undefined;
    announce(repo, stage, shownRepoDep(dep), command);
    const filled = await fillFromRepo(repo, next, targetOf(repo, stage), foreign, options);
    return noDownload ? await emptied(repo, stage, filled, command) : filled;
  } finally {
    foreign.close();
  }
}

async function updateUrl(repo: DataRepo, stage: Stage, command: UpdateCommand): Promise<Stage | undefined> {
  const [dep] = stage.deps;
  if (dep === undefined) return undefined;
  const source = sourceOfDep(repo, dep, stage.wdir);
  const options = { ...command, options: fsConfigOf(dep.info) };
  const facts = await sourceFacts(repo, source, { ...command, fsConfig: options.options, extra: dep.info?.extra });
  const next: Stage = { ...stage, deps: [{ ...dep, info: facts }] };
  const same = sameFacts(facts, dep.info) && stage.md5 === stageChecksum(next);
  if (same && command.toRemote !== true && (await outIsFine(repo, stage, command))) return undefined;
  if (command.toRemote !== true) announce(repo, stage, source.shown, command);
  const filled = await fillFromUrl(repo, next, targetOf(repo, stage), source, options);
  // DVC does not compute the checksum anew when content goes straight to a remote.
  if (command.toRemote === true) return { ...filled, md5: stage.md5 };
  return command.noDownload === true ? emptied(repo, stage, filled, command) : filled;
}

/**
 * After `--no-download` the old content is gone from the workspace (unless it is saved nowhere else), and the
 * checksum is still over the old output: DVC takes its hash away later.
 */
async function emptied(repo: DataRepo, stage: Stage, filled: Stage, command: UpdateCommand): Promise<Stage> {
  if (await outIsFine(repo, stage, command)) removeOut(repo.data, targetOf(repo, stage));
  return { ...filled, md5: stageChecksum({ ...filled, outs: stage.outs }) };
}

function announce(repo: DataRepo, stage: Stage, from: string, command: UpdateCommand): void {
  command.onImport?.(from, showPath(repo, stage.outs[0]?.path ?? ''));
}

/** What is in the workspace is what is recorded, and the cache has it. */
async function outIsFine(repo: DataRepo, stage: Stage, command: UpdateCommand): Promise<boolean> {
  for (const out of stage.outs) {
    const content = contentOf(out.info);
    if (content === undefined) return false;
    if ((await statusOf(repo.data, absoluteOut(repo, out), content, { ...command, cached: true })) !== undefined)
      return false;
  }
  return true;
}

function sameFacts(a: ContentInfo, b: ContentInfo | undefined): boolean {
  return a.md5 === b?.md5 && a.etag === b?.etag && a.checksum === b?.checksum;
}
function targetOf(repo: DataRepo, stage: Stage): string {
  const [out] = stage.outs;
  if (out === undefined) throw new Error(`'${stage.address}' has no output`);
  return absoluteOut(repo, out);
}

function checkFlags(command: UpdateCommand): void {
  if (command.toRemote === true && command.noDownload === true) {
    throw usage("--to-remote can't be used with --no-download");
  }
  if (command.toRemote !== true && command.remote !== undefined) {
    throw usage("--remote can't be used without --to-remote");
  }
}

function usage(message: string): MlopsError {
  return new MlopsError('usage', message, { exit: 1 });
}

/** What is no import DVC would bring from a worktree remote, which none is here: it warns. */
function passOver(repo: DataRepo, stages: readonly Stage[], command: UpdateCommand): void {
  if (stages.length === 0) return;
  const given = { rev: command.rev !== undefined, 'no-download': command.noDownload, 'to-remote': command.toRemote };
  for (const [flag, on] of Object.entries(given)) {
    if (on === true) throw usage(`--${flag} can't be used with worktree update`);
  }
  for (const { cache, push, path: file } of stages.flatMap((stage) => stage.outs)) {
    if (!cache || !push || file === undefined) continue;
    command.onWarning?.(`Could not update '${showPath(repo, file)}', it was never pushed to a remote`);
  }
}
