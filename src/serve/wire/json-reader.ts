import { MlopsError, scanJson, type JsonParts } from '../../base/index.ts';
import { textOf } from './body-text.ts';

/** JSON as requests carry it. Integers beyond 2^53 are bigint when read exactly. */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

export type JsonObject = { [key: string]: Json };

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const maxDepth = 100;

/**
 * Parses a request body. The engine's own parser does the work; ours takes over where that one loses or refuses
 * something: integers beyond 2^53 (when `exact`), and the words NaN, Infinity and -Infinity that Python writes.
 * A byte order mark is skipped.
 *
 * @throws MlopsError `bad_json` naming line and column, `bad_request` for bytes that are no text.
 */
export function parseJson(body: Buffer, exact: boolean, contentType?: string): Json {
  if (body.length === 0) throw new MlopsError('bad_json', 'the body is empty; JSON was expected');
  let text = textOf(body, contentType);
  if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
  if (exact && /\d{16}/.test(text)) return scanJson(text, parts);
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    // Right or wrong, our own parser knows: it also says where.
    if (error instanceof SyntaxError) return scanJson(text, parts);
    throw error;
  }
}

/** Digits of the largest 64-bit integer; reading a million of them as bigint would take the square of that. */
const mostDigits = 20;

/** A whole number as text: exact where some type could hold it, else the nearest double, which no type takes. */
export function integerOf(digits: string): number | bigint {
  const value = Number(digits);
  if (Number.isSafeInteger(value)) return value;
  return digits.length <= mostDigits ? BigInt(digits) : value;
}

/** How much of a value a message shows. */
const shownLength = 60;

/** A value of a request for a message: its JSON, cut, or `nothing`. Reads no more of it than it shows. */
export function showJson(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  const text = startOf(value, shownLength);
  return text.length > shownLength ? `${text.slice(0, shownLength - 3)}...` : text;
}

function startOf(value: Json, room: number): string {
  if (typeof value === 'bigint' || typeof value === 'number') return String(value);
  if (typeof value === 'string') return JSON.stringify(value.slice(0, room + 1));
  if (value === null || typeof value !== 'object') return String(value);
  // For and in, because a list of all keys may be much longer than what is shown.
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value) {
      if (text.length > room) break;
      text += `${text === '' ? '' : ','}${startOf(item, room - text.length)}`;
    }
    return `[${text}]`;
  }
  for (const key in value) {
    if (text.length > room) break;
    text += `${text === '' ? '' : ','}${JSON.stringify(key.slice(0, room))}:`;
    text += startOf(value[key] ?? null, room - text.length);
  }
  return `{${text}}`;
}

const parts: JsonParts<Json> = {
  maxDepth,
  words: new Map<string, Json>([
    ['true', true],
    ['false', false],
    ['null', null],
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['-Infinity', Number.NEGATIVE_INFINITY],
  ]),
  number: (digits, whole) => (whole ? integerOf(digits) : Number(digits)),
  text: (text) => text,
  list: (items) => items,
  object: (entries) => Object.fromEntries(entries),
  error: (what, line, column) =>
    new MlopsError('bad_json', `the body is not valid JSON: line ${line}, column ${column}: ${what}`),
};
