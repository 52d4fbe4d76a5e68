const powers = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const maxExact = Number.MAX_SAFE_INTEGER;
const numberText = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const special = /^(?:[+-]?nan|([+-]?)inf(?:inity)?)$/i;

/**
 * The number that a text spells in decimal, blanks around it allowed, `inf` and `nan` as Python and pandas write them.
 * Undefined for everything else: hexadecimal, digits with underscores, nothing at all.
 */
export function parseNumber(text: string): number | undefined {
  const trimmed = text.trim();
  if (numberText.test(trimmed)) return Number(trimmed);
  const match = special.exec(trimmed);
  if (match === null) return undefined;
  if (match[1] === undefined) return Number.NaN;
  return match[1] === '-' ? -Infinity : Infinity;
}

/**
 * The same for bytes of a buffer, NaN where there is no number. What has at most 15 digits and a small exponent is exact
 * by one multiplication or division (Clinger's fast path); the rest goes the long way.
 */
export function numberAt(bytes: Buffer, start: number, end: number): number {
  let at = start;
  let negative = false;
  const sign = bytes[at];
  if (sign === 0x2d || sign === 0x2b) {
    negative = sign === 0x2d;
    at++;
  }
  let mantissa = 0;
  let digits = 0;
  let scale = 0;
  let point = false;
  for (; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x30 && byte <= 0x39) {
      mantissa = mantissa * 10 + (byte - 0x30);
      digits++;
      if (point) scale++;
    } else if (byte === 0x2e && !point) point = true;
    else break;
  }
  if (at < end || digits === 0) return parseNumber(bytes.toString('latin1', start, end)) ?? Number.NaN;
  // Digits and a point are a number without asking.
  if (mantissa > maxExact || scale > 22) return Number(bytes.toString('latin1', start, end));
  const value = scale === 0 ? mantissa : mantissa / (powers[scale] ?? 1);
  return negative ? -value : value;
}
