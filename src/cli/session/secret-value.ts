import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import type { FlagSpec, Input } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Ways to give a value that the shell's history and `ps` do not show. */
export const secretFlags: readonly FlagSpec[] = [
  { name: 'value-stdin', ours: true, summary: 'read the value from stdin' },
  { name: 'value-file', ours: true, value: 'FILE', summary: 'read the value from a file', completes: 'path' },
  { name: 'value-env', ours: true, value: 'NAME', summary: 'take the value of this environment variable' },
  { name: 'value-prompt', ours: true, summary: 'ask for the value, without showing it' },
];

/**
 * The value that one of these flags gives, without the line end that files have; undefined when none is there.
 * @throws MlopsError `usage` for several, and where there is nothing; `confirmation_needed` without a terminal to ask on.
 */
export async function secretValue(input: Input, terminal: Terminal): Promise<string | undefined> {
  const given = secretFlags.map(({ name }) => name).filter((name) => input.given(name));
  if (given.length > 1) throw new MlopsError('usage', `--${given.join(' and --')} exclude each other`);
  const value = await read(given[0], input, terminal);
  if (value === '') throw new MlopsError('usage', `--${given[0] ?? ''} gave an empty value`);
  return value;
}

async function read(flag: string | undefined, input: Input, terminal: Terminal): Promise<string | undefined> {
  if (flag === 'value-stdin') return withoutEnd(fs.readFileSync(0, 'utf8'));
  if (flag === 'value-prompt') return terminal.askSecret('value');
  const text = flag === undefined ? '' : (input.text(flag) ?? '');
  if (flag === 'value-env') {
    const value = terminal.env[text];
    if (value === undefined) throw new MlopsError('usage', `the variable ${text} is not set`);
    return value;
  }
  if (flag !== 'value-file') return undefined;
  const file = path.resolve(terminal.cwd, text);
  if (!fs.existsSync(file)) throw new MlopsError('usage', `there is no file '${text}'`);
  return withoutEnd(fs.readFileSync(file, 'utf8'));
}

function withoutEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}
