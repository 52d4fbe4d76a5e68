import { bigsOf, bytesField, fields, fieldsOf, protobufText, type Field } from '../base/index.ts';
import type { OnnxModel } from './onnx.ts';
import type { TensorInfo } from './tensor-types.ts';

/** The value that an optional input has when it is not given. */
export interface DefaultValue {
  readonly dims: readonly number[];
  /** Little endian, as in memory. */
  readonly raw: Uint8Array | undefined;
  readonly values: readonly (number | bigint | string)[];
}

/** More of them, or larger ones, are no parameters: older exporters list all weights as inputs. */
const mostInputs = 8;
const mostValues = 4_096;

/** Inputs with an initializer that a request may give. Before IR version 4 they were constants (onnx/docs/IR.md). */
export function optionalInputs(model: OnnxModel): TensorInfo[] {
  if (model.irVersion < 4 || model.optional.length > mostInputs) return [];
  return model.optional.flatMap(({ name, dtype, dims }) => {
    const count = (dims ?? []).reduce<number>((all, size) => all * (typeof size === 'number' ? size : 1), 1);
    return dtype === undefined || dims === undefined || count > mostValues ? [] : [{ name, dtype, dims }];
  });
}

/**
 * Takes the initializers of inputs away, so that they must be given: onnxruntime-node does not pass on what has one.
 * Returns the model and the values that were there; an input whose value is kept in another file stays as it is.
 */
export function openOptionalInputs(
  bytes: Uint8Array,
  names: ReadonlySet<string>,
): { bytes: Uint8Array; defaults: ReadonlyMap<string, DefaultValue> } {
  const defaults = new Map<string, DefaultValue>();
  const parts: Uint8Array[] = [];
  for (const field of fields(bytes)) {
    if (field.number !== 7) {
      parts.push(bytes.subarray(field.from, field.end));
      continue;
    }
    const kept: Uint8Array[] = [];
    for (const inner of fieldsOf(bytes, field)) {
      const initializer = inner.number === 5 ? readInitializer(bytes, inner) : undefined;
      if (initializer !== undefined && names.has(initializer.name) && initializer.value !== undefined) {
        defaults.set(initializer.name, initializer.value);
      } else kept.push(bytes.subarray(inner.from, inner.end));
    }
    parts.push(bytesField(7, Buffer.concat(kept)));
  }
  return { bytes: Buffer.concat(parts), defaults };
}

function readInitializer(bytes: Uint8Array, field: Field): { name: string; value: DefaultValue | undefined } {
  let name = '';
  let external = false;
  let raw: Uint8Array | undefined;
  const dims: number[] = [];
  const lists: Field[] = [];
  for (const inner of fieldsOf(bytes, field)) {
    if (inner.number === 1) dims.push(...bigsOf(bytes, inner).map(Number));
    else if (inner.number === 8) name = protobufText(bytes, inner);
    else if (inner.number === 9) raw = bytes.slice(inner.start, inner.end);
    else if (inner.number === 13) external = true;
    else if ([4, 5, 6, 7, 10, 11].includes(inner.number)) lists.push(inner);
  }
  const large = raw === undefined && lists.length > mostValues;
  if (external || large) return { name, value: undefined };
  return { name, value: { dims, raw, values: lists.flatMap((list) => listed(bytes, list)) } };
}

/** `float_data`, `int32_data`, `string_data`, `int64_data`, `double_data` or `uint64_data` of a TensorProto. */
function listed(bytes: Uint8Array, field: Field): readonly (number | bigint | string)[] {
  if (field.number === 6) return [protobufText(bytes, field)];
  if (field.number === 4 || field.number === 10) {
    const width = field.number === 4 ? 4 : 8;
    const view = new DataView(bytes.buffer, bytes.byteOffset + field.start, field.end - field.start);
    return Array.from({ length: Math.floor(view.byteLength / width) }, (_, i) =>
      width === 4 ? view.getFloat32(i * 4, true) : view.getFloat64(i * 8, true),
    );
  }
  const big = bigsOf(bytes, field);
  return field.number === 5 ? big.map(Number) : big;
}
