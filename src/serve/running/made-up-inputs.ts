import type { Choice, TensorInfo } from '../../model/index.ts';
import {
  allocate,
  dtypes,
  elementCount,
  noTensors,
  numberToHalf,
  type TensorData,
  type Tensors,
} from '../wire/tensor.ts';

/** Kinds of values: as real data has them, far out of what is usual, and between 0 and 1. */
export const kinds = ['real', 'large', 'small'] as const;
export type Kind = (typeof kinds)[number];

/** No input larger than this many values: trying a model must not delay the start. */
const valuesLimit = 2_000_000;

const words = ['probe', 'a text', '', 'Ünïcode', '42', 'a much longer text, of many words', 'NaN', 'true'];

/**
 * Inputs for a model that nobody has sent a request to: varied values, no NaN, masks that leave the end of some rows
 * out, and places in tables within their lengths. Undefined where they would be too large.
 *
 * @param choices what inputs choose from that hold categories or places in a table, as token ids do.
 */
export function inputsOf(
  inputs: readonly TensorInfo[],
  choices: ReadonlyMap<string, Choice>,
  { kind, rows, inner }: { readonly kind: Kind; readonly rows: number; readonly inner: number },
): Tensors | undefined {
  const feeds = noTensors();
  const random = randomOf(kinds.indexOf(kind) + 1);
  let total = 0;
  for (const info of inputs) {
    const dims = (info.dims ?? [1]).map((dim, i) => (typeof dim === 'number' ? dim : i === 0 ? rows : inner));
    const count = elementCount(dims);
    total += count;
    if (total > valuesLimit) return undefined;
    const data = allocate(info.dtype, count);
    const width = dims[0] === 0 ? 0 : count / (dims[0] ?? 1);
    fill(data, info, { kind, width, choices: choices.get(info.name), random });
    feeds[info.name] = { dtype: info.dtype, dims, data };
  }
  return feeds;
}

interface Filling {
  readonly kind: Kind;
  /** Values of a row. */
  readonly width: number;
  readonly choices: Choice | undefined;
  readonly random: () => number;
}

function fill(data: TensorData, info: TensorInfo, filling: Filling): void {
  const { random, width, choices } = filling;
  if (Array.isArray(data)) {
    const among = typeof choices === 'object' ? choices : words;
    for (let i = 0; i < data.length; i++) data[i] = String(among[Math.floor(random() * among.length)]);
    return;
  }
  const mask = /mask/i.test(info.name);
  for (let i = 0; i < data.length; i++) {
    // The first value of a row is kept, and most others.
    const value = mask ? Number(i % width === 0 || random() < 0.8) : numberOf(info, filling);
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(value);
    else data[i] = info.dtype === 'float16' ? numberToHalf(value) : value;
  }
}

function numberOf({ dtype }: TensorInfo, { kind, choices, random }: Filling): number {
  const drawn = random();
  const { kind: type, min, max } = dtypes[dtype];
  if (type === 'bool') return Number(drawn < 0.5);
  if (type === 'float') {
    if (typeof choices === 'object') return Number(choices[Math.floor(drawn * choices.length)]);
    if (kind === 'small') return drawn;
    // Between the middle of a range and its ends: most values near 0, some far from it.
    const spread = (drawn - 0.5) * 2;
    return kind === 'real' ? 8 * spread ** 3 : 30_000 * spread ** 5;
  }
  if (typeof choices === 'object') {
    const chosen = Number(choices[Math.floor(drawn * choices.length)]);
    return Number.isInteger(chosen) ? chosen : 0;
  }
  const highest = Math.min(Number(max), (choices ?? (kind === 'large' ? 100_000 : kind === 'real' ? 200 : 2)) - 1);
  const lowest = choices === undefined && kind === 'large' ? Math.max(Number(min), -100_000) : 0;
  return lowest + Math.floor(drawn * (highest - lowest + 1));
}

/** Numbers from 0 to 1, the same at every start (a linear congruential generator with the constants of C). */
function randomOf(seed: number): () => number {
  let state = seed * 7919;
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
}
