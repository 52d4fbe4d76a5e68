import { isMlopsError, type MlopsError } from '../../base/index.ts';
import { checkout, type CheckoutReport } from '../workspace/checkout.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { placeImports } from '../imports/place-imports.ts';
import { requireGlobs } from '../open/targets.ts';
import { fetch, selectedOuts, type TransferCommand } from './transfer.ts';

export interface PullReport {
  readonly fetched: number;
  /** Objects that are neither in the cache nor on the remote. */
  readonly absent: readonly string[];
  /** What kept other objects from being fetched. */
  readonly failure: MlopsError | undefined;
  readonly checkout: CheckoutReport;
}

/** `fetch`, then `checkout` of what was asked for. */
export async function pull(
  repo: DataRepo,
  command: TransferCommand & { readonly force?: boolean; readonly allowMissing?: boolean },
): Promise<PullReport> {
  const targets = command.glob === true ? requireGlobs(repo.cwd, command.targets) : command.targets;
  let failure: MlopsError | undefined;
  let fetched = 0;
  let absent: readonly string[] = [];
  try {
    ({ count: fetched, absent } = await fetch(repo, { ...command, toPlace: true }));
  } catch (error) {
    if (!isMlopsError(error, 'transfer_failed')) throw error;
    failure = error;
  }
  const placed = await placeImports(repo, selectedOuts(repo, command), command);
  const report = await checkout(repo, { ...command, targets, placed });
  return { fetched: fetched + placed.files, absent, failure, checkout: report };
}
