import { MlopsError } from '../../base/index.ts';
import type { FlagSpec, Input } from './command.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Flags of the verbs that read another repository. */
export const foreignFlags: readonly FlagSpec[] = [
  { name: 'rev', value: 'COMMIT', summary: 'Git revision: a branch, tag or commit', completes: 'revision' },
  { name: 'config', value: 'FILE', summary: 'config file to merge over that of the repository', completes: 'path' },
  { name: 'remote', value: 'NAME', summary: 'remote of the repository to use as its default' },
  {
    name: 'remote-config',
    value: 'NAME=VALUE',
    repeat: 'many',
    summary: 'options of that remote, over those of the repository',
  },
];

/** What they say, as the cores take it. */
export function foreignOptions(input: Input, terminal: Terminal) {
  const config = input.text('config');
  const remoteConfig = pairsOf(input.list('remote-config'), 'remote-config');
  return {
    rev: input.text('rev'),
    config,
    remote: input.text('remote'),
    remoteConfig,
    signal: terminal.signal,
    onProgress: terminal.progress,
  };
}

/** `--fs-config` of the verbs that read a URL. */
export const fsConfigFlag: FlagSpec = {
  name: 'fs-config',
  value: 'NAME=VALUE',
  repeat: 'many',
  summary: 'options for the URL, as a remote has them',
};

/** `NAME=VALUE` words as a record; undefined without any. @throws MlopsError `usage`. */
export function pairsOf(words: readonly string[], flag: string): Readonly<Record<string, string>> | undefined {
  if (words.length === 0) return undefined;
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=');
      if (at > 0) return [word.slice(0, at), word.slice(at + 1)];
      throw new MlopsError('usage', `argument --${flag}: '${word}' is not of the form NAME=VALUE`);
    }),
  );
}
