import { pull } from '../../repo/sync/pull.ts';
import type { Command } from '../parse/command.ts';
import {
  allowMissingFlag,
  globFlag,
  runCacheFlag,
  say,
  sayChanges,
  summaryOf,
  targetsArg,
  tellTransfer,
  transferFlags,
  transferOptions,
  warnAbsent,
  warnWithoutRemote,
  withRepo,
} from '../session/data-session.ts';
import { checkoutFailed } from './checkout.ts';

export const verb: Command = {
  name: 'pull',
  owner: 'dvc',
  stream: true,
  summary: 'Bring tracked data from the remote into the workspace',
  description: 'Fetches what the cache lacks, each object verified by its hash, then checks it out.',
  examples: [
    ['git clone URL && cd PROJECT && mlops pull', 'a project with its data'],
    ['mlops pull data/images.dvc', 'one output'],
  ],
  args: [targetsArg],
  flags: [
    ...transferFlags,
    { name: 'dry-run', ours: true, summary: 'only say what would be fetched' },
    { name: 'force', short: 'f', summary: 'remove unsaved files that are in the way' },
    runCacheFlag,
    { ...globFlag, hidden: true },
    allowMissingFlag,
  ],
  failure: 1,
  async run(input, terminal) {
    await withRepo(terminal, async (repo) => {
      if (input.on('dry-run')) return tellTransfer(repo, 'fetch', input, terminal);
      const options = {
        ...transferOptions(input, terminal),
        runCache: input.choice('run-cache') === true,
        force: input.on('force'),
        glob: input.on('glob'),
      };
      const { fetched, absent, failure, checkout } = await pull(repo, options);
      warnAbsent(terminal, absent);
      sayChanges(terminal, checkout);
      warnWithoutRemote(repo, input, terminal);
      if (failure !== undefined) throw failure;
      const { modified, added, deleted } = checkout.counts;
      terminal.event({ event: 'result', fetched, modified, added, deleted, missing: absent });
      say(terminal, summaryOf({ fetched, modified, added, deleted }) || 'Everything is up to date.');
      if (checkout.failed.length > 0 && !input.on('allow-missing')) throw checkoutFailed(checkout);
    });
  },
};
