/**
 * Small ONNX models for tests and benches, written by hand: an encoder for the few messages of onnx.proto
 * that they need. Independent of the reader in `src/model`, so that one checks the other.
 */

/** Element types by onnx.proto's numbers. */
export const onnxTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
} as const;

export type OnnxTypeName = keyof typeof onnxTypes;

export interface Port {
  readonly name: string;
  readonly type: OnnxTypeName;
  /** Numbers are fixed, strings free; undefined leaves the shape out. */
  readonly shape?: readonly (number | string)[];
}

export interface Attribute {
  readonly name: string;
  readonly int?: number;
  readonly float?: number;
  readonly text?: string;
  readonly ints?: readonly number[];
  readonly floats?: readonly number[];
  readonly texts?: readonly string[];
}

export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly domain?: string;
  readonly attributes?: readonly Attribute[];
}

export interface Weights {
  readonly name: string;
  readonly type: OnnxTypeName;
  readonly shape: readonly number[];
  readonly raw: Uint8Array;
  /** Set to keep the bytes in that file instead. */
  readonly external?: string;
}

export interface ModelParts {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly nodes: readonly Node[];
  readonly weights?: readonly Weights[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly opset?: number;
  readonly mlOpset?: number;
  readonly producer?: string;
  /** Encoded ValueInfoProto to use instead of `outputs`. */
  readonly rawOutputs?: readonly Uint8Array[];
}

export function buildOnnx(parts: ModelParts): Uint8Array {
  const graph = join(
    ...parts.nodes.map((node) => message(1, encodeNode(node))),
    text(2, 'graph'),
    ...(parts.weights ?? []).map((weights) => message(5, encodeWeights(weights))),
    ...parts.inputs.map((port) => message(11, valueInfo(port))),
    ...(parts.rawOutputs ?? parts.outputs.map(valueInfo)).map((value) => message(12, value)),
  );
  const opsets = [message(8, join(text(1, ''), int(2, parts.opset ?? 17)))];
  if (parts.mlOpset !== undefined) opsets.push(message(8, join(text(1, 'ai.onnx.ml'), int(2, parts.mlOpset))));
  const metadata = Object.entries(parts.metadata ?? {}).map(([key, value]) =>
    message(14, join(text(1, key), text(2, value))),
  );
  return join(int(1, 8), text(2, parts.producer ?? 'tests'), message(7, graph), ...opsets, ...metadata);
}

/** y = x W + b with float32 weights: [N, inputs] to [N, outputs]. `weight(i, o)` gives W, `bias(o)` gives b. */
export function linearModel(
  inputs: number,
  outputs: number,
  weight: (input: number, output: number) => number = (i, o) => ((i * 7 + o * 3) % 11) / 10 - 0.5,
  bias: (output: number) => number = (o) => o / 10,
): Uint8Array {
  const w = Float32Array.from({ length: inputs * outputs }, (_, k) => weight(Math.floor(k / outputs), k % outputs));
  const b = Float32Array.from({ length: outputs }, (_, o) => bias(o));
  return buildOnnx({
    inputs: [{ name: 'x', type: 'float32', shape: ['N', inputs] }],
    outputs: [{ name: 'y', type: 'float32', shape: ['N', outputs] }],
    nodes: [{ op: 'Gemm', inputs: ['x', 'w', 'b'], outputs: ['y'] }],
    weights: [
      { name: 'w', type: 'float32', shape: [inputs, outputs], raw: new Uint8Array(w.buffer) },
      { name: 'b', type: 'float32', shape: [outputs], raw: new Uint8Array(b.buffer) },
    ],
  });
}

/** y = x, of one type. */
export function identityModel(type: OnnxTypeName, shape: readonly (number | string)[] = ['N']): Uint8Array {
  return buildOnnx({
    inputs: [{ name: 'x', type, shape }],
    outputs: [{ name: 'y', type, shape }],
    nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
  });
}

/** A classifier as skl2onnx writes it: LinearClassifier and ZipMap; class names as given. */
export function zipMapModel(features: number, classes: readonly string[]): Uint8Array {
  const coefficients = classes.flatMap((_, c) => Array.from({ length: features }, (_, f) => ((c + f) % 3) - 1));
  const map = join(int(1, 8), message(2, message(1, int(1, 1))));
  return buildOnnx({
    inputs: [{ name: 'X', type: 'float32', shape: ['', features] }],
    outputs: [],
    rawOutputs: [
      valueInfo({ name: 'output_label', type: 'string', shape: [''] }),
      join(text(1, 'output_probability'), message(2, message(4, message(1, message(5, map))))),
    ],
    nodes: [
      {
        op: 'LinearClassifier',
        domain: 'ai.onnx.ml',
        inputs: ['X'],
        outputs: ['output_label', 'scores'],
        attributes: [
          { name: 'classlabels_strings', texts: classes },
          { name: 'coefficients', floats: coefficients },
          { name: 'intercepts', floats: classes.map((_, c) => c / 10) },
          { name: 'post_transform', text: 'SOFTMAX' },
        ],
      },
      {
        op: 'ZipMap',
        domain: 'ai.onnx.ml',
        inputs: ['scores'],
        outputs: ['output_probability'],
        attributes: [{ name: 'classlabels_strings', texts: classes }],
      },
    ],
    mlOpset: 1,
    opset: 15,
  });
}

function encodeNode(node: Node): Uint8Array {
  return join(
    ...node.inputs.map((name) => text(1, name)),
    ...node.outputs.map((name) => text(2, name)),
    text(4, node.op),
    ...(node.attributes ?? []).map((attribute) => message(5, encodeAttribute(attribute))),
    ...(node.domain === undefined ? [] : [text(7, node.domain)]),
  );
}

function encodeAttribute(attribute: Attribute): Uint8Array {
  const parts = [text(1, attribute.name)];
  if (attribute.float !== undefined) parts.push(float(2, attribute.float), int(20, 1));
  if (attribute.int !== undefined) parts.push(int(3, attribute.int), int(20, 2));
  if (attribute.text !== undefined) parts.push(text(4, attribute.text), int(20, 3));
  if (attribute.floats !== undefined) parts.push(...attribute.floats.map((value) => float(7, value)), int(20, 6));
  if (attribute.ints !== undefined) parts.push(...attribute.ints.map((value) => int(8, value)), int(20, 7));
  if (attribute.texts !== undefined) parts.push(...attribute.texts.map((value) => text(9, value)), int(20, 8));
  return join(...parts);
}

function encodeWeights(weights: Weights): Uint8Array {
  const head = join(
    ...weights.shape.map((size) => int(1, size)),
    int(2, onnxTypes[weights.type]),
    text(8, weights.name),
  );
  if (weights.external === undefined) return join(head, message(9, weights.raw));
  const entry = (key: string, value: string) => message(13, join(text(1, key), text(2, value)));
  return join(head, entry('location', weights.external), entry('length', String(weights.raw.length)), int(14, 1));
}

function valueInfo(port: Port): Uint8Array {
  const dims = (port.shape ?? []).map((size) => message(1, typeof size === 'number' ? int(1, size) : text(2, size)));
  const shape = port.shape === undefined ? [] : [message(2, join(...dims))];
  return join(text(1, port.name), message(2, message(1, join(int(1, onnxTypes[port.type]), ...shape))));
}

function int(field: number, value: number): Uint8Array {
  return join(varint(field * 8), varint(value));
}

function float(field: number, value: number): Uint8Array {
  return join(varint(field * 8 + 5), new Uint8Array(Float32Array.of(value).buffer));
}

function text(field: number, value: string): Uint8Array {
  return message(field, Buffer.from(value));
}

function message(field: number, content: Uint8Array): Uint8Array {
  return join(varint(field * 8 + 2), varint(content.length), content);
}

function varint(value: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
