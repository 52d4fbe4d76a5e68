import type { TrafficRule } from './rule.ts';

export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Finds the key of a request; a character is a byte. Undefined where it has none, or an empty one. */
export type FindKey = (headers: Headers) => string | undefined;

export function keyFinder({ sticky }: TrafficRule): FindKey | undefined {
  if (sticky === undefined) return undefined;
  if ('header' in sticky) {
    const name = sticky.header.toLowerCase();
    return (headers) => notEmpty(textOf(headers[name]));
  }
  return (headers) => notEmpty(cookieOf(textOf(headers['cookie']), sticky.cookie));
}

function textOf(value: Headers[string]): string | undefined {
  return value === undefined || typeof value === 'string' ? value : value.join(', ');
}

/** The first cookie of a name (RFC 6265, 5.4). */
function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

function notEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/**
 * The place of a key from 0 up to 1, the same in all processes and at all times (cyrb53, a hash of 53 bits in the manner
 * of MurmurHash).
 * @param turn another place for the same key.
 */
export function placeOf(salt: string, key: string, turn = 0): number {
  let h1 = 0xdeadbeef ^ turn;
  let h2 = 0x41c6ce57 ^ turn;
  const mix = (text: string): void => {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      h1 = Math.imul(h1 ^ code, 2654435761);
      h2 = Math.imul(h2 ^ code, 1597334677);
    }
  };
  mix(salt);
  mix('\u0000');
  mix(key);
  h1 = Math.imul(h1 ^ (h1 >>> 16), 2246822507) ^ Math.imul(h2 ^ (h2 >>> 13), 3266489909);
  h2 = Math.imul(h2 ^ (h2 >>> 16), 2246822507) ^ Math.imul(h1 ^ (h1 >>> 13), 3266489909);
  return (4294967296 * (2097151 & h2) + (h1 >>> 0)) / 2 ** 53;
}
