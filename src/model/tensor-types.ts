/** Element types that onnxruntime-node takes and gives on the CPU. */
export type Dtype =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool'
  | 'string';

/** Sizes of an input or output: a fixed size, or the name of a free one ('' where it has none). */
export type Dim = number | string;

/** A tensor that goes into or comes out of a servable model. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  /** undefined: any rank. */
  readonly dims: readonly Dim[] | undefined;
}

/** `TensorProto.DataType` of onnx.proto by number; the ones without `dtype` cannot be served. */
const elementTypes: Readonly<Record<number, readonly [onnx: string, dtype: Dtype | undefined]>> = {
  1: ['float', 'float32'],
  2: ['uint8', 'uint8'],
  3: ['int8', 'int8'],
  4: ['uint16', 'uint16'],
  5: ['int16', 'int16'],
  6: ['int32', 'int32'],
  7: ['int64', 'int64'],
  8: ['string', 'string'],
  9: ['bool', 'bool'],
  10: ['float16', 'float16'],
  11: ['double', 'float64'],
  12: ['uint32', 'uint32'],
  13: ['uint64', 'uint64'],
  14: ['complex64', undefined],
  15: ['complex128', undefined],
  16: ['bfloat16', undefined],
  17: ['float8e4m3fn', undefined],
  18: ['float8e4m3fnuz', undefined],
  19: ['float8e5m2', undefined],
  20: ['float8e5m2fnuz', undefined],
  21: ['uint4', undefined],
  22: ['int4', undefined],
  23: ['float4e2m1', undefined],
  24: ['float8e8m0', undefined],
  25: ['uint2', undefined],
  26: ['int2', undefined],
};

/** ONNX's own word for an element type: `float`, `double`, `bfloat16`. */
export function elementTypeName(elementType: number): string {
  return elementTypes[elementType]?.[0] ?? `type ${elementType}`;
}

export function dtypeOf(elementType: number): Dtype | undefined {
  return elementTypes[elementType]?.[1];
}

/** True for a type that can be served; onnxruntime-node uses the same words. */
export function isDtype(word: string): word is Dtype {
  return Object.values(elementTypes).some(([, dtype]) => dtype === word);
}

/** numpy's name of a dtype, as MLflow writes it into tensor specs. */
export function numpyName(dtype: Dtype): string {
  return dtype === 'string' ? 'str' : dtype;
}

/** The shape as MLflow and the v2 protocol write it: -1 where a size is free. */
export function wireShape(dims: readonly Dim[] | undefined): number[] {
  return dims === undefined ? [-1] : dims.map((dim) => (typeof dim === 'number' ? dim : -1));
}
