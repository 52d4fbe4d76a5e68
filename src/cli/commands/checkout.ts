import { MlopsError } from '../../base/index.ts';
import { checkout, type CheckoutReport } from '../../repo/workspace/checkout.ts';
import type { Command } from '../parse/command.ts';
import {
  allowMissingFlag,
  say,
  sayChanges,
  selectionFlags,
  summaryOf,
  targetsArg,
  withRepo,
} from '../session/data-session.ts';

export const verb: Command = {
  name: 'checkout',
  owner: 'dvc',
  stream: true,
  summary: 'Bring data in the workspace to the recorded state',
  description:
    'Compares first and changes only what differs. Files that are in no cache are never removed without --force, and an object whose content is not what its name says is never handed out.',
  examples: [
    ['git checkout v1 && mlops checkout', 'the data of another version'],
    ['mlops checkout data/images/7.png', 'one file of a tracked folder'],
    ['mlops checkout --relink', 'after cache.type was changed'],
  ],
  args: [targetsArg],
  flags: [
    { name: 'summary', summary: 'print counts instead of paths' },
    ...selectionFlags,
    { name: 'force', short: 'f', summary: 'remove unsaved files that are in the way' },
    { name: 'relink', summary: 'make links or copies anew, of the configured type' },
    allowMissingFlag,
  ],
  async run(input, terminal) {
    const report = await withRepo(terminal, (repo) =>
      checkout(repo, {
        targets: input.args,
        withDeps: input.on('with-deps'),
        recursive: input.on('recursive'),
        force: input.on('force'),
        relink: input.on('relink'),
        signal: terminal.signal,
        onProgress: terminal.progress,
      }),
    );
    const { modified, added, deleted, failed } = report;
    terminal.event({ event: 'result', modified, added, deleted, failed });
    if (input.on('summary')) say(terminal, summaryOf(report.counts) || 'No changes.');
    else sayChanges(terminal, report);
    if (report.failed.length > 0 && !input.on('allow-missing')) throw checkoutFailed(report);
    if (input.on('relink')) say(terminal, 'Relinked successfully');
  },
};

/** The error for outputs whose content could not be had; the others are in place. */
export function checkoutFailed(report: CheckoutReport): MlopsError {
  const why = report.failures.map((failure) => `  ${failure.message}`);
  return new MlopsError(
    'checkout_failed',
    ['Checkout failed for following targets:', ...report.failed, 'Is your cache up to date?', ...why].join('\n'),
    { hint: report.failures[0]?.hint ?? 'mlops pull' },
  );
}
