import { MlopsError } from '../../base/index.ts';
import type { Dim, Dtype, TensorInfo } from '../../model/index.ts';
import { float32Texts } from './float-text.ts';
import { showJson, type Json } from './json-reader.ts';
import { allocate, dtypes, elementCount, halfToNumber, numberToHalf, type Tensor, type TensorData } from './tensor.ts';

/**
 * Reads nested lists into the tensor that an input declares: one pass that checks the shape, checks each value and
 * stores it. With `rowsMayBeMissing`, a value one dimension short counts as one row.
 *
 * @param path where the value stands in the request, for messages: `inputs.x`.
 * @throws MlopsError `invalid_input` with `path`, `expected` and `got`.
 */
export function tensorFromJson(value: Json, info: TensorInfo, path: string, rowsMayBeMissing = false): Tensor {
  const nested = rowsMayBeMissing ? asRows(value, info) : value;
  const dims = shapeOf(nested);
  // Without inner lists there is nothing to take the other sizes from.
  if (dims[0] === 0 && dims.length === 1 && (info.dims?.length ?? 1) > 1) {
    throw invalid(path, `rows of shape ${shapeText(info.dims ?? [])}`, 'an empty list');
  }
  checkDims(dims, info, path);
  const data = allocate(info.dtype, elementCount(dims));
  const filler = new Filler(info.dtype, data, path);
  filler.fill(nested, dims, 0, []);
  return { dtype: info.dtype, dims, data };
}

/** One row as a list of one, and for an input [N, 1] a value or a list of values as rows. */
function asRows(value: Json, { dims }: TensorInfo): Json {
  if (dims === undefined || typeof dims[0] !== 'string') return value;
  if (Array.isArray(value) && value.length === 0) return value;
  const depth = shapeOf(value).length;
  if (dims.length === 2 && dims[1] === 1 && depth < 2)
    return Array.isArray(value) ? value.map((one) => [one]) : [[value]];
  return depth + 1 === dims.length ? [value] : value;
}

/** Reads a flat list of values in row-major order; the v2 protocol allows it. */
export function tensorFromFlat(values: readonly Json[], dtype: Dtype, dims: readonly number[], path: string): Tensor {
  const data = allocate(dtype, values.length);
  new Filler(dtype, data, path).fill(values as Json[], [values.length], 0, []);
  return { dtype, dims, data };
}

/** Sizes along the first elements; raggedness shows when the values are read. */
function shapeOf(value: Json): number[] {
  const dims: number[] = [];
  for (let at: Json | undefined = value; Array.isArray(at); at = at[0]) {
    dims.push(at.length);
    if (dims.length > 64) break;
  }
  return dims;
}

/** @throws MlopsError `invalid_input` when a shape does not fit what the model declares. */
export function checkDims(dims: readonly number[], info: TensorInfo, path: string): void {
  if (info.dims === undefined || fitsDims(dims, info.dims)) return;
  throw invalid(path, `shape ${shapeText(info.dims)}`, `shape ${shapeText(dims)}`);
}

/** True for a shape that fits a declared one: sizes with a name are free. */
export function fitsDims(dims: readonly number[], declared: readonly Dim[]): boolean {
  return dims.length === declared.length && declared.every((dim, i) => typeof dim === 'string' || dim === dims[i]);
}

export function shapeText(dims: readonly Dim[]): string {
  return `[${dims.map((dim) => (dim === '' ? '*' : dim)).join(', ')}]`;
}

export function invalid(path: string, expected: string, got: string): MlopsError {
  return new MlopsError('invalid_input', `${path}: expected ${expected}, got ${got}`, {
    data: { path, expected, got },
  });
}

/** Walks nested lists and stores the values, so that a message can name the place of a wrong one. */
class Filler {
  readonly #dtype: Dtype;
  readonly #data: TensorData;
  readonly #path: string;
  #at = 0;

  constructor(dtype: Dtype, data: TensorData, path: string) {
    this.#dtype = dtype;
    this.#data = data;
    this.#path = path;
  }

  fill(value: Json, dims: readonly number[], level: number, place: number[]): void {
    if (level === dims.length) {
      this.#one(value, place);
      return;
    }
    const size = dims[level] ?? 0;
    if (!Array.isArray(value) || value.length !== size) {
      const got = Array.isArray(value) ? `${value.length} values` : describe(value);
      throw invalid(this.#where(place), `a list of ${size} values`, got);
    }
    if (level === dims.length - 1) this.#row(value, place);
    else
      for (let i = 0; i < size; i++) {
        place.push(i);
        this.fill(value[i] ?? null, dims, level + 1, place);
        place.pop();
      }
  }

  /** The innermost lists, the hot loop: floats without a call per value. */
  #row(values: readonly Json[], place: number[]): void {
    const data = this.#data;
    if (this.#dtype === 'float32' || this.#dtype === 'float64') {
      const floats = data as Float64Array;
      // By index: an iterator over entries makes garbage for every value.
      for (let i = 0; i < values.length; i++) {
        const value = values[i];
        if (typeof value === 'number') floats[this.#at++] = value;
        else this.#one(value ?? null, place, i);
      }
      return;
    }
    for (let i = 0; i < values.length; i++) this.#one(values[i] ?? null, place, i);
  }

  #one(value: Json, place: readonly number[], last?: number): void {
    const stored = convert(value, this.#dtype);
    if (stored === undefined) {
      const where = this.#where(last === undefined ? place : [...place, last]);
      // The runtime takes text only up to a NUL.
      if (typeof value === 'string' && this.#dtype === 'string') {
        throw invalid(where, 'a string without NUL characters', showJson(value));
      }
      throw invalid(where, expectation(this.#dtype), describe(value));
    }
    (this.#data as unknown[])[this.#at++] = stored;
  }

  #where(place: readonly number[]): string {
    return this.#path + place.map((i) => `[${i}]`).join('');
  }
}

const specialFloats: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  nan: Number.NaN,
  Infinity: Infinity,
  '+Infinity': Infinity,
  '-Infinity': -Infinity,
  inf: Infinity,
  '-inf': -Infinity,
};

/** A JSON value as the element that the dtype stores, or undefined when it does not fit. */
function convert(value: Json, dtype: Dtype): number | bigint | string | undefined {
  const facts = dtypes[dtype];
  switch (facts.kind) {
    case 'float': {
      const number = floatOf(value);
      if (number === undefined) return undefined;
      return dtype === 'float16' ? numberToHalf(number) : number;
    }
    case 'int':
      if (typeof value !== 'number' || !Number.isInteger(value)) return undefined;
      return value >= facts.min && value <= facts.max ? value : undefined;
    case 'bigint': {
      if (typeof value === 'number' && Number.isInteger(value)) return inRange(BigInt(value), facts.min, facts.max);
      return typeof value === 'bigint' ? inRange(value, facts.min, facts.max) : undefined;
    }
    case 'bool':
      return typeof value === 'boolean' ? Number(value) : undefined;
    case 'string':
      return typeof value === 'string' && !value.includes('\0') ? value : undefined;
  }
}

function floatOf(value: Json): number | undefined {
  if (typeof value === 'number') return value;
  if (value === null) return Number.NaN;
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'string' ? specialFloats[value] : undefined;
}

function inRange(value: bigint, min: number | bigint, max: number | bigint): bigint | undefined {
  return value >= min && value <= max ? value : undefined;
}

function expectation(dtype: Dtype): string {
  const { kind, min, max } = dtypes[dtype];
  if (kind === 'float') return `a number (${dtype})`;
  if (kind === 'bool') return 'true or false';
  if (kind === 'string') return 'a string';
  return `a whole number from ${min} to ${max} (${dtype})`;
}

function describe(value: Json): string {
  if (Array.isArray(value)) return `a list of ${value.length} values`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return showJson(value);
}

/** A tensor as JSON text: nested lists, shortest digits, NaN and infinities as null, 64-bit integers exact. */
export function tensorToJson(tensor: Tensor): string {
  const { dims } = tensor;
  const texts = elementTexts(tensor);
  if (dims.length === 0) return texts(0, 1);
  if (dims.length === 1) return `[${texts(0, tensor.data.length)}]`;
  return nest(dims, 0, 0, elementCount(dims.slice(1)), texts);
}

/** The same values as one flat list. */
export function tensorToFlatJson(tensor: Tensor): string {
  return `[${elementTexts(tensor)(0, tensor.data.length)}]`;
}

function nest(
  dims: readonly number[],
  level: number,
  start: number,
  stride: number,
  texts: (from: number, to: number) => string,
): string {
  const size = dims[level] ?? 0;
  if (level === dims.length - 1) return `[${texts(start, start + size)}]`;
  const inner = dims[level + 1] ?? 1;
  let text = '[';
  for (let i = 0; i < size; i++) {
    if (i > 0) text += ',';
    text += nest(dims, level + 1, start + i * stride, inner === 0 ? 0 : stride / inner, texts);
  }
  return `${text}]`;
}

/** Joins elements `from..to` with commas. */
export function elementTexts({ dtype, data }: Tensor): (from: number, to: number) => string {
  if (Array.isArray(data)) return (from, to) => join(from, to, (i) => JSON.stringify(data[i]));
  if (dtype === 'float32') {
    const floats = data as Float32Array;
    return (from, to) => float32Texts(floats, from, to);
  }
  if (dtype === 'float64') return (from, to) => joinFloats(from, to, data as Float64Array, same);
  if (dtype === 'float16') return (from, to) => joinFloats(from, to, data as Uint16Array, halfToNumber);
  if (dtype === 'bool') return (from, to) => join(from, to, (i) => (data[i] === 0 ? 'false' : 'true'));
  return (from, to) => join(from, to, (i) => String(data[i]));
}

function same(value: number): number {
  return value;
}

function joinFloats(
  from: number,
  to: number,
  data: Float64Array | Uint16Array,
  decode: (value: number) => number,
): string {
  let text = '';
  for (let i = from; i < to; i++) {
    const value = decode(data[i] ?? 0);
    if (i > from) text += ',';
    if (Number.isFinite(value)) text += Object.is(value, -0) ? '-0.0' : value;
    else text += 'null';
  }
  return text;
}

function join(from: number, to: number, textOf: (index: number) => string): string {
  let text = '';
  for (let i = from; i < to; i++) text += i > from ? `,${textOf(i)}` : textOf(i);
  return text;
}
