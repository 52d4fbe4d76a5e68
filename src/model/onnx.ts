import { MlopsError, fieldsOf, fields, intOf, bigsOf, ProtobufError, protobufText, type Field } from '../base/index.ts';
import { dtypeOf, elementTypeName, type Dim, type Dtype } from './tensor-types.ts';

/** A graph input or output of any type. Tensors have `dtype` and `dims`; `type` is ONNX's spelling of all. */
export interface OnnxValue {
  readonly name: string;
  /** `tensor(float)`, `sequence(map(int64,tensor(float)))`, `optional(tensor(int64))`, ... */
  readonly type: string;
  /** Set when this is a tensor of a type that onnxruntime-node handles. */
  readonly dtype: Dtype | undefined;
  /** undefined: any rank, or not a tensor. Names of free sizes may be ''. */
  readonly dims: readonly Dim[] | undefined;
  /** What an optional or a sequence holds. */
  readonly inner?: Omit<OnnxValue, 'name'>;
}

/** What the protobuf of a model says beside its weights. */
export interface OnnxModel {
  readonly irVersion: number;
  readonly producer: string;
  readonly producerVersion: string;
  readonly domain: string;
  readonly modelVersion: number;
  readonly docString: string;
  readonly opsets: readonly { readonly domain: string; readonly version: number }[];
  readonly metadata: ReadonlyMap<string, string>;
  readonly graphName: string;
  /** Inputs that a caller must give: those with an initializer are left out. */
  readonly inputs: readonly OnnxValue[];
  /** Inputs with an initializer. */
  readonly optional: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Relative paths of the files that hold external tensors, each once, in order of appearance. */
  readonly externalFiles: readonly string[];
  /** Class names by output name, as far as the graph's classifier or ZipMap nodes hold them. */
  readonly classes: ReadonlyMap<string, readonly (string | bigint)[]>;
  readonly hasZipMap: boolean;
}

interface Draft {
  irVersion: number;
  producer: string;
  producerVersion: string;
  domain: string;
  modelVersion: number;
  docString: string;
  opsets: { domain: string; version: number }[];
  metadata: Map<string, string>;
  graph: Graph | undefined;
}

interface Graph {
  name: string;
  inputs: OnnxValue[];
  outputs: OnnxValue[];
  initializers: Set<string>;
  external: Set<string>;
  classes: Map<string, readonly (string | bigint)[]>;
  zipMaps: number;
}

/**
 * Reads the header, the graph's edges and the names of external files of a serialised `ModelProto`
 * (onnx.proto of onnx 1.21). Weights are skipped, not copied.
 *
 * @param where the file, for the message.
 * @throws MlopsError `model_broken` when the bytes are no ONNX model.
 */
export function readOnnx(bytes: Uint8Array, where: string): OnnxModel {
  try {
    return finish(readModel(bytes), where);
  } catch (error) {
    if (error instanceof ProtobufError) throw brokenOnnx(where, error.message, error);
    if (error instanceof RangeError) throw brokenOnnx(where, 'its graph is nested too deeply', error);
    throw error;
  }
}

function finish(draft: Draft, where: string): OnnxModel {
  const { graph, ...header } = draft;
  if (graph === undefined) throw brokenOnnx(where, 'it holds no graph');
  if (graph.outputs.length === 0) throw brokenOnnx(where, 'its graph has no outputs');
  for (const file of graph.external) checkExternalPath(file, where);
  return {
    ...header,
    graphName: graph.name,
    inputs: graph.inputs.filter((input) => !graph.initializers.has(input.name)),
    optional: graph.inputs.filter((input) => graph.initializers.has(input.name)),
    outputs: graph.outputs,
    externalFiles: [...graph.external],
    classes: graph.classes,
    hasZipMap: graph.zipMaps > 0,
  };
}

function brokenOnnx(where: string, reason: string, cause?: unknown): MlopsError {
  return new MlopsError('model_broken', `'${where}' is not an ONNX model: ${reason}`, {
    hint: 'export the model again, or check that the file was downloaded whole (a Git LFS pointer is a small text file)',
    cause,
  });
}

/** A model must not make us read or copy files outside its own folder. */
function checkExternalPath(file: string, where: string): void {
  const parts = file.split(/[\\/]/);
  if (file !== '' && !/^([\\/]|[A-Za-z]:)/.test(file) && !parts.includes('..') && !file.includes('\0')) return;
  throw new MlopsError('model_broken', `'${where}' names external data outside its folder: '${file}'`, {
    hint: 'save the model again with its external data beside it',
  });
}

function readModel(bytes: Uint8Array): Draft {
  const draft: Draft = {
    irVersion: 0,
    producer: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0,
    docString: '',
    opsets: [],
    metadata: new Map(),
    graph: undefined,
  };
  for (const field of fields(bytes)) readModelField(bytes, field, draft);
  return draft;
}

function readModelField(bytes: Uint8Array, field: Field, draft: Draft): void {
  if (field.number === 1) draft.irVersion = intOf(bytes, field);
  else if (field.number === 2) draft.producer = protobufText(bytes, field);
  else if (field.number === 3) draft.producerVersion = protobufText(bytes, field);
  else if (field.number === 4) draft.domain = protobufText(bytes, field);
  else if (field.number === 5) draft.modelVersion = intOf(bytes, field);
  else if (field.number === 6) draft.docString = protobufText(bytes, field);
  else if (field.number === 7) draft.graph = readGraph(bytes, field, draft.graph);
  else if (field.number === 8) draft.opsets.push(readOpset(bytes, field));
  else if (field.number === 14) {
    const [key, value] = readEntry(bytes, field);
    draft.metadata.set(key, value);
  }
}

function readOpset(bytes: Uint8Array, field: Field): { domain: string; version: number } {
  let domain = '';
  let version = 0;
  for (const inner of fieldsOf(bytes, field)) {
    if (inner.number === 1) domain = protobufText(bytes, inner);
    else if (inner.number === 2) version = intOf(bytes, inner);
  }
  return { domain, version };
}

function readEntry(bytes: Uint8Array, field: Field): [string, string] {
  let key = '';
  let value = '';
  for (const inner of fieldsOf(bytes, field)) {
    if (inner.number === 1) key = protobufText(bytes, inner);
    else if (inner.number === 2) value = protobufText(bytes, inner);
  }
  return [key, value];
}

function emptyGraph(): Graph {
  return {
    name: '',
    inputs: [],
    outputs: [],
    initializers: new Set(),
    external: new Set(),
    classes: new Map(),
    zipMaps: 0,
  };
}

function readGraph(bytes: Uint8Array, field: Field, graph: Graph = emptyGraph()): Graph {
  for (const inner of fieldsOf(bytes, field)) {
    if (inner.number === 1) readNode(bytes, inner, graph);
    else if (inner.number === 2) graph.name = protobufText(bytes, inner);
    else if (inner.number === 5) readTensor(bytes, inner, graph);
    else if (inner.number === 11) graph.inputs.push(readValue(bytes, inner));
    else if (inner.number === 12) graph.outputs.push(readValue(bytes, inner));
    else if (inner.number === 15) readSparse(bytes, inner, graph);
  }
  return graph;
}

function readSparse(bytes: Uint8Array, field: Field, graph: Graph): void {
  for (const inner of fieldsOf(bytes, field)) {
    if (inner.number === 1 || inner.number === 2) readTensor(bytes, inner, graph);
  }
}

/** Notes an initializer's name and, when its data is external, the file that holds it. */
function readTensor(bytes: Uint8Array, field: Field, graph: Graph): void {
  for (const inner of fieldsOf(bytes, field)) {
    if (inner.number === 8) graph.initializers.add(protobufText(bytes, inner));
    else if (inner.number === 13) {
      const [key, value] = readEntry(bytes, inner);
      if (key === 'location') graph.external.add(value);
    }
  }
}

interface Attribute {
  name: string;
  ints: bigint[];
  strings: string[];
}

function readNode(bytes: Uint8Array, field: Field, graph: Graph): void {
  const outputs: string[] = [];
  let operator = '';
  const attributes: Attribute[] = [];
  for (const inner of fieldsOf(bytes, field)) {
    if (inner.number === 2) outputs.push(protobufText(bytes, inner));
    else if (inner.number === 4) operator = protobufText(bytes, inner);
    else if (inner.number === 5) attributes.push(readAttribute(bytes, inner, graph));
  }
  if (operator === 'ZipMap') graph.zipMaps++;
  const labels = attributes.find((a) => a.name.startsWith('classlabels_') && a.ints.length + a.strings.length > 0);
  if (labels === undefined) return;
  // A classifier has two outputs, the label and the scores: the class names describe the scores' columns.
  const scores = operator === 'ZipMap' ? outputs[0] : outputs[1];
  if (scores !== undefined) graph.classes.set(scores, labels.strings.length > 0 ? labels.strings : labels.ints);
}

function readAttribute(bytes: Uint8Array, field: Field, graph: Graph): Attribute {
  const attribute: Attribute = { name: '', ints: [], strings: [] };
  for (const inner of fieldsOf(bytes, field)) {
    if (inner.number === 1) attribute.name = protobufText(bytes, inner);
    else if (inner.number === 5) collectExternal(bytes, inner, graph);
    else if (inner.number === 6) collectSubgraph(bytes, inner, graph);
    else if (inner.number === 8 && attribute.name.startsWith('classlabels_')) {
      attribute.ints.push(...bigsOf(bytes, inner));
    } else if (inner.number === 9 && attribute.name.startsWith('classlabels_')) {
      attribute.strings.push(protobufText(bytes, inner));
    }
  }
  return attribute;
}

function collectExternal(bytes: Uint8Array, field: Field, graph: Graph): void {
  readTensor(bytes, field, { ...emptyGraph(), external: graph.external });
}

/** Branches and loop bodies: only their external files matter out here. */
function collectSubgraph(bytes: Uint8Array, field: Field, graph: Graph): void {
  readGraph(bytes, field, { ...emptyGraph(), external: graph.external });
}

function readValue(bytes: Uint8Array, field: Field): OnnxValue {
  let name = '';
  let type: ReadType = unknownType;
  for (const inner of fieldsOf(bytes, field)) {
    if (inner.number === 1) name = protobufText(bytes, inner);
    else if (inner.number === 2) type = readType(bytes, inner);
  }
  return { name, ...type };
}

type ReadType = Omit<OnnxValue, 'name'>;
const unknownType: ReadType = { type: 'unknown', dtype: undefined, dims: undefined };

function readType(bytes: Uint8Array, field: Field): ReadType {
  for (const inner of fieldsOf(bytes, field)) {
    if (inner.number === 1) return readTensorType(bytes, inner);
    if (inner.number === 4) return wrapped('sequence', bytes, inner);
    if (inner.number === 5) return readMapType(bytes, inner);
    if (inner.number === 8) return { ...readTensorType(bytes, inner), type: 'sparse_tensor', dtype: undefined };
    if (inner.number === 9) return wrapped('optional', bytes, inner);
  }
  return unknownType;
}

function wrapped(word: string, bytes: Uint8Array, field: Field): ReadType {
  for (const inner of fieldsOf(bytes, field)) {
    if (inner.number !== 1) continue;
    const held = readType(bytes, inner);
    return { ...unknownType, type: `${word}(${held.type})`, inner: held };
  }
  return { ...unknownType, type: word };
}

function readMapType(bytes: Uint8Array, field: Field): ReadType {
  let key = '';
  let value = '';
  for (const inner of fieldsOf(bytes, field)) {
    if (inner.number === 1) key = elementTypeName(intOf(bytes, inner));
    else if (inner.number === 2) value = readType(bytes, inner).type;
  }
  return { ...unknownType, type: `map(${key},${value})` };
}

function readTensorType(bytes: Uint8Array, field: Field): ReadType {
  let elementType = 0;
  let dims: Dim[] | undefined;
  for (const inner of fieldsOf(bytes, field)) {
    if (inner.number === 1) elementType = intOf(bytes, inner);
    else if (inner.number === 2) dims = readShape(bytes, inner);
  }
  return { type: `tensor(${elementTypeName(elementType)})`, dtype: dtypeOf(elementType), dims };
}

function readShape(bytes: Uint8Array, field: Field): Dim[] {
  const dims: Dim[] = [];
  for (const dim of fieldsOf(bytes, field)) {
    if (dim.number !== 1) continue;
    let size: Dim = '';
    for (const inner of fieldsOf(bytes, dim)) {
      if (inner.number === 1) size = intOf(bytes, inner);
      else if (inner.number === 2) size = protobufText(bytes, inner);
    }
    // Some exporters write a negative number for a free size.
    dims.push(typeof size === 'number' && size < 0 ? '' : size);
  }
  return dims;
}
