import { createHash } from 'node:crypto';

import { characterCount } from '../base/index.ts';

/**
 * What is kept of an input that is too large for the log: its md5, and a few numbers that drift can be judged by.
 *
 * A text is described by its length in characters, its words and, where a tokenizer is at hand, the share of tokens
 * unknown to it. A vector is kept as such up to 1,024 numbers; a longer one is projected to 64.
 */
export interface TextDescriptor {
  /** The text itself where it is short. */
  readonly text?: string;
  readonly md5?: string;
  readonly length: number;
  readonly words: number;
  readonly unknown_share?: number;
}

export interface VectorDescriptor {
  readonly md5: string;
  readonly shape: readonly number[];
  readonly projection: readonly number[];
}

/** A text up to this many characters is a value like others. */
export const plainText = 64;
/** A longer one is described, and kept beside its description up to here. */
const shortText = 256;
/** A vector up to this many numbers is kept as such. */
export const wholeVector = 1_024;
/** What a longer one is projected to. */
export const projected = 64;
/** Other values are kept up to this many characters of JSON. */
const anyValue = 4_096;

export function describeText(text: string, unknownShare?: number): TextDescriptor {
  const isShort = text.length <= shortText;
  return {
    ...(isShort ? { text } : { md5: md5Of(text) }),
    length: characterCount(text),
    words: wordsOf(text),
    ...(unknownShare === undefined ? {} : { unknown_share: Math.round(unknownShare * 1e6) / 1e6 }),
  };
}

/** Runs of what is no space. */
function wordsOf(text: string): number {
  let words = 0;
  for (const _ of text.matchAll(/\S+/g)) words++;
  return words;
}

/** Inputs as the log keeps them. */
export function keptValues(inputs: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, keptValue(value)]));
}

/** A value of an input as the log keeps it: as it is where it is small, else described. */
export function keptValue(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return value.length <= plainText ? value : describeText(value);
  if (typeof value !== 'object' || value === null) return value;
  const numbers = numbersIn(value);
  if (numbers !== undefined) {
    if (numbers.values.length <= wholeVector) return value;
    return { md5: md5Of(numbers.values), shape: numbers.shape, projection: project(numbers.values) };
  }
  const text = JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));
  return text.length <= anyValue ? (JSON.parse(text) as unknown) : { md5: md5Of(text) };
}

/** The numbers of a nested list, in order, and its shape; undefined for what is no regular list of numbers. */
export function numbersIn(value: unknown): { values: Float64Array; shape: number[] } | undefined {
  if (!Array.isArray(value)) return undefined;
  const shape: number[] = [];
  for (let level: unknown = value; Array.isArray(level) && shape.length < 8; level = level[0]) shape.push(level.length);
  const size = shape.reduce((a, b) => a * b, 1);
  const values = new Float64Array(size);
  let at = 0;
  const fill = (list: readonly unknown[], depth: number): boolean => {
    if (list.length !== shape[depth]) return false;
    for (const item of list) {
      if (depth + 1 < shape.length) {
        if (!Array.isArray(item) || !fill(item, depth + 1)) return false;
      } else if (typeof item !== 'number' && item !== null) return false;
      else values[at++] = item ?? Number.NaN;
    }
    return true;
  };
  return size > 0 && fill(value, 0) ? { values, shape } : undefined;
}

function md5Of(data: string | Float64Array): string {
  return createHash('md5').update(data).digest('hex');
}

/**
 * A random projection to 64 numbers that is the same for vectors of one length, in every process: each number is added
 * to one of the 64 places, with a sign (count sketch; Charikar, Chen and Farach-Colton 2002). Distances are kept in
 * expectation, and it takes one pass. NaN counts as 0.
 */
export function project(values: ArrayLike<number>): number[] {
  const sums = new Float64Array(projected);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (!Number.isFinite(value)) continue;
    // splitmix32 of the position.
    let t = (i + 1) * 0x9e3779b9;
    t = Math.imul(t ^ (t >>> 16), 0x21f0aaad);
    t = Math.imul(t ^ (t >>> 15), 0x735a2d97);
    t ^= t >>> 15;
    const place = t & (projected - 1);
    sums[place] = (sums[place] ?? 0) + ((t >>> 6) & 1 ? value : -value);
  }
  return Array.from(sums, (sum) => Number(sum.toPrecision(7)));
}
