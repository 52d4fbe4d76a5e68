import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import {
  commitOut,
  hashPath,
  readTree,
  rememberLink,
  writeManifest,
  type CommitOptions,
  type Content,
  type WorkOptions,
} from '../../data/index.ts';
import type { Stage } from '../../project/index.ts';
import { hashNameFor } from './add.ts';
import { withOutInfo, type DataRepo } from '../open/data-repo.ts';
import { gitSide } from '../open/git-side.ts';
import { LockStore, type LockWrite } from '../open/lock-store.ts';
import { commitStage } from '../stages/repro-stage.ts';
import { openRunCache } from '../stages/run-cache.ts';
import { stageChanges } from '../stages/stage-changes.ts';
import { refuseBusy } from '../open/stage-paths.ts';
import { absoluteOut, outsOf, selectStages, type SelectedStage, type TargetOptions } from '../open/targets.ts';

export interface CommitCommand extends TargetOptions, WorkOptions {
  readonly targets: readonly string[];
  readonly force?: boolean;
  readonly relink?: boolean;
  /** Asks whether a changed stage is to be committed; without an answer it is not. */
  readonly confirm?: (question: string) => Promise<boolean>;
  readonly onWarning?: (message: string) => void;
  /** A lock file was looked at: whether it is new, and whether it changed. */
  readonly onLock?: (write: LockWrite) => void;
}

/**
 * Accepts what is in the workspace: contents into the cache, hashes into `.dvc` files and dvc.lock.
 * @throws MlopsError `not_committed` for a changed stage without `force` or a yes, `missing_output`.
 */
export async function commit(repo: DataRepo, command: CommitCommand): Promise<void> {
  const locks = new LockStore(repo.root);
  for (const [rank, selected] of selectStages(repo, command.targets, command).entries()) {
    refuseBusy(repo, [selected.stage], 'change');
    const saved = await confirmChanges(repo, selected.stage, command);
    if (selected.stage.kind === 'data') await commitData(repo, selected, command);
    else {
      const locked = await commitStage(repo, selected.stage, {
        noCommit: false,
        runs: saved ? openRunCache(path.join(repo.data.cacheDir, 'runs')) : undefined,
        signal: command.signal,
        onWarning: command.onWarning ?? (() => undefined),
      });
      gitSide(repo).ignore(selected.stage.outs.filter(({ cache }) => cache).map((out) => absoluteOut(repo, out)));
      command.onLock?.(locks.put(selected.stage, locked, rank));
    }
  }
  repo.forget();
}

/** @returns whether the stage is to be saved anew: with `force`, or because it changed. */
async function confirmChanges(repo: DataRepo, stage: Stage, command: CommitCommand): Promise<boolean> {
  if (command.force === true) return true;
  const changes = await stageChanges(repo, stage, { signal: command.signal });
  // What the cache lost is no change: committing brings it back.
  const real = changes.filter(
    (change) => change.kind !== 'always' && !(change.kind === 'out' && change.status === 'not in cache'),
  );
  if (real.length === 0) return false;
  const shown = (kind: 'dep' | 'out'): string[] =>
    real.flatMap((change) => (change.kind === kind ? [`'${change.shown}'`] : []));
  const [deps, outs] = [shown('dep'), shown('out')];
  const parts = [
    deps.length > 0 ? `dependencies [${deps.join(', ')}]` : '',
    outs.length > 0 ? `outputs [${outs.join(', ')}]` : '',
  ];
  const what = parts.filter((part) => part !== '').join(' and ') || 'command';
  const name = `stage: '${stage.address}'`;
  const yes = await command.confirm?.(`${what} of ${name} changed. Are you sure you want to commit it?`);
  if (yes === true) return true;
  throw new MlopsError(
    'not_committed',
    `failed to commit - unable to commit changed ${name}. Use \`-f|--force\` to force.`,
  );
}

/** A part of a folder into the cache. The folder is recorded as it is now, with what else changed in it. */
async function commitPart(
  repo: DataRepo,
  target: string,
  within: string,
  options: CommitOptions & { readonly hashName: Content['hashName'] },
): Promise<Content> {
  const { hashName } = options;
  const tree = await readTree(repo.data, target, { hashName, signal: options.signal });
  const { md5, size, nfiles } = tree;
  await commitOut(repo.data, path.join(target, within), options);
  if (options.cache !== false) writeManifest(repo.data, { md5, hashName }, () => tree.inOrder());
  return { md5, hashName, size, nfiles };
}

async function commitData(repo: DataRepo, selected: SelectedStage, command: CommitCommand): Promise<void> {
  let { stage } = selected;
  for (const { out, within } of outsOf(stage, selected.only)) {
    const target = absoluteOut(repo, out);
    if (within !== undefined && !fs.existsSync(path.join(target, within))) {
      throw new MlopsError('missing_output', `'${path.join(target, within)}' does not exist`, { exit: 255 });
    }
    if (!fs.existsSync(target)) {
      throw new MlopsError('missing_output', `output '${repo.display(out.path ?? out.defPath)}' does not exist`);
    }
    const hashName = await hashNameFor(repo, out, target, command);
    const known = await hashPath(repo.data, target, { hashName, signal: command.signal });
    const isSame = command.force !== true && known?.md5 === out.info?.md5;
    if (out.cache && !isSame) gitSide(repo).refuseTracked([target]);
    const options = {
      cache: out.cache,
      relink: command.relink !== false,
      hashName,
      signal: command.signal,
      onProgress: command.onProgress,
    };
    const content =
      within === undefined
        ? await commitOut(repo.data, target, options)
        : await commitPart(repo, target, within, options);
    if (out.cache) rememberLink(repo.data, target, content.md5);
    // Nothing changed: the entry keeps what else it says (a size that was never recorded, for example).
    if (isSame) continue;
    if (out.cache) gitSide(repo).ignore([target]);
    stage = withOutInfo(stage, out, content);
  }
  if (stage !== selected.stage) repo.saveStage(stage);
}
