import { bytesField, fields, fieldsOf, protobufText, varintField, type Field } from '../base/index.ts';
import { readOnnx } from './onnx.ts';

/**
 * Replaces every ZipMap node by Identity and its output, a sequence of maps that onnxruntime-node cannot
 * return, by a float tensor [N, classes] of the same name. skl2onnx puts a ZipMap at the end of every
 * classifier unless told otherwise. The class names stay readable with `readOnnx(original).classes`.
 * Returns the bytes unchanged when there is no ZipMap.
 *
 * @throws MlopsError `model_broken` when the bytes are no ONNX model.
 */
export function rewriteZipMap(bytes: Uint8Array, where: string): Uint8Array {
  const model = readOnnx(bytes, where);
  if (!model.hasZipMap) return bytes;
  const parts: Uint8Array[] = [];
  for (const field of fields(bytes)) {
    parts.push(field.number === 7 ? bytesField(7, rewriteGraph(bytes, field, model.classes)) : raw(bytes, field));
  }
  return Buffer.concat(parts);
}

function raw(bytes: Uint8Array, field: Field): Uint8Array {
  return bytes.subarray(field.from, field.end);
}

function rewriteGraph(
  bytes: Uint8Array,
  graph: Field,
  classes: ReadonlyMap<string, readonly (string | bigint)[]>,
): Uint8Array {
  const zipped = new Set<string>();
  const parts: Uint8Array[] = [];
  const outputs: Field[] = [];
  for (const field of fieldsOf(bytes, graph)) {
    if (field.number === 12) outputs.push(field);
    else if (field.number === 1) parts.push(rewriteNode(bytes, field, zipped));
    else parts.push(raw(bytes, field));
  }
  for (const field of outputs) {
    const name = nameOf(bytes, field);
    const rewritten = zipped.has(name)
      ? bytesField(12, floatMatrix(name, classes.get(name)?.length))
      : raw(bytes, field);
    parts.push(rewritten);
  }
  return Buffer.concat(parts);
}

function nameOf(bytes: Uint8Array, value: Field): string {
  for (const field of fieldsOf(bytes, value)) if (field.number === 1) return protobufText(bytes, field);
  return '';
}

function rewriteNode(bytes: Uint8Array, node: Field, zipped: Set<string>): Uint8Array {
  const inner = [...fieldsOf(bytes, node)];
  const operator = inner.find((field) => field.number === 4);
  if (operator === undefined || protobufText(bytes, operator) !== 'ZipMap') return raw(bytes, node);
  for (const field of inner) if (field.number === 2) zipped.add(protobufText(bytes, field));
  const kept = inner.filter((field) => field.number >= 1 && field.number <= 3).map((field) => raw(bytes, field));
  return bytesField(1, Buffer.concat([...kept, bytesField(4, 'Identity')]));
}

/** A ValueInfoProto: float tensor [N, classes]. */
function floatMatrix(name: string, classes: number | undefined): Uint8Array {
  const rows = bytesField(1, bytesField(2, 'N'));
  const columns = bytesField(1, classes === undefined ? new Uint8Array() : varintField(1, classes));
  const tensor = Buffer.concat([varintField(1, 1), bytesField(2, Buffer.concat([rows, columns]))]);
  return Buffer.concat([bytesField(1, name), bytesField(2, bytesField(1, tensor))]);
}
