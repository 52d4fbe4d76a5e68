import type { Dtype } from '../../model/index.ts';

/** Values of a tensor in row-major order. float16 as its bits, bool as 0 and 1, 64-bit integers as bigint. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | string[];

/** Texts behind each other in UTF-16, with the length of each. */
export interface PackedTexts {
  readonly text: Uint16Array;
  readonly lengths: Uint32Array;
}

export interface Tensor {
  readonly dtype: Dtype;
  readonly dims: readonly number[];
  readonly data: TensorData;
  /** In place of `data`, on the way between threads that read and run; nothing else may look at such a tensor. */
  readonly packed?: PackedTexts;
}

export type Tensors = Readonly<Record<string, Tensor>>;

/** An empty record of tensors, in which no name means anything yet: models may have inputs called `__proto__`. */
export function noTensors(): Record<string, Tensor> {
  return Object.create(null) as Record<string, Tensor>;
}

/** What we know of an element type: how it is stored and what JSON values fit it. */
export interface DtypeFacts {
  /** Bytes of an element in binary protocols; 0 for strings. */
  readonly size: number;
  /** Name in the Open Inference Protocol. */
  readonly v2: string;
  readonly kind: 'float' | 'int' | 'bigint' | 'bool' | 'string';
  readonly min: number | bigint;
  readonly max: number | bigint;
}

export const dtypes: Readonly<Record<Dtype, DtypeFacts>> = {
  float32: { size: 4, v2: 'FP32', kind: 'float', min: -Infinity, max: Infinity },
  float64: { size: 8, v2: 'FP64', kind: 'float', min: -Infinity, max: Infinity },
  float16: { size: 2, v2: 'FP16', kind: 'float', min: -Infinity, max: Infinity },
  int8: { size: 1, v2: 'INT8', kind: 'int', min: -128, max: 127 },
  int16: { size: 2, v2: 'INT16', kind: 'int', min: -32768, max: 32767 },
  int32: { size: 4, v2: 'INT32', kind: 'int', min: -2147483648, max: 2147483647 },
  int64: { size: 8, v2: 'INT64', kind: 'bigint', min: -(2n ** 63n), max: 2n ** 63n - 1n },
  uint8: { size: 1, v2: 'UINT8', kind: 'int', min: 0, max: 255 },
  uint16: { size: 2, v2: 'UINT16', kind: 'int', min: 0, max: 65535 },
  uint32: { size: 4, v2: 'UINT32', kind: 'int', min: 0, max: 4294967295 },
  uint64: { size: 8, v2: 'UINT64', kind: 'bigint', min: 0n, max: 2n ** 64n - 1n },
  bool: { size: 1, v2: 'BOOL', kind: 'bool', min: 0, max: 1 },
  string: { size: 0, v2: 'BYTES', kind: 'string', min: 0, max: 0 },
};

export const dtypeByV2: ReadonlyMap<string, Dtype> = new Map(
  Object.entries(dtypes).map(([dtype, facts]) => [facts.v2, dtype as Dtype]),
);

/** An array of the right kind for `count` elements, all zero or empty. */
export function allocate(dtype: Dtype, count: number): TensorData {
  switch (dtype) {
    case 'float32':
      return new Float32Array(count);
    case 'float64':
      return new Float64Array(count);
    case 'float16':
    case 'uint16':
      return new Uint16Array(count);
    case 'int8':
      return new Int8Array(count);
    case 'int16':
      return new Int16Array(count);
    case 'int32':
      return new Int32Array(count);
    case 'int64':
      return new BigInt64Array(count);
    case 'uint8':
    case 'bool':
      return new Uint8Array(count);
    case 'uint32':
      return new Uint32Array(count);
    case 'uint64':
      return new BigUint64Array(count);
    case 'string':
      return Array.from({ length: count }, () => '');
  }
}

export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}

/** Rows `from..to` of the first dimension, sharing memory where that is possible. */
export function sliceRows(tensor: Tensor, from: number, to: number): Tensor {
  const [rows = 0, ...rest] = tensor.dims;
  const width = rows === 0 ? 0 : tensor.data.length / rows;
  const { data } = tensor;
  const part = Array.isArray(data) ? data.slice(from * width, to * width) : data.subarray(from * width, to * width);
  return { dtype: tensor.dtype, dims: [to - from, ...rest], data: part };
}

/** Tensors of equal shape but for the first dimension, one below the other. */
export function concatRows(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors;
  if (first === undefined) throw new Error('concatRows needs a tensor');
  const rows = tensors.reduce((sum, tensor) => sum + (tensor.dims[0] ?? 0), 0);
  const dims = [rows, ...first.dims.slice(1)];
  if (first.dtype === 'string') {
    return { dtype: 'string', dims, data: tensors.flatMap((tensor) => tensor.data as string[]) };
  }
  const data = allocate(first.dtype, elementCount(dims)) as Uint8Array;
  let at = 0;
  for (const tensor of tensors) {
    data.set(tensor.data as Uint8Array, at);
    at += tensor.data.length;
  }
  return { dtype: first.dtype, dims, data };
}

const float32 = new Float32Array(1);

/** IEEE 754 half precision to a number; exact. */
export function halfToNumber(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The numbers of a tensor in single or double precision. */
export function asFloats(tensor: Tensor, dtype: 'float32' | 'float64' = 'float32'): Tensor {
  if (tensor.dtype === dtype) return tensor;
  const decode = tensor.dtype === 'float16' ? halfToNumber : Number;
  const values = tensor.data as ArrayLike<number>;
  const data = dtype === 'float32' ? Float32Array.from(values, decode) : Float64Array.from(values, decode);
  return { dtype, dims: tensor.dims, data };
}

/** Half precision in single; what is no half stays. */
export function withoutHalf(tensor: Tensor): Tensor {
  return tensor.dtype === 'float16' ? asFloats(tensor) : tensor;
}

/** A number to the nearest half-precision value, ties to even, as numpy rounds. */
export function numberToHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundHalfEven(magnitude * 2 ** 24);
  const exponent = Math.floor(Math.log2(magnitude));
  // log2 may be off by one next to a power of two.
  const power = 2 ** exponent > magnitude ? exponent - 1 : 2 ** (exponent + 1) <= magnitude ? exponent + 1 : exponent;
  const fraction = roundHalfEven((magnitude / 2 ** power - 1) * 1024);
  return sign | (((power + 15) << 10) + fraction);
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest > 0.5 || (rest === 0.5 && floor % 2 === 1)) return floor + 1;
  return floor;
}

/**
 * The number with the fewest digits that is `value` in float32: JSON then holds `0.1`, not `0.10000000149011612`.
 * Most values need seven to nine digits; the rest keep all of theirs.
 */
export function shortFloat32(value: number): number {
  const magnitude = Math.abs(value);
  if (magnitude >= 1e7 || magnitude < 1e-5) return magnitude === 0 ? value : slowShort(value);
  let scale = 1e7;
  if (magnitude >= 1) scale = magnitude >= 1000 ? 1e3 : magnitude >= 100 ? 1e4 : magnitude >= 10 ? 1e5 : 1e6;
  else if (magnitude < 0.1) scale = magnitude >= 0.01 ? 1e8 : 1e9;
  for (let tries = 0; tries < 3; tries++, scale *= 10) {
    const rounded = Math.round(value * scale) / scale;
    float32[0] = rounded;
    if (float32[0] === value) return rounded;
  }
  return value;
}

function slowShort(value: number): number {
  if (!Number.isFinite(value)) return value;
  for (let digits = 6; digits <= 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return rounded;
  }
  return value;
}
