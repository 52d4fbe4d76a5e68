import * as fs from 'node:fs';

import {
  Doorkeeper,
  hashPassword,
  isPermission,
  newToken,
  refuseWeakPassword,
  type AuthStore,
  type PermissionName,
} from '../../auth/index.ts';
import { messageOf, MlopsError } from '../../base/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What a server starts with that asks who calls. */
export interface OpenAccess {
  readonly door: Doorkeeper;
  /** The token of the first administrator, made just now because no password was given for one; shown once. */
  readonly firstToken: string | undefined;
  readonly proxyHeader: string | undefined;
}

/** Settings of MLflow's `basic_auth.ini`, with the environment before it. */
interface Settings {
  readonly fallback: PermissionName;
  readonly username: string;
  readonly password: string | undefined;
}

/**
 * The doorkeeper of a store: when it is asked for (`--app-name basic-auth`) or users exist. Without either nobody is
 * asked who they are.
 *
 * @throws MlopsError `usage` for settings that cannot be.
 */
export async function openAccess(
  { auth: store }: Pick<TrackingStore, 'auth'>,
  options: { readonly appName: string | undefined; readonly env: Env },
): Promise<OpenAccess | undefined> {
  const { appName, env } = options;
  if (appName !== undefined && appName !== 'basic-auth') {
    throw new MlopsError('usage', `'${appName}' is no app of this server`, { hint: 'there is basic-auth' });
  }
  if (store === undefined) {
    if (appName === undefined) return undefined;
    throw new MlopsError('usage', 'a server over another server has no users of its own');
  }
  const users = await store.countUsers();
  if (appName === undefined && users === 0) return undefined;
  const settings = readSettings(env);
  const firstToken = appName === undefined ? undefined : await makeAdmin(store, settings);
  const proxyHeader = env['MLOPS_AUTH_PROXY_HEADER']?.toLowerCase();
  return { door: new Doorkeeper(store, settings.fallback), firstToken, proxyHeader };
}

function readSettings(env: Env): Settings {
  const file = env['MLFLOW_AUTH_CONFIG_PATH'];
  const ini = file === undefined || file === '' ? {} : readIni(file);
  const fallback = ini['default_permission'] ?? 'READ';
  if (!isPermission(fallback) || fallback === 'DENY') {
    throw new MlopsError('usage', `default_permission '${fallback}' is no permission`, {
      hint: 'READ, USE, EDIT, MANAGE or NO_PERMISSIONS',
    });
  }
  // A variable that is set wins even when it is empty: a secret that did not arrive is not replaced by an old one.
  const pick = (name: string, key: string): string | undefined => {
    const value = env[name] ?? ini[key];
    return value === '' ? undefined : value;
  };
  return {
    fallback,
    username: pick('MLFLOW_AUTH_ADMIN_USERNAME', 'admin_username') ?? 'admin',
    password: pick('MLFLOW_AUTH_ADMIN_PASSWORD', 'admin_password'),
  };
}

/** The section `[mlflow]` of a file as Python's `configparser` reads it. */
function readIni(file: string): Readonly<Record<string, string>> {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new MlopsError('usage', `MLFLOW_AUTH_CONFIG_PATH names '${file}', which cannot be read: ${messageOf(error)}`);
  }
  const values: Record<string, string> = {};
  let section = '';
  for (const line of text.split(/\r?\n/)) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith(';')) continue;
    if (trimmed.startsWith('[') && trimmed.endsWith(']')) {
      section = trimmed.slice(1, -1);
      continue;
    }
    const at = trimmed.search(/[=:]/);
    if (section === 'mlflow' && at > 0)
      values[trimmed.slice(0, at).trim().toLowerCase()] = trimmed.slice(at + 1).trim();
  }
  return values;
}

/** @returns a token, where there is no administrator yet and no password for one. */
async function makeAdmin(store: AuthStore, { username, password }: Settings): Promise<string | undefined> {
  if ((await store.findUser(username)) !== undefined) return undefined;
  if (password === undefined && (await store.listUsers()).some(({ isAdmin }) => isAdmin)) return undefined;
  if (password !== undefined) {
    try {
      refuseWeakPassword(password);
    } catch (error) {
      throw new MlopsError(
        'usage',
        `the password for the administrator '${username}' is not taken: ${messageOf(error)}`,
        {
          hint: 'set MLFLOW_AUTH_ADMIN_PASSWORD to another one',
        },
      );
    }
  }
  const passwordHash = password === undefined ? '' : await hashPassword(password);
  try {
    const user = await store.createUser({ username, passwordHash, isAdmin: true, kind: 'person' });
    if (password !== undefined) return undefined;
    const { token, secret } = newToken(
      { userId: user.id, name: 'first', kind: 'token', scopes: 'read,write,admin', expires: Date.now() + 86_400_000 },
      Date.now(),
    );
    await store.addToken(token);
    return secret;
  } catch (error) {
    // Another server on the same store was quicker.
    if ((await store.findUser(username)) !== undefined) return undefined;
    throw error;
  }
}
