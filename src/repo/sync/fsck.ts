import { checkCache, checkRemote, repair, type Content, type Finding, type WorkOptions } from '../../data/index.ts';
import { openStore } from '../../storage/index.ts';
import { contentOf } from '../open/content-of.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { outsOf } from '../open/targets.ts';
import { requireRemote } from '../open/require-remote.ts';

export interface FsckCommand extends WorkOptions {
  /** Check the remote too: '' = the default one. */
  readonly remote?: string | undefined;
  readonly repair?: boolean;
}

export interface FsckReport {
  readonly checked: { readonly cache: number; readonly remote: number | undefined };
  readonly findings: readonly Finding[];
  /** Those that `repair` healed. */
  readonly healed: readonly Finding[];
}

/**
 * Re-hashes every object of the cache (and the remote), and looks whether what the workspace's files
 * record is there. `repair` heals each side from the other.
 */
export async function fsck(repo: DataRepo, command: FsckCommand): Promise<FsckReport> {
  const contents: Content[] = repo
    .stages()
    .flatMap((stage) => outsOf(stage, undefined))
    .filter(({ out }) => out.cache)
    .flatMap((item) => contentOf(item.out.info) ?? []);
  const local = await checkCache(repo.data, contents, command);
  const wantsStore = command.remote !== undefined || (command.repair === true && repo.defaultRemote !== undefined);
  const remote = wantsStore ? requireRemote(repo, command.remote === '' ? undefined : command.remote) : undefined;
  const store = remote === undefined ? undefined : await openStore(remote.url, remote.options);
  try {
    const far =
      store === undefined || command.remote === undefined
        ? undefined
        : await checkRemote(repo.data, store, contents, command);
    const findings = [...local.findings, ...(far?.findings ?? [])];
    const healed = command.repair === true ? await repair(repo.data, store, findings, command) : [];
    return { checked: { cache: local.checked, remote: far?.checked }, findings, healed };
  } finally {
    await store?.close();
  }
}
