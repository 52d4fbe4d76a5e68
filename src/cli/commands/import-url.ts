import { importFromUrl } from '../../repo/imports/import.ts';
import type { Command } from '../parse/command.ts';
import { jobsFlag, say, sayGitAdd, withRepo } from '../session/data-session.ts';
import { fsConfigFlag, pairsOf } from '../parse/foreign-flags.ts';
import { importFlags, importOptions, refuseBoth } from '../parse/import-flags.ts';

export const verb: Command = {
  name: 'import-url',
  owner: 'dvc',
  stream: true,
  summary: 'Copy a file or folder from a URL and track where it comes from',
  description: 'The .dvc file records the URL and its etag or hash, so that `mlops update` sees whether it changed.',
  examples: [
    ['mlops import-url https://example.com/data.csv', 'a file of the web'],
    ['mlops import-url s3://bucket/raw/2024 raw', 'everything below a prefix'],
    ['mlops import-url remote://storage/raw.csv', 'by the name of a configured remote'],
  ],
  args: [
    { name: 'url', summary: 'path, s3://, http(s):// or remote://NAME/path' },
    { name: 'out', summary: 'where to put it', optional: true, completes: 'path' },
  ],
  flags: [
    { name: 'to-remote', summary: 'send the content straight to the remote, keep nothing here' },
    { name: 'remote', short: 'r', value: 'NAME', summary: 'with --to-remote: which one', completes: 'remote' },
    ...importFlags,
    jobsFlag,
    { name: 'version-aware', summary: 'record versions of objects (sources on S3: not yet)' },
    fsConfigFlag,
  ],
  failure: 1,
  async run(input, terminal) {
    refuseBoth(input);
    const files = await withRepo(terminal, (repo) =>
      importFromUrl(repo, {
        ...importOptions(input),
        url: input.args[0] ?? '',
        out: input.args[1],
        toRemote: input.on('to-remote'),
        versionAware: input.on('version-aware'),
        remote: input.text('remote'),
        jobs: input.number('jobs'),
        options: pairsOf(input.list('fs-config'), 'fs-config'),
        signal: terminal.signal,
        onProgress: terminal.progress,
        onImport: (from, to) => say(terminal, `Importing '${from}' -> '${to}'`),
      }),
    );
    sayGitAdd(terminal, files);
  },
};
