import { createHmac, timingSafeEqual } from 'node:crypto';

import { newToken, type Doorkeeper, type User } from '../../auth/index.ts';
import type { Reply, Request } from '../../http/index.ts';

/** Name of the cookie of a session. */
export const sessionCookie = 'mlops_session';

const lifetime = 7 * 24 * 60 * 60 * 1000;

export function cookieOf(request: Request, name: string): string | undefined {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** What a page of ours sends with a change: another site cannot know it. */
export function csrfToken(secretHash: string): string {
  return createHmac('sha256', secretHash).update('csrf').digest('base64url');
}

export function sameText(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** A new session, for every login another: one that was known before does not become somebody's. */
export async function beginSession(
  door: Doorkeeper,
  user: User,
  request: Request,
  reply: Reply,
  prefix: string,
): Promise<void> {
  const now = Date.now();
  const { token, secret } = newToken(
    { userId: user.id, name: 'session', kind: 'session', scopes: 'read,write,admin', expires: now + lifetime },
    now,
  );
  await door.store.addToken(token);
  void reply.header('set-cookie', cookie(request, prefix, secret, lifetime / 1000));
}

/** Ends the session of a request, here and in the browser. */
export async function endSession(door: Doorkeeper, request: Request, reply: Reply, prefix: string): Promise<void> {
  const [, id] = /^mlops_([0-9a-f]{12})_/.exec(cookieOf(request, sessionCookie) ?? '') ?? [];
  if (id !== undefined) await door.changed(door.store.removeToken(id));
  void reply.header('set-cookie', cookie(request, prefix, '', 0));
}

function cookie(request: Request, prefix: string, value: string, seconds: number): string {
  const secure = isSecure(request) ? '; Secure' : '';
  const path = prefix === '' ? '/' : prefix;
  return `${sessionCookie}=${value}; Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
}

function isSecure(request: Request): boolean {
  return request.protocol === 'https' || request.headers['x-forwarded-proto'] === 'https';
}
