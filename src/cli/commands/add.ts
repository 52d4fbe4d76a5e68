import { MlopsError } from '../../base/index.ts';
import { addToOut } from '../../repo/workspace/add-out.ts';
import { add } from '../../repo/workspace/add.ts';
import type { Command, Input } from '../parse/command.ts';
import { globFlag, sayGitAdd, withRepo } from '../session/data-session.ts';

export const verb: Command = {
  name: 'add',
  owner: 'dvc',
  stream: true,
  summary: 'Track data files or folders',
  description:
    'Puts the content into the cache, writes a small .dvc file to commit to Git, and makes Git ignore the data. A target inside a tracked folder updates that folder without reading the rest of it.',
  examples: [
    ['mlops add data/images', 'track a folder'],
    ['mlops add model.bin notes.csv', 'track some files, each with its own .dvc file'],
    ["mlops add --glob 'data/*.csv'", 'track what matches'],
    ['mlops add s3://bucket/raw.csv -o raw.csv', 'bring something in and track it'],
  ],
  args: [{ name: 'targets', summary: 'files and folders', variadic: true, completes: 'path' }],
  flags: [
    { name: 'no-commit', summary: 'hash only, put nothing into the cache' },
    globFlag,
    { name: 'out', short: 'o', value: 'PATH', summary: 'put the content there and track it', completes: 'path' },
    { name: 'to-remote', summary: 'send the content straight to the remote, keep nothing here' },
    { name: 'remote', short: 'r', value: 'NAME', summary: 'with --to-remote: which one', completes: 'remote' },
    { name: 'remote-jobs', value: 'N', integer: true, summary: 'with --to-remote: objects in flight at once' },
    { name: 'force', short: 'f', summary: 'replace what is in the way of --out' },
    { name: 'no-relink', summary: 'leave workspace files as they are' },
  ],
  failure: 1,
  async run(input, terminal) {
    checkFlags(input);
    const options = { signal: terminal.signal, onProgress: terminal.progress };
    const files = await withRepo(terminal, (repo) =>
      input.on('to-remote') || input.given('out')
        ? addToOut(repo, {
            ...options,
            source: input.args[0] ?? '',
            out: input.text('out'),
            toRemote: input.on('to-remote'),
            remote: input.text('remote'),
            jobs: input.number('remote-jobs'),
            force: input.on('force'),
          })
        : add(repo, {
            ...options,
            targets: input.args,
            glob: input.on('glob'),
            noCommit: input.on('no-commit'),
            relink: !input.on('no-relink'),
          }),
    );
    terminal.event({ event: 'result', files });
    sayGitAdd(terminal, files);
    terminal.next('commit the .dvc file to Git, then `mlops push` to share the data');
  },
};

function checkFlags(input: Input): void {
  const elsewhere = input.on('to-remote') ? '--to-remote' : input.given('out') ? '--out' : undefined;
  let wrong: string | undefined;
  if (elsewhere !== undefined) {
    if (input.args.length !== 1) wrong = 'multiple targets';
    else if (input.on('glob')) wrong = '--glob option';
    else if (input.on('no-commit')) wrong = '--no-commit option';
    if (wrong !== undefined) throw new MlopsError('usage', `${wrong} can't be used with ${elsewhere}`, { exit: 1 });
    return;
  }
  if (input.given('remote')) wrong = '--remote';
  else if (input.given('remote-jobs')) wrong = '--remote-jobs';
  if (wrong !== undefined) throw new MlopsError('usage', `${wrong} can't be used without --to-remote`, { exit: 1 });
}
