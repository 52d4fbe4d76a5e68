import { MlopsError } from '../base/index.ts';
import { Fields } from './wire-fields.ts';

/**
 * The fields of a JSON body, read as MLflow's server does: text that is no JSON counts as empty (the answer then
 * names the first missing parameter), a body encoded twice is decoded twice (very old clients do that), and the
 * bare words NaN and Infinity of Python's `json` are numbers.
 *
 * @throws MlopsError `bad_request` for a list, number or other value that has no fields.
 */
export function readBody(body: unknown): Fields {
  if (body === undefined || body === null) return new Fields({});
  const text = Buffer.isBuffer(body) ? body.toString('utf8') : typeof body === 'string' ? body : '';
  if (text.trim() === '') return new Fields({});
  let value = parse(text);
  if (typeof value === 'string') value = parse(value);
  if (loneHalf.test(text)) value = wellFormed(value);
  if (value === undefined || value === null) return new Fields({});
  if (typeof value === 'object' && !Array.isArray(value)) return new Fields(value as Record<string, unknown>, '', text);
  throw new MlopsError('bad_request', 'The request body must be a JSON object.');
}

/** Half of a character that UTF-8 has no bytes for: a store would give back another text than it was given. */
const loneHalf = /\\u[dD](?:[89aAbB][\da-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89aAbB][\da-fA-F]{2}\\u[dD])[c-fC-F])/;

/** The value with U+FFFD for each such half. */
function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return Buffer.from(value).toString();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [Buffer.from(key).toString(), wellFormed(one)]));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    if (!/NaN|Infinity/.test(text)) return undefined;
  }
  // A text that does not end is taken up to the end of all: trying again at each of its quotes would be quadratic.
  const quoted = text.replaceAll(/"[^"\\]*(?:\\[^][^"\\]*)*(?:"|\\?$)|-?\b(?:NaN|Infinity)\b/g, (word) =>
    word.startsWith('"') ? word : `"${word}"`,
  );
  try {
    return JSON.parse(quoted);
  } catch {
    return undefined;
  }
}
