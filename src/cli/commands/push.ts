import { push } from '../../repo/sync/transfer.ts';
import type { Command } from '../parse/command.ts';
import {
  globFlag,
  runCacheFlag,
  say,
  summaryOf,
  targetsArg,
  tellTransfer,
  transferFlags,
  transferOptions,
  warnAbsent,
  warnWithoutRemote,
  withRemoteFailures,
  withRepo,
} from '../session/data-session.ts';

export const verb: Command = {
  name: 'push',
  owner: 'dvc',
  stream: true,
  summary: 'Send tracked data to the remote',
  description:
    'Sends what the remote lacks. Every object is hashed on its way: a corrupt one is never sent, and a folder on the remote that lost a file is completed.',
  examples: [
    ['mlops push', 'everything that the workspace tracks'],
    ['mlops push data/images.dvc -r backup', 'one output to a certain remote'],
    ['mlops push --all-commits', 'the data of the whole history'],
  ],
  args: [targetsArg],
  flags: [
    ...transferFlags,
    globFlag,
    runCacheFlag,
    { name: 'dry-run', ours: true, summary: 'only say what would be sent' },
  ],
  failure: 1,
  exits: { 255: 'the remote cannot be reached or refuses' },
  async run(input, terminal) {
    await withRepo(terminal, async (repo) => {
      if (input.on('dry-run')) return tellTransfer(repo, 'push', input, terminal);
      const options = {
        ...transferOptions(input, terminal),
        runCache: input.choice('run-cache') === true,
        glob: input.on('glob'),
      };
      const report = await withRemoteFailures(() => push(repo, options));
      warnAbsent(terminal, report.absent);
      warnWithoutRemote(repo, input, terminal);
      terminal.event({ event: 'result', pushed: report.count, missing: report.absent });
      say(terminal, summaryOf({ pushed: report.count }) || 'Everything is up to date.');
    });
  },
};
