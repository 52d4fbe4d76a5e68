import { bytesField, fields, fieldsOf, protobufText, varintField, type Field } from '../base/index.ts';

/**
 * Gives every StringNormalizer node of the main graph another locale. scikit-learn's text vectorizers convert to
 * `en_US`, which slim containers do not have; `C.UTF-8`, which they have, folds case alike.
 */
export function rewriteLocale(bytes: Uint8Array, locale: string): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const field of fields(bytes)) {
    parts.push(field.number === 7 ? bytesField(7, rewriteGraph(bytes, field, locale)) : raw(bytes, field));
  }
  return Buffer.concat(parts);
}

function raw(bytes: Uint8Array, field: Field): Uint8Array {
  return bytes.subarray(field.from, field.end);
}

function rewriteGraph(bytes: Uint8Array, graph: Field, locale: string): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const field of fieldsOf(bytes, graph)) {
    parts.push(field.number === 1 ? rewriteNode(bytes, field, locale) : raw(bytes, field));
  }
  return Buffer.concat(parts);
}

function rewriteNode(bytes: Uint8Array, node: Field, locale: string): Uint8Array {
  const inner = [...fieldsOf(bytes, node)];
  const operator = inner.find((field) => field.number === 4);
  if (operator === undefined || protobufText(bytes, operator) !== 'StringNormalizer') return raw(bytes, node);
  const kept = inner.filter((field) => field.number !== 5 || attributeName(bytes, field) !== 'locale');
  // AttributeProto: name, string value, type STRING.
  const attribute = Buffer.concat([bytesField(1, 'locale'), bytesField(4, locale), varintField(20, 3)]);
  return bytesField(1, Buffer.concat([...kept.map((field) => raw(bytes, field)), bytesField(5, attribute)]));
}

function attributeName(bytes: Uint8Array, attribute: Field): string {
  for (const field of fieldsOf(bytes, attribute)) if (field.number === 1) return protobufText(bytes, field);
  return '';
}
