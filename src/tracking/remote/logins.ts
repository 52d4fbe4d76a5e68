import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { isSystemError, MlopsError, writeFileAtomic } from '../../base/index.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Tokens by the address of their server, without path: a file that only its owner can read. */
function loginsFile(env: Env): string {
  const config = env['XDG_CONFIG_HOME'];
  const base = config === undefined || config === '' ? path.join(env['HOME'] ?? os.homedir(), '.config') : config;
  return path.join(base, 'mlops', 'logins.json');
}

function readLogins(file: string): Record<string, string> {
  try {
    const found: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
    const entries = Object.entries(found as object).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    );
    return Object.fromEntries(entries);
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return {};
    if (!(error instanceof SyntaxError)) throw error;
    throw new MlopsError('bad_json', `'${file}' is no JSON`, { hint: 'remove it, and log in again' });
  }
}

/** The token that `mlops login` keeps for a server; undefined where it keeps none. */
export function loginFor(uri: string, env: Env): string | undefined {
  return readLogins(loginsFile(env))[originOf(uri)];
}

/** Keeps a token for a server, or forgets it. @returns the file; undefined where there was nothing to forget. */
export function keepLogin(uri: string, token: string | undefined, env: Env): string | undefined {
  const file = loginsFile(env);
  const { [originOf(uri)]: known, ...others } = readLogins(file);
  if (token === undefined && known === undefined) return undefined;
  const logins = token === undefined ? others : { ...others, [originOf(uri)]: token };
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  writeFileAtomic(file, `${JSON.stringify(logins, undefined, 2)}\n`, { mode: 0o600 });
  return file;
}

function originOf(uri: string): string {
  return new URL(uri).origin;
}
