// Writes ONNX files (https://onnx.ai/onnx/repo-docs/IR.html). An ONNX file is one protobuf message, and writing protobuf
// takes very little: a message is a list of fields, a field is its number and its content. The numbers below are those
// of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.

const IR_VERSION = 9;
const OPSET = 20; // StringSplit; ONNX Runtime 1.17 (2024) and later

export const FLOAT = 1;
export const INT64 = 7;
export const STRING = 8;

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
    ...Object.entries(attributes).map(([name, value]) => [5, attribute(name, value)]),
  ]);
}

/** A constant: 32-bit numbers, whole numbers of 64 bits, or texts. `shape` is [] for a single value. */
export function constant(name, shape, values, type = FLOAT) {
  const sizes = shape.map((size) => [1, size]);
  if (type === STRING) return message([...sizes, [2, STRING], ...values.map((text) => [6, text]), [8, name]]);
  const width = type === INT64 ? 8 : 4;
  const bytes = Buffer.alloc(values.length * width); // ONNX is little-endian everywhere
  values.forEach((value, index) => {
    if (type === INT64) bytes.writeBigInt64LE(BigInt(value), index * width);
    else bytes.writeFloatLE(value, index * width);
  });
  return message([...sizes, [2, type], [8, name], [9, bytes]]);
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

/** A whole number, a text, a list of whole numbers, of texts, or of 32-bit numbers (a Float32Array). */
function attribute(name, value) {
  const [INT, TEXT, FLOATS, INTS, TEXTS] = [2, 3, 6, 7, 8];
  if (typeof value === 'number') return message([[1, name], [3, value], [20, INT]]);
  if (typeof value === 'string') return message([[1, name], [4, value], [20, TEXT]]);
  if (value instanceof Float32Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return message([[1, name], [7, bytes], [20, FLOATS]]);
  }
  const texts = typeof value[0] === 'string';
  return message([[1, name], ...value.map((item) => [texts ? 9 : 8, item]), [20, texts ? TEXTS : INTS]]);
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

/**
 * The steps of a network: from the value `input` to `output` (probabilities where its head is softmax). `prefix` keeps the
 * names of several networks of one graph apart.
 */
export function networkSteps({ head, layers }, input, output, prefix = '') {
  const nodes = [];
  const constants = [];
  let from = input;
  for (const [index, { inputs, outputs, weights, biases }] of layers.entries()) {
    const [w, b, sums] = ['weights', 'biases', 'sums'].map((word) => `${prefix}${word}_${index}`);
    constants.push(constant(w, [outputs, inputs], weights), constant(b, [outputs], biases));
    const last = index === layers.length - 1;
    const to = last && head !== 'softmax' ? output : sums;
    // Gemm is inputs x weights + biases; transB because our weights lie row by row for each output.
    nodes.push(node('Gemm', [from, w, b], [to], { transB: 1 }));
    if (!last) nodes.push(node('Relu', [sums], [(from = `${prefix}values_${index + 1}`)]));
    else if (head === 'softmax') nodes.push(node('Softmax', [sums], [output], { axis: 1 }));
  }
  return { nodes, constants };
}

/** A whole number in groups of seven bits, lowest first; the eighth bit says that another group follows. */
function varint(number) {
  const bytes = [];
  for (; number > 127; number = Math.floor(number / 128)) bytes.push((number % 128) + 128);
  return Buffer.from([...bytes, number]);
}
