import { fetch } from '../../repo/sync/transfer.ts';
import type { Command } from '../parse/command.ts';
import {
  runCacheFlag,
  say,
  summaryOf,
  targetsArg,
  tellTransfer,
  transferFlags,
  transferOptions,
  warnAbsent,
  warnWithoutRemote,
  withRepo,
} from '../session/data-session.ts';

export const verb: Command = {
  name: 'fetch',
  owner: 'dvc',
  stream: true,
  summary: 'Bring tracked data from the remote into the cache',
  description: 'The workspace stays as it is; `mlops checkout` afterwards, or `mlops pull` at once, brings it there.',
  examples: [
    ['mlops fetch', 'what the workspace tracks'],
    ['mlops fetch --all-branches', 'to work offline on any branch'],
    ['mlops fetch --type metrics', 'metrics only'],
  ],
  args: [targetsArg],
  flags: [
    ...transferFlags,
    { name: 'dry-run', ours: true, summary: 'only say what would be fetched' },
    runCacheFlag,
    { name: 'max-size', value: 'BYTES', integer: true, summary: 'pass over larger outputs' },
    {
      name: 'type',
      value: 'TYPE',
      repeat: 'each',
      choices: ['metrics', 'plots'],
      summary: 'only outputs of this kind',
    },
  ],
  failure: 1,
  async run(input, terminal) {
    await withRepo(terminal, async (repo) => {
      if (input.on('dry-run')) return tellTransfer(repo, 'fetch', input, terminal);
      const report = await fetch(repo, {
        ...transferOptions(input, terminal),
        runCache: input.choice('run-cache') === true,
        maxSize: input.number('max-size'),
        types: input.list('type') as readonly ('metrics' | 'plots')[],
      });
      warnAbsent(terminal, report.absent);
      warnWithoutRemote(repo, input, terminal);
      terminal.event({ event: 'result', fetched: report.count, missing: report.absent });
      say(terminal, summaryOf({ fetched: report.count }) || 'Everything is up to date.');
    });
  },
};
