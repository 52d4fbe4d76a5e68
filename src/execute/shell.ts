import { spawnSync } from 'node:child_process';
import * as path from 'node:path';

/**
 * The argument vector that runs one command line in the user's shell without its start-up files, as DVC
 * does it: `$SHELL`, else `/bin/sh`; on Windows `cmd.exe`.
 */
export function shellArgv(line: string, env: Readonly<Record<string, string | undefined>>): [string, ...string[]] {
  if (process.platform === 'win32') return [env['ComSpec'] ?? 'cmd.exe', '/d', '/s', '/c', line];
  const shell = env['SHELL'] === undefined || env['SHELL'] === '' ? '/bin/sh' : env['SHELL'];
  return [shell, ...quietFlags(shell), '-c', line];
}

/** The command lines of a stage: list items as they are, or each line of a string, each for a shell of its own. */
export function commandLines(cmd: string | readonly string[]): readonly string[] {
  if (typeof cmd !== 'string') return cmd;
  const lines = cmd.split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function quietFlags(shell: string): readonly string[] {
  const name = path.basename(shell).toLowerCase();
  if (name === 'bash') return ['--noprofile', '--norc'];
  if (name === 'zsh') return ['--no-rcs'];
  return name === 'fish' && fishHasNoConfig(shell) ? ['--no-config'] : [];
}

const fishVersions = new Map<string, boolean>();

function fishHasNoConfig(shell: string): boolean {
  const known = fishVersions.get(shell);
  if (known !== undefined) return known;
  const text = spawnSync(shell, ['--version'], { encoding: 'utf8' }).stdout ?? '';
  const match = /(\d{1,9})\.(\d{1,9})/.exec(text);
  const supported = match !== null && Number(match[1]) * 1000 + Number(match[2]) >= 3003;
  fishVersions.set(shell, supported);
  return supported;
}
