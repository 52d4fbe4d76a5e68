import { bigsOf, fields, fieldsOf, intOf, protobufText, wire, type Field } from '../../base/index.ts';

/** A constant of a graph: its shape, and its values where they are few whole numbers. */
export interface GraphTensor {
  readonly dims: readonly number[];
  readonly ints: readonly number[] | undefined;
  /** Its values where they are a few float32. */
  readonly floats: readonly number[] | undefined;
}

export interface GraphAttribute {
  readonly int: number | undefined;
  readonly ints: readonly number[];
  readonly text: string | undefined;
  readonly texts: readonly string[];
  readonly tensor: GraphTensor | undefined;
  /** How many values a list has: floats, numbers or texts. */
  readonly length: number;
}

export interface GraphNode {
  readonly op: string;
  readonly domain: string;
  readonly name: string;
  /** '' stands for one that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, GraphAttribute>;
  /** Branches and loop bodies see names of the graph around them. */
  readonly hasSubgraph: boolean;
}

/** The nodes of a model's graph, which `readOnnx` skips. */
export interface OnnxNodes {
  readonly nodes: readonly GraphNode[];
  readonly constants: ReadonlyMap<string, GraphTensor>;
  /** Version of ONNX's own operators. */
  readonly opset: number;
}

/** No shape or list of axes is longer. */
const fewValues = 64;

/** @throws ProtobufError when the bytes are no ONNX model. */
export function readNodes(bytes: Uint8Array): OnnxNodes {
  const nodes: GraphNode[] = [];
  const constants = new Map<string, GraphTensor>();
  let opset = 1;
  for (const field of fields(bytes)) {
    if (field.number === 8) opset = ownOpset(bytes, field) ?? opset;
    if (field.number !== 7) continue;
    for (const inner of fieldsOf(bytes, field)) {
      if (inner.number === 1) nodes.push(readNode(bytes, inner));
      else if (inner.number === 5) {
        const { name, ...tensor } = readTensor(bytes, inner);
        constants.set(name, tensor);
      }
    }
  }
  return { nodes, constants, opset };
}

function ownOpset(bytes: Uint8Array, field: Field): number | undefined {
  let domain = '';
  let version = 1;
  for (const inner of fieldsOf(bytes, field)) {
    if (inner.number === 1) domain = protobufText(bytes, inner);
    else if (inner.number === 2) version = intOf(bytes, inner);
  }
  return domain === '' || domain === 'ai.onnx' ? version : undefined;
}

function readNode(bytes: Uint8Array, field: Field): GraphNode {
  const node = { op: '', domain: '', name: '', hasSubgraph: false };
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, GraphAttribute>();
  for (const inner of fieldsOf(bytes, field)) {
    if (inner.number === 1) inputs.push(protobufText(bytes, inner));
    else if (inner.number === 2) outputs.push(protobufText(bytes, inner));
    else if (inner.number === 3) node.name = protobufText(bytes, inner);
    else if (inner.number === 4) node.op = protobufText(bytes, inner);
    else if (inner.number === 5) {
      const { name, subgraph, ...attribute } = readAttribute(bytes, inner);
      attributes.set(name, attribute);
      node.hasSubgraph ||= subgraph;
    } else if (inner.number === 7) node.domain = protobufText(bytes, inner);
  }
  return { ...node, inputs, outputs, attributes };
}

function readAttribute(bytes: Uint8Array, field: Field): GraphAttribute & { name: string; subgraph: boolean } {
  let name = '';
  let subgraph = false;
  let int: number | undefined;
  let text: string | undefined;
  let tensor: GraphTensor | undefined;
  let length = 0;
  const ints: number[] = [];
  const texts: string[] = [];
  for (const inner of fieldsOf(bytes, field)) {
    if (inner.number === 1) name = protobufText(bytes, inner);
    else if (inner.number === 3) int = intOf(bytes, inner);
    else if (inner.number === 4) text = protobufText(bytes, inner);
    else if (inner.number === 5) tensor = readTensor(bytes, inner);
    else if (inner.number === 6 || inner.number === 11) subgraph = true;
    else if (inner.number === 7) length += inner.wireType === wire.bytes ? (inner.end - inner.start) / 4 : 1;
    else if (inner.number === 8) {
      // A forest has hundreds of thousands, none of which says how rows lie.
      length += inner.wireType === wire.bytes ? countOf(bytes, inner) : 1;
      if (length <= fewValues) ints.push(...bigsOf(bytes, inner).map(Number));
    } else if (inner.number === 9) {
      length++;
      if (length <= fewValues) texts.push(protobufText(bytes, inner));
    }
  }
  return { name, subgraph, int, ints, text, texts, tensor, length };
}

/** How many varints a packed field holds: each has one byte without the mark of a following one. */
function countOf(bytes: Uint8Array, { start, end }: Field): number {
  let count = 0;
  for (let at = start; at < end; at++) if ((bytes[at] ?? 0) < 0x80) count++;
  return count;
}

const float32 = 1;
const int32 = 6;
const int64 = 7;

function readTensor(bytes: Uint8Array, field: Field): GraphTensor & { name: string } {
  let name = '';
  let type = 0;
  let raw: Field | undefined;
  const dims: number[] = [];
  const listed: number[] = [];
  let floats: number[] = [];
  for (const inner of fieldsOf(bytes, field)) {
    if (inner.number === 1) dims.push(...bigsOf(bytes, inner).map(Number));
    else if (inner.number === 2) type = intOf(bytes, inner);
    else if (inner.number === 8) name = protobufText(bytes, inner);
    else if (inner.number === 9) raw = inner;
    else if (inner.number === 4 && inner.end - inner.start <= 4 * fewValues) floats.push(...floatsOf(bytes, inner));
    else if ((inner.number === 5 || inner.number === 7) && inner.end - inner.start <= 10 * fewValues) {
      listed.push(...bigsOf(bytes, inner).map(Number));
    }
  }
  const count = dims.reduce((all, size) => all * size, 1);
  const none = { name, dims, ints: undefined, floats: undefined };
  if (count > fewValues) return none;
  if (type === float32) {
    if (raw !== undefined) floats = floatsOf(bytes, raw);
    return { ...none, floats: floats.length === count ? floats : undefined };
  }
  if (type !== int32 && type !== int64) return none;
  const ints = raw === undefined ? listed : rawInts(bytes, raw, type);
  return { ...none, ints: ints.length === count ? ints : undefined };
}

function floatsOf(bytes: Uint8Array, { start, end }: Field): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
  return Array.from({ length: Math.floor((end - start) / 4) }, (_, i) => view.getFloat32(i * 4, true));
}

/** Raw data is little endian. */
function rawInts(bytes: Uint8Array, { start, end }: Field, type: number): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
  const width = type === int32 ? 4 : 8;
  return Array.from({ length: Math.floor((end - start) / width) }, (_, i) =>
    type === int32 ? view.getInt32(i * 4, true) : Number(view.getBigInt64(i * 8, true)),
  );
}
