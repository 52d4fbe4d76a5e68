import { createHash } from 'node:crypto';

import { invalid } from './limits.ts';

/**
 * Page tokens: where the last page ended, with a digest of the query they belong to, so that a token is never
 * used with another query. Opaque to clients.
 */
export function writePageToken(query: unknown, position: unknown): string {
  return Buffer.from(JSON.stringify([digest(query), position])).toString('base64url');
}

/** Where a page begins in a list that is counted. @throws MlopsError `invalid_value` when it is no token of this query. */
export function readOffset(query: unknown, token: string | undefined): number | undefined {
  return read(query, token, (position) => Number.isSafeInteger(position) && (position as number) >= 0) as
    | number
    | undefined;
}

/**
 * The row that the last page ended with, as `length` values of its order.
 *
 * @throws MlopsError `invalid_value` when it is no token of this query.
 */
export function readPosition(query: unknown, token: string | undefined, length: number): Position | undefined {
  const fits = (position: unknown): boolean =>
    Array.isArray(position) && position.length === length && position.every(isScalar);
  return read(query, token, fits) as Position | undefined;
}

type Position = readonly (string | number | null)[];

function isScalar(value: unknown): boolean {
  return value === null || typeof value === 'string' || typeof value === 'number';
}

/** A token of 64 kB or more was never written here. */
const longest = 65_536;

function read(query: unknown, token: string | undefined, fits: (position: unknown) => boolean): unknown {
  if (token === undefined || token === '') return undefined;
  try {
    const text = token.length > longest ? '' : Buffer.from(token, 'base64url').toString('utf8');
    const [owner, position] = JSON.parse(text) as [string, unknown];
    if (owner === digest(query) && fits(position)) return position;
  } catch {
    // Falls through: whatever it is, it is no token.
  }
  throw invalid(`Invalid page token, could not base64-decode or it belongs to another query: '${token.slice(0, 80)}'`);
}

function digest(query: unknown): string {
  return createHash('sha1').update(JSON.stringify(query)).digest('base64url').slice(0, 8);
}
