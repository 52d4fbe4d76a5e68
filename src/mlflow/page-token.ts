import { createHash } from 'node:crypto';

import { invalid } from './limits.ts';

/**
 * Page tokens: where the last page ended, with a digest of the query they belong to, so that a token is never
 * used with another query. Opaque to clients.
 */
export function writePageToken(query: unknown, position: unknown): string {
  return Buffer.from(JSON.stringify([digest(query), position])).toString('base64url');
}

/** @throws MlopsError `invalid_value` when it is no token of this query. */
export function readPageToken(query: unknown, token: string | undefined): unknown {
  if (token === undefined || token === '') return undefined;
  try {
    const [owner, position] = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as [string, unknown];
    if (owner === digest(query)) return position;
  } catch {
    // Falls through: whatever it is, it is no token.
  }
  throw invalid(`Invalid page token, could not base64-decode or it belongs to another query: '${token.slice(0, 80)}'`);
}

function digest(query: unknown): string {
  return createHash('sha1').update(JSON.stringify(query)).digest('base64url').slice(0, 8);
}
