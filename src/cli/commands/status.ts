import { statusJson, statusLines, workspaceStatus } from '../../repo/compare/status.ts';
import { MlopsError } from '../../base/index.ts';
import type { Command, Input } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { compareWithRemote } from '../../repo/compare/cloud-status.ts';
import {
  dvcJson,
  jobsFlag,
  remoteFlag,
  revisionFlags,
  say,
  sayAll,
  selectionFlags,
  targetsArg,
  transferOptions,
  withRemoteFailures,
  withRepo,
} from '../session/data-session.ts';

export const verb: Command = {
  name: 'status',
  owner: 'dvc',
  summary: 'Show what changed in data and pipelines',
  description:
    'Compares the workspace with what dvc.lock and .dvc files record. With -q nothing is printed, and the exit status is 1 when something changed.',
  examples: [
    ['mlops status', 'everything that is not up to date'],
    ['mlops status train', 'one stage'],
    ['mlops status -c', 'what a push or pull would move'],
    ['mlops status --json', 'for scripts'],
  ],
  args: [targetsArg],
  flags: [
    ...selectionFlags,
    { name: 'json', summary: 'as JSON' },
    { name: 'cloud', short: 'c', summary: 'compare the cache with the remote' },
    remoteFlag,
    jobsFlag,
    ...revisionFlags,
    { name: 'no-updates', summary: 'do not ask sources of imports for newer versions' },
  ],
  exits: { 1: 'with -q: something changed' },
  failure: 1,
  run(input, terminal) {
    if (input.on('cloud') || input.given('remote')) return cloud(input, terminal);
    refuseMeaningless(input);
    return openForStatus(terminal, async (repo) => {
      const report = await workspaceStatus(repo, {
        targets: input.args,
        recursive: input.on('recursive'),
        withDeps: input.on('with-deps'),
        noUpdates: input.on('no-updates'),
        signal: terminal.signal,
      });
      for (const warning of report.warnings) terminal.warn(warning);
      if (input.on('json')) say(terminal, statusJson(report.stages));
      else if (terminal.quiet) return report.stages.size > 0 ? 1 : 0;
      else if (report.stages.size > 0) for (const line of statusLines(report.stages)) say(terminal, line);
      else if (report.empty) sayEmpty(terminal);
      else say(terminal, 'Data and pipelines are up to date.');
      return 0;
    });
  },
};

/** DVC ends otherwise when the lock is held than when the comparison fails. */
const openForStatus: typeof withRepo = (terminal, work) => withRepo(terminal, work, { lockedExit: 255 });

/** `-c`: cache against remote, in DVC's lines. */
function cloud(input: Input, terminal: Terminal): Promise<number> {
  return openForStatus(terminal, async (repo) => {
    const report = await withRemoteFailures(() => compareWithRemote(repo, transferOptions(input, terminal)));
    if (input.on('json')) say(terminal, dvcJson(report));
    else if (terminal.quiet) return report.size > 0 ? 1 : 0;
    else if (report.size > 0)
      sayAll(
        terminal,
        [...report].map(([name, state]) => `\t${`${state}:`.padEnd(20)}${name}`),
      );
    else if (input.args.length === 0 && repo.stages().length === 0) sayEmpty(terminal);
    else say(terminal, `Cache and remote '${input.text('remote') ?? repo.defaultRemote ?? 'None'}' are in sync.`);
    return 0;
  });
}

function sayEmpty(terminal: Terminal): void {
  say(terminal, 'There are no data or pipelines tracked in this project yet.');
  say(terminal, 'See <https://dvc.org/doc/start> to get started!');
}

function refuseMeaningless(input: Input): void {
  const given = ['all-branches', 'all-tags', 'all-commits', 'jobs'].filter((flag) => input.given(flag));
  if (given.length === 0) return;
  throw new MlopsError(
    'usage',
    `The following options are meaningless for local status: ${given.map((flag) => `--${flag}`).join(', ')}`,
    { exit: 1 },
  );
}
