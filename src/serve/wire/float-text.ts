import { shortFloat32 } from './tensor.ts';

/** Room for the values of one step, at no more than `widest` bytes each. */
const step = 1024;
/** `-` , eight digits before the point or `0.` and zeros, and what follows it; with the comma. */
const widest = 32;
const bytes = Buffer.allocUnsafe(step * widest);

const comma = 0x2c;
const dot = 0x2e;
const minus = 0x2d;
const zero = 0x30;

/**
 * Float32 values `from..to` with commas between them, each with the fewest digits that read back to it, as
 * `shortFloat32` gives them; NaN and infinities as null. Digits are written into bytes at once: a text for every number
 * would take six times as long.
 */
export function float32Texts(data: Float32Array, from: number, to: number): string {
  if (to - from <= step) return stepText(data, from, to);
  let text = '';
  for (let at = from; at < to; at += step) {
    text += (at > from ? ',' : '') + stepText(data, at, Math.min(to, at + step));
  }
  return text;
}

function stepText(data: Float32Array, from: number, to: number): string {
  let at = 0;
  for (let i = from; i < to; i++) {
    if (i > from) bytes[at++] = comma;
    at = writeFloat(data[i] ?? 0, at);
  }
  return bytes.toString('latin1', 0, at);
}

/** Writes a value at a place, and says where it ends. */
function writeFloat(value: number, start: number): number {
  const magnitude = Math.abs(value);
  // What is written with an exponent, or with more digits than a whole number holds, is left to the engine.
  if (!(magnitude < 1e7 && magnitude >= 1e-5)) return writeText(value, start);
  // Seven digits first, then eight and nine: as many places behind the point, and that power of ten.
  let places = 7;
  let scale = 1e7;
  if (magnitude >= 1) {
    places = magnitude >= 1000 ? 3 : magnitude >= 100 ? 4 : magnitude >= 10 ? 5 : 6;
    scale = magnitude >= 1000 ? 1e3 : magnitude >= 100 ? 1e4 : magnitude >= 10 ? 1e5 : 1e6;
  } else if (magnitude < 0.1) {
    places = magnitude >= 0.01 ? 8 : 9;
    scale = magnitude >= 0.01 ? 1e8 : 1e9;
  }
  for (let tries = 0; tries < 3; tries++, places++, scale *= 10) {
    // Half goes up, also below zero, as `shortFloat32` rounds.
    const rounded = Math.round(value * scale);
    if (Math.fround(rounded / scale) !== value || Math.abs(rounded) >= 2 ** 31) continue;
    return value < 0
      ? writeDecimal(-rounded | 0, places, start, true)
      : writeDecimal(rounded | 0, places, start, false);
  }
  return writeText(value, start);
}

/** `digits` (32 bits, so that dividing them is cheap) with the point before its last `places`, without zeros at its end. */
function writeDecimal(digits: number, places: number, start: number, negative: boolean): number {
  let rest = digits;
  let behind = places;
  while (behind > 0) {
    const shorter = (rest / 10) | 0;
    if (rest - shorter * 10 !== 0) break;
    rest = shorter;
    behind--;
  }
  let size = 1;
  for (let limit = 10; size < 10 && rest >= limit; limit *= 10) size++;
  if (size <= behind) size = behind + 1;
  const end = start + (negative ? 1 : 0) + size + (behind > 0 ? 1 : 0);
  let at = end;
  for (let i = 0; i < behind; i++) {
    const next = (rest / 10) | 0;
    bytes[--at] = zero + rest - next * 10;
    rest = next;
  }
  if (behind > 0) bytes[--at] = dot;
  for (let i = behind; i < size; i++) {
    const next = (rest / 10) | 0;
    bytes[--at] = zero + rest - next * 10;
    rest = next;
  }
  if (negative) bytes[--at] = minus;
  return end;
}

function writeText(value: number, start: number): number {
  const text = Number.isFinite(value) ? (Object.is(value, -0) ? '-0.0' : String(shortFloat32(value))) : 'null';
  return start + bytes.write(text, start, 'latin1');
}
