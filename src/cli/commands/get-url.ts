import { getFromUrl } from '../../repo/imports/get.ts';
import type { Command } from '../parse/command.ts';
import { jobsFlag } from '../session/data-session.ts';
import { fsConfigFlag, pairsOf } from '../parse/foreign-flags.ts';

export const verb: Command = {
  name: 'get-url',
  owner: 'dvc',
  stream: true,
  summary: 'Copy a file or folder from a path or URL',
  examples: [
    ['mlops get-url s3://bucket/raw/2024 raw', 'everything below a prefix'],
    ['mlops get-url https://example.com/data.csv', 'a file of the web'],
  ],
  args: [
    { name: 'url', summary: 'path, s3://, http(s):// or remote://NAME/path' },
    { name: 'out', summary: 'where to put it', optional: true, completes: 'path' },
  ],
  flags: [jobsFlag, { name: 'force', short: 'f', summary: 'replace what is in the way' }, fsConfigFlag],
  failure: 1,
  async run(input, terminal) {
    await getFromUrl(terminal.cwd, {
      url: input.args[0] ?? '',
      out: input.args[1],
      force: input.on('force'),
      jobs: input.number('jobs'),
      options: pairsOf(input.list('fs-config'), 'fs-config'),
      signal: terminal.signal,
      onProgress: terminal.progress,
    });
  },
};
