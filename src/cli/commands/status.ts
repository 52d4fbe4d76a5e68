import { workspaceStatus, statusLines } from '../../repo/status.ts';
import type { Command } from '../command.ts';
import { say, selectionFlags, targetsArg, withRepo } from '../data-session.ts';

export const verb: Command = {
  name: 'status',
  owner: 'dvc',
  summary: 'Show what changed in data and pipelines',
  description:
    'Compares the workspace with what dvc.lock and .dvc files record. With -q nothing is printed, and the exit status is 1 when something changed.',
  examples: [
    ['mlops status', 'everything that is not up to date'],
    ['mlops status train', 'one stage'],
    ['mlops status --json', 'for scripts'],
  ],
  args: [targetsArg],
  flags: [
    ...selectionFlags,
    { name: 'json', summary: 'as JSON' },
    { name: 'no-updates', summary: 'do not ask sources of imports for newer versions' },
  ],
  exits: { 1: 'with -q: something changed' },
  failure: 1,
  run(input, terminal) {
    return withRepo(terminal, async (repo) => {
      const report = await workspaceStatus(repo, {
        targets: input.args,
        recursive: input.on('recursive'),
        withDeps: input.on('with-deps'),
        signal: terminal.signal,
      });
      for (const warning of report.warnings) terminal.warn(warning);
      if (input.on('json')) terminal.print(JSON.stringify(Object.fromEntries(report.stages)));
      else if (terminal.quiet) return report.stages.size > 0 ? 1 : 0;
      else if (report.stages.size > 0) for (const line of statusLines(report.stages)) terminal.print(line);
      else if (report.empty) {
        say(terminal, 'There are no data or pipelines tracked in this project yet.');
        say(terminal, 'See <https://dvc.org/doc/start> to get started!');
      } else say(terminal, 'Data and pipelines are up to date.');
      return 0;
    });
  },
};
