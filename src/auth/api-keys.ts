import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

import { MlopsError } from '../base/index.ts';

export type KeyScope = 'predict' | 'admin';

/** A key as it is stored: the secret itself is shown once and kept nowhere. */
export interface StoredKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly KeyScope[];
  /** SHA-256 of the whole key, hex. The key has 256 random bits, so a slow hash would add nothing. */
  readonly hash: string;
  /** ISO times. */
  readonly created: string;
  readonly expires?: string;
}

/** Port: where keys are kept. `revision` changes whenever the content may have; it is asked often and must be cheap. */
export interface KeyStore {
  load(): readonly StoredKey[];
  save(keys: readonly StoredKey[]): void;
  revision(): string;
}

export interface KeyIdentity {
  readonly name: string;
  readonly scopes: readonly KeyScope[];
}

/** Makes a key. The returned `secret` is what the client sends; it cannot be had again. */
export function createKey(
  store: KeyStore,
  options: { readonly name: string; readonly scopes: readonly KeyScope[]; readonly expires?: Date | undefined },
): { readonly key: StoredKey; readonly secret: string } {
  const id = randomBytes(6).toString('hex');
  const secret = `mlops_${id}_${randomBytes(32).toString('base64url')}`;
  const key: StoredKey = {
    id,
    name: options.name,
    scopes: options.scopes,
    hash: hashOf(secret),
    created: new Date().toISOString(),
    ...(options.expires === undefined ? {} : { expires: options.expires.toISOString() }),
  };
  store.save([...store.load(), key]);
  return { key, secret };
}

/** Removes keys by id or name, or (`dry`) says which they are. @throws MlopsError `key_not_found`. */
export function revokeKey(
  store: KeyStore,
  idOrName: string,
  options: { readonly dry?: boolean } = {},
): readonly StoredKey[] {
  const keys = store.load();
  const gone = keys.filter((key) => key.id === idOrName || key.name === idOrName);
  if (gone.length === 0) {
    throw new MlopsError('key_not_found', `there is no key '${idOrName}'`, { hint: 'see `mlops auth key list`' });
  }
  if (options.dry !== true) store.save(keys.filter((key) => !gone.includes(key)));
  return gone;
}

/**
 * Checks the key of a request. Changes of the store are seen within a second, without a restart.
 *
 * @returns a check that throws MlopsError `unauthorized` or `forbidden`.
 */
export function keyVerifier(store: KeyStore): (given: string | undefined, scope: KeyScope) => KeyIdentity {
  let keys = new Map<string, StoredKey>();
  let revision: string | undefined;
  let checkedAt = -Infinity;
  const refresh = (): void => {
    const now = performance.now();
    if (now - checkedAt < 500) return;
    checkedAt = now;
    const found = store.revision();
    if (found === revision) return;
    revision = found;
    keys = new Map(store.load().map((key) => [key.id, key]));
  };
  return (given, scope) => {
    refresh();
    if (given === undefined || given === '') throw refused('this needs a key');
    const key = keys.get(/^mlops_([0-9a-f]{12})_/.exec(given)?.[1] ?? '');
    // Compared also without a stored key, so that the time does not tell whether the id exists.
    const matches = timingSafeEqual(Buffer.from(hashOf(given)), Buffer.from(key?.hash ?? '0'.repeat(64)));
    if (key === undefined || !matches) throw refused('the key is not valid');
    if (key.expires !== undefined && Date.parse(key.expires) < Date.now()) throw refused('the key has expired');
    if (!key.scopes.includes(scope) && !key.scopes.includes('admin')) {
      throw new MlopsError('forbidden', `the key '${key.name}' may not do this: it needs the scope '${scope}'`, {
        hint: `create one with \`mlops auth key create NAME --scope ${scope}\``,
      });
    }
    return { name: key.name, scopes: key.scopes };
  };
}

function refused(why: string): MlopsError {
  return new MlopsError('unauthorized', why, {
    hint: 'send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`',
  });
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** The key in the headers of a request: a bearer token, else `X-API-Key`. */
export function keyOf(headers: Readonly<Record<string, string | string[] | undefined>>): string | undefined {
  const { authorization } = headers;
  if (typeof authorization === 'string') return /^bearer\s+(\S.*)$/i.exec(authorization)?.[1]?.trim();
  const key = headers['x-api-key'];
  return typeof key === 'string' ? key : undefined;
}
