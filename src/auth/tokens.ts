import { createHash, randomBytes } from 'node:crypto';

import type { StoredToken } from './auth-store.ts';

/** A token as it is kept, and the secret that is shown once: `mlops_ID_SECRET`, as API keys have it. */
export function newToken(
  token: Pick<StoredToken, 'userId' | 'name' | 'kind' | 'scopes' | 'expires'>,
  now: number,
): { readonly token: StoredToken; readonly secret: string } {
  const id = randomBytes(6).toString('hex');
  const secret = `mlops_${id}_${randomBytes(32).toString('base64url')}`;
  return { token: { ...token, id, hash: tokenHash(secret), created: now, lastUsed: 0 }, secret };
}

export function tokenHash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
