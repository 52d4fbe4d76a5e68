import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError, MlopsError } from '../../base/index.ts';
import { isOwnFile } from '../../trust/index.ts';
import type { ConfigLevel } from './paths.ts';

/** Options that name files with credentials, in which a line may name a program to run (`credential_process`). */
const credentialFiles = ['configpath', 'credentialpath'] as const;

/** An option of a remote that counts, and where it was set. */
export interface SetOption {
  readonly remote: string;
  readonly option: string;
  readonly value: unknown;
  readonly level: ConfigLevel;
  /** The config file. */
  readonly file: string;
}

export function namesCredentialFile(option: string): boolean {
  return (credentialFiles as readonly string[]).includes(option);
}

/**
 * Options that name credential files count where the user set them (`--local`, `--global`, `--system`). Those of the
 * repository came with it: whoever wrote them could have a program of theirs run.
 * @throws MlopsError `untrusted_config` with file, line, and the command that allows it.
 */
export function refuseFromRepository(set: SetOption): void {
  const { remote, option, value, level, file } = set;
  if (level === 'system' || level === 'global') return;
  const folder = path.dirname(file);
  if (level === 'local' && isOwnFile(path.dirname(folder), `${path.basename(folder)}/${path.basename(file)}`)) return;
  const line = lineOf(file, remote, option);
  const shown = `.dvc/${path.basename(file)}`;
  throw new MlopsError(
    'untrusted_config',
    `${shown}${line === undefined ? '' : `, line ${line}`}: '${option}' of the remote '${remote}' came with the repository, and a file with credentials may name programs to run`,
    {
      where: file,
      hint:
        level === 'local'
          ? `${shown} is the user's own and belongs in no repository: git rm -q --cached ${shown}`
          : `if you trust '${String(value)}', say so: mlops remote modify --local ${remote} ${option} ${String(value)}`,
    },
  );
}

/**
 * The same for options that a `.dvc` file keeps of where its data came from.
 * @param where the file, or what it says.
 */
export function refuseRecorded(options: Readonly<Record<string, unknown>> | undefined, where: string): void {
  const option = Object.keys(options ?? {}).find((key) => namesCredentialFile(key));
  if (option === undefined) return;
  throw new MlopsError(
    'untrusted_config',
    `'${option}' of ${where} came with the repository, and a file with credentials may name programs to run`,
    {
      hint: 'if you trust it, name it in the environment, and take it out there: AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE',
    },
  );
}

function lineOf(file: string, remote: string, option: string): number | undefined {
  let inside = false;
  for (const [i, line] of readLines(file).entries()) {
    const text = line.trim();
    if (text.startsWith('[')) inside = text.replaceAll(/['"[\]\s]/g, '').toLowerCase() === `remote${remote}`;
    else if (inside && text.split('=')[0]?.trim() === option) return i + 1;
  }
  return undefined;
}

function readLines(file: string): string[] {
  try {
    return fs.readFileSync(file, 'utf8').split('\n');
  } catch (error) {
    if (isSystemError(error)) return [];
    throw error;
  }
}
