import { MlopsError } from '../../base/index.ts';
import type { FlagSpec, Input } from './command.ts';

/** Flags of `import` and `import-url` alike. */
export const importFlags: readonly FlagSpec[] = [
  { name: 'force', short: 'f', summary: 'replace what is in the way' },
  { name: 'no-exec', summary: 'only write the .dvc file, without looking at the source' },
  { name: 'no-download', summary: 'write the .dvc file with the facts of the source, without its content' },
];

export function importOptions(input: Input) {
  return { force: input.on('force'), noExec: input.on('no-exec'), noDownload: input.on('no-download') };
}

/** @throws MlopsError `usage` as argparse says it. */
export function refuseBoth(input: Input): void {
  if (input.on('no-exec') && input.on('no-download')) {
    throw new MlopsError('usage', 'argument --no-download: not allowed with argument --no-exec');
  }
}
