import { update } from '../../repo/imports/update.ts';
import type { Command } from '../parse/command.ts';
import { jobsFlag, say, withRepo } from '../session/data-session.ts';

export const verb: Command = {
  name: 'update',
  owner: 'dvc',
  stream: true,
  summary: 'Bring imported data up to date with its source',
  examples: [
    ['mlops update data.xml.dvc', 'the newest state of the branch it was imported from'],
    ['mlops update models.dvc --rev v1.3', 'another revision of its repository'],
  ],
  args: [{ name: 'targets', summary: '.dvc files of imports', variadic: true, completes: 'target' }],
  flags: [
    { name: 'rev', value: 'COMMIT', summary: 'Git revision: a branch, tag or commit' },
    { name: 'recursive', short: 'R', summary: 'all imports below the folders among the targets' },
    { name: 'no-download', summary: 'only record the new state, without its content' },
    { name: 'to-remote', summary: 'send the content straight to the remote, keep nothing here' },
    { name: 'remote', short: 'r', value: 'NAME', summary: 'with --to-remote: which one', completes: 'remote' },
    jobsFlag,
  ],
  failure: 1,
  async run(input, terminal) {
    const files = await withRepo(terminal, (repo) =>
      update(repo, {
        targets: input.args,
        rev: input.text('rev'),
        recursive: input.on('recursive'),
        noDownload: input.on('no-download'),
        toRemote: input.on('to-remote'),
        remote: input.text('remote'),
        jobs: input.number('jobs'),
        signal: terminal.signal,
        onProgress: terminal.progress,
        onImport: (from, to) => say(terminal, `Importing '${from}' -> '${to}'`),
        onWarning: (message) => terminal.warn(message),
        onUnchanged: (stage) => say(terminal, `'${stage}' didn't change, skipping`),
      }),
    );
    if (files.length > 0) terminal.next(`git add ${files.join(' ')}`);
  },
};
