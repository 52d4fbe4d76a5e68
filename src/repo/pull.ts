import { isMlopsError, type MlopsError } from '../base/index.ts';
import { checkout, type CheckoutReport } from './checkout.ts';
import type { DataRepo } from './data-repo.ts';
import { placeImports } from './place-imports.ts';
import { expandGlobs } from './targets.ts';
import { fetch, selectedOuts, type TransferCommand } from './transfer.ts';

/** `fetch`, then `checkout` of what was asked for. */
export async function pull(
  repo: DataRepo,
  command: TransferCommand & { readonly force?: boolean; readonly allowMissing?: boolean },
): Promise<{ fetched: number; failure: MlopsError | undefined; checkout: CheckoutReport }> {
  const targets = command.glob === true ? expandGlobs(repo.cwd, command.targets) : command.targets;
  let failure: MlopsError | undefined;
  let fetched = 0;
  try {
    fetched = (await fetch(repo, command)).count;
  } catch (error) {
    if (!isMlopsError(error, 'transfer_failed')) throw error;
    failure = error;
  }
  const placed = await placeImports(repo, selectedOuts(repo, command), command);
  const report = await checkout(repo, { ...command, targets, placed });
  return { fetched: fetched + placed.files, failure, checkout: report };
}
