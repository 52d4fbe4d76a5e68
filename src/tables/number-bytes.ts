import { parseNumber } from '../base/index.ts';

const powers = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/** Digits that fit into a whole number for sure, and those that a number has at most on the fast ways. */
const [headDigits, mostDigits] = [15, 22];
/** For Dekker's split of a number into halves. */
const splitter = 2 ** 27 + 1;

/**
 * `parseNumber` for bytes of a buffer, NaN where it gives none. What has few digits is exact by one multiplication or
 * division (Clinger's fast path); of up to 22 digits, as programs print doubles, the quotient is taken with twice the
 * precision (Dekker 1971), and that of the long way only where rounding is in doubt.
 */
export function numberAt(bytes: Buffer, start: number, end: number): number {
  let at = start;
  let negative = false;
  const sign = bytes[at];
  if (sign === 0x2d || sign === 0x2b) {
    negative = sign === 0x2d;
    at++;
  }
  let head = 0;
  let tail = 0;
  let digits = 0;
  let significant = 0;
  let scale = 0;
  let point = false;
  for (; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x30 && byte <= 0x39) {
      digits++;
      if (significant > 0 || byte !== 0x30) significant++;
      if (significant <= headDigits) head = head * 10 + (byte - 0x30);
      else tail = tail * 10 + (byte - 0x30);
      if (point) scale++;
    } else if (byte === 0x2e && !point) point = true;
    else break;
  }
  if (at < end || digits === 0) return parseNumber(bytes.toString('latin1', start, end)) ?? Number.NaN;
  // Digits and a point are a number without asking.
  if (significant > mostDigits || scale > 22) return Number(bytes.toString('latin1', start, end));
  if (significant > headDigits) {
    const found = longNumber(head, tail, significant - headDigits, scale);
    if (Number.isNaN(found)) return Number(bytes.toString('latin1', start, end));
    return negative ? -found : found;
  }
  const value = scale === 0 ? head : head / (powers[scale] ?? 1);
  return negative ? -value : value;
}

/** (head 10^more + tail) / 10^scale, correctly rounded; NaN where that is in doubt. */
function longNumber(head: number, tail: number, more: number, scale: number): number {
  const power = powers[more] ?? 1;
  const high = head * power;
  const low = rest(head, power, high);
  const top = high + tail;
  // What rounding took from the sum: Knuth's two-sum.
  const share = top - high;
  const bottom = high - (top - share) + (tail - share) + low;
  const divisor = powers[scale] ?? 1;
  const quotient = top / divisor;
  const product = quotient * divisor;
  const correction = (top - product - rest(quotient, divisor, product) + bottom) / divisor;
  const doubt = Math.abs(correction) * 2 ** -40 + quotient * 2 ** -95;
  const value = quotient + (correction - doubt);
  return value === quotient + (correction + doubt) ? value : Number.NaN;
}

/** What rounding took from a product: Dekker's two-product. */
function rest(a: number, b: number, product: number): number {
  const wideA = splitter * a;
  const highA = wideA - (wideA - a);
  const lowA = a - highA;
  const wideB = splitter * b;
  const highB = wideB - (wideB - b);
  const lowB = b - highB;
  return lowA * lowB - (product - highA * highB - lowA * highB - highA * lowB);
}
