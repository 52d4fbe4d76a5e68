// Writes ONNX files (https://onnx.ai/onnx/repo-docs/IR.html). An ONNX file is one protobuf message, and writing protobuf
// takes very little: a message is a list of fields, a field is its number and its content. The numbers below are those
// of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.

const IR_VERSION = 8; // with operator set 13: read by ONNX Runtime 1.10 (2021) and later
const OPSET = 13;

export const FLOAT = 1;
export const INT64 = 7;

/**
 * A whole model as bytes.
 * `graph` has a name, nodes, initializers (constants), inputs and outputs, made with the functions below.
 * `metadata` is an object of strings that travels with the model.
 */
export function encodeModel({ producer, description, metadata, graph }) {
  return message([
    [1, IR_VERSION],
    [2, producer],
    [6, description],
    [7, encodeGraph(graph)],
    [8, message([[2, OPSET]])],
    ...Object.entries(metadata).map((entry) => [14, encodeEntry(entry)]),
  ]);
}

/** A step of the computation: an operator, the names of the values it reads and those it makes. */
export function node(operator, inputs, outputs, attributes = {}) {
  return message([
    ...inputs.map((name) => [1, name]),
    ...outputs.map((name) => [2, name]),
    [3, `${operator.toLowerCase()}_${outputs[0]}`],
    [4, operator],
    ...Object.entries(attributes).map(([name, value]) => [5, integerAttribute(name, value)]),
  ]);
}

/** A constant of 32-bit numbers. `shape` is [] for a single number, [rows, columns] for a matrix. */
export function constant(name, shape, values) {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeFloatLE(value, index * 4)); // ONNX is little-endian everywhere
  return message([...shape.map((size) => [1, size]), [2, FLOAT], [8, name], [9, bytes]]);
}

/** An input or output of the model. A string in `shape` stands for a size that is known only when the model runs. */
export function value(name, elementType, shape, description) {
  const dimensions = shape.map((size) => [1, message([typeof size === 'string' ? [2, size] : [1, size]])]);
  const tensor = message([
    [1, elementType],
    [2, message(dimensions)],
  ]);
  return message([
    [1, name],
    [2, message([[1, tensor]])],
    [3, description],
  ]);
}

function encodeGraph({ name, nodes, constants, inputs, outputs }) {
  return message([
    ...nodes.map((bytes) => [1, bytes]),
    [2, name],
    ...constants.map((bytes) => [5, bytes]),
    ...inputs.map((bytes) => [11, bytes]),
    ...outputs.map((bytes) => [12, bytes]),
  ]);
}

function encodeEntry([key, text]) {
  return message([
    [1, key],
    [2, text],
  ]);
}

function integerAttribute(name, value) {
  const INT = 2;
  return message([
    [1, name],
    [3, value],
    [20, INT],
  ]);
}

/** Fields [number, content] to bytes. A content is a whole number, a text, or bytes (also: a message inside). */
function message(fields) {
  return Buffer.concat(
    fields.map(([number, content]) => {
      if (typeof content === 'number') return Buffer.concat([varint(number * 8), varint(content)]);
      const bytes = Buffer.from(content);
      return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
    }),
  );
}

/** A whole number in groups of seven bits, lowest first; the eighth bit says that another group follows. */
function varint(number) {
  const bytes = [];
  for (; number > 127; number = Math.floor(number / 128)) bytes.push((number % 128) + 128);
  return Buffer.from([...bytes, number]);
}
