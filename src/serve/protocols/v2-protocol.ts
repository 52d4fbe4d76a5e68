import { MlopsError } from '../../base/index.ts';
import { knownFormat } from '../../pictures/index.ts';
import { wireShape, type Dtype, type TensorInfo } from '../../model/index.ts';
import { parseJson, showJson, type Json, isObject, type JsonObject } from '../wire/json-reader.ts';
import { chosenOutputs, type Prediction } from '../running/predict.ts';
import type { VersionFacts } from '../running/served-version.ts';
import { dtypeByV2, dtypes, elementCount, noTensors, type Tensor, type Tensors } from '../wire/tensor.ts';
import { tensorFromBytes, tensorToBytes } from '../wire/tensor-binary.ts';
import type { GivenPictures, GivenValues } from '../processing/steps.ts';
import { classified } from './v2-classes.ts';
import { isPictures, pictureInputs, rawPicture, readPictures } from './v2-pictures.ts';
import {
  checkDims,
  invalid,
  shapeText,
  tensorFromFlat,
  tensorFromJson,
  tensorToFlatJson,
  tensorToJson,
} from '../wire/tensor-json.ts';

/** An infer request of the Open Inference Protocol, split into its JSON part and the raw tensors behind it. */
export interface V2Request {
  readonly id: string | undefined;
  readonly json: JsonObject;
  readonly binary: Buffer;
  /** A raw request: header length 0, only the bytes of the one input. */
  readonly raw: boolean;
}

/**
 * Reads the body of an infer request; `headerLength` is the header `Inference-Header-Content-Length`.
 *
 * @throws MlopsError `bad_json`, `bad_request`.
 */
export function readV2Request(
  body: unknown,
  headers: { readonly headerLength: string | undefined; readonly contentType: string | undefined },
  exact: boolean,
): V2Request {
  const { headerLength } = headers;
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  const length = headerLength === undefined ? bytes.length : lengthOf(headerLength, bytes.length);
  const binary = bytes.subarray(length);
  if (headerLength !== undefined && length === 0) return { id: undefined, json: {}, binary, raw: true };
  const json = parseJson(bytes.subarray(0, length), exact, headers.contentType);
  if (!isObject(json)) throw new MlopsError('bad_request', 'the request must be a JSON object');
  const id = json['id'];
  if (id !== undefined && typeof id !== 'string') throw invalid('id', 'a string', showJson(id));
  return { id, json, binary, raw: false };
}

function lengthOf(header: string, bodyLength: number): number {
  const length = /^\d{1,15}$/.test(header) ? Number(header) : undefined;
  if (length !== undefined && length <= bodyLength) return length;
  throw new MlopsError(
    'bad_request',
    `Inference-Header-Content-Length is '${header.slice(0, 40)}', but the body has ${bodyLength} bytes`,
  );
}

/** Which outputs to answer, and which of them as raw bytes. */
export interface V2Outputs {
  readonly fetches: readonly string[];
  readonly binary: ReadonlySet<string>;
  /** How many of the best classes to answer in place of an output's values. */
  readonly classes: ReadonlyMap<string, number>;
}

/** @throws MlopsError `invalid_input` naming the place, what was expected and what came. */
export function readV2Inputs(
  version: VersionFacts,
  request: V2Request,
): { feeds: Tensors; outputs: V2Outputs; pictures?: GivenPictures; given?: GivenValues } {
  if (request.raw) {
    const outputs = { fetches: version.outputNames, binary: new Set(version.outputNames), classes: new Map() };
    const image = version.processing?.input?.image;
    if (image !== undefined && version.inputs.length === 1 && knownFormat(request.binary) !== undefined) {
      return { feeds: noTensors(), outputs, pictures: rawPicture(image, request.binary) };
    }
    return { feeds: rawFeed(version, request.binary), outputs };
  }
  refuseSequences(request.json['parameters']);
  const inputs = Object.hasOwn(request.json, 'inputs') ? request.json['inputs'] : undefined;
  if (!Array.isArray(inputs)) throw invalid('inputs', 'a list of tensors', showJson(inputs));
  const feeds = noTensors();
  const image = version.processing?.input?.image;
  let pictures: GivenPictures | undefined;
  let at = 0;
  for (const [i, input] of inputs.entries()) {
    const path = `inputs[${i}]`;
    if (image !== undefined && isPictures(input, image.field)) {
      if (pictures !== undefined) throw invalid(`${path}.name`, 'each input once', `'${image.field}' twice`);
      const size = binarySizeOf(input['parameters'], path);
      const files = readPictures(input, request.binary.subarray(at, at + (size ?? 0)), path);
      pictures = { input: image.input.name, files };
      at += size ?? 0;
      continue;
    }
    const { info, dims, binarySize, data } = readHead(version, input, path);
    if (Object.hasOwn(feeds, info.name)) throw invalid(`${path}.name`, 'each input once', `'${info.name}' twice`);
    if (binarySize === undefined) feeds[info.name] = fromData(data, info, dims, path);
    else {
      if (at + binarySize > request.binary.length) {
        throw invalid(
          `${path}.parameters.binary_data_size`,
          `at most ${request.binary.length - at} bytes that follow`,
          String(binarySize),
        );
      }
      feeds[info.name] = tensorFromBytes(request.binary.subarray(at, at + binarySize), info.dtype, dims, path);
      at += binarySize;
    }
  }
  if (at !== request.binary.length) {
    throw invalid('the body', `${at} bytes of binary data`, `${request.binary.length} bytes`);
  }
  const absent = version.inputs.find(({ name }) => !Object.hasOwn(feeds, name) && name !== pictures?.input);
  if (absent !== undefined) {
    throw invalid('inputs', `the input '${absent.name}'`, Object.keys(feeds).join(', ') || 'no inputs');
  }
  if (pictures !== undefined && Object.hasOwn(feeds, pictures.input)) {
    throw invalid('inputs', `pictures or the tensor '${pictures.input}'`, 'both');
  }
  const outputs = readOutputs(version, request.json);
  if (version.processing?.input?.kind === 'ensemble') return { feeds: noTensors(), outputs, given: givenBy(feeds) };
  return pictures === undefined ? { feeds, outputs } : { feeds, outputs, pictures };
}

function readHead(version: VersionFacts, input: Json, path: string) {
  if (!isObject(input)) throw invalid(path, 'an object', showJson(input));
  const { name, datatype, shape, data } = input;
  const known = [...version.inputs, ...version.optional];
  const dtype = typeof datatype === 'string' ? dtypeByV2.get(datatype) : undefined;
  const info = known.find((candidate) => candidate.name === name) ?? free(version, name, dtype);
  if (info === undefined) {
    throw invalid(`${path}.name`, `one of ${known.map((one) => one.name).join(', ')}`, showJson(name));
  }
  if (dtype !== info.dtype) throw invalid(`${path}.datatype`, dtypes[info.dtype].v2, showJson(datatype));
  const dims = readShape(shape, `${path}.shape`);
  checkDims(dims, info, `${path}.shape`);
  return { info, dims, binarySize: binarySizeOf(input['parameters'], path), data };
}

/** Tensors as the values of an ensemble's keys: texts of one column are a list. */
function givenBy(feeds: Tensors): GivenValues {
  const values = Object.entries(feeds).map(([name, tensor]): [string, Json] => {
    const list = tensor.dtype === 'string' && tensor.dims.length === 2 && tensor.dims[1] === 1;
    const flat = list ? { ...tensor, dims: tensor.dims.slice(0, 1) } : tensor;
    return [name, JSON.parse(tensorToJson(flat)) as Json];
  });
  return { values: Object.fromEntries(values), files: new Map() };
}

/** Python takes any tensor for a model without a signature, an ensemble for its keys. */
function free(version: VersionFacts, name: Json | undefined, dtype: Dtype | undefined): TensorInfo | undefined {
  const takesAny = version.python?.mode === 'json' || version.processing?.input?.kind === 'ensemble';
  if (!takesAny || typeof name !== 'string' || dtype === undefined) return undefined;
  return { name, dtype, dims: undefined };
}

const maxElements = 2 ** 31;
const mostBesideZero = 65_536;

function readShape(shape: Json | undefined, path: string): number[] {
  if (!Array.isArray(shape)) throw invalid(path, 'a list of sizes', showJson(shape));
  const dims = shape.map((size, i) => {
    if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) return size;
    throw invalid(`${path}[${i}]`, 'a whole number from 0 on', showJson(size));
  });
  if (dims.length > 64) throw invalid(path, 'at most 64 sizes', `${dims.length}`);
  // Sizes beside a zero cost the client nothing, and here a step each: in a log, in an answer, in the model.
  const most = dims.includes(0) ? mostBesideZero : maxElements;
  if (elementCount(dims.filter((size) => size > 0)) > most) {
    throw invalid(path, `at most ${most} values${dims.includes(0) ? ' beside a size of 0' : ''}`, shapeText(dims));
  }
  return dims;
}

function binarySizeOf(parameters: Json | undefined, path: string): number | undefined {
  const size =
    isObject(parameters) && Object.hasOwn(parameters, 'binary_data_size') ? parameters['binary_data_size'] : undefined;
  if (size === undefined) return undefined;
  if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) return size;
  throw invalid(`${path}.parameters.binary_data_size`, 'a number of bytes', showJson(size));
}

/** JSON data, nested or flat; flat is told by a first element that is no list. */
function fromData(data: Json | undefined, info: TensorInfo, dims: readonly number[], path: string): Tensor {
  const place = `${path}.data`;
  const count = elementCount(dims);
  // A scalar may stand alone.
  const list = dims.length === 0 && data !== undefined && !Array.isArray(data) ? [data] : data;
  if (!Array.isArray(list)) throw invalid(place, `a list of ${count} values`, showJson(data));
  if (dims.length > 1 && Array.isArray(list[0])) {
    const tensor = tensorFromJson(list, { ...info, dims: undefined }, place);
    const same = tensor.dims.length === dims.length && tensor.dims.every((size, i) => size === dims[i]);
    if (same || (count === 0 && tensor.data.length === 0)) return { ...tensor, dims };
    throw invalid(place, `shape ${shapeText(dims)}`, `shape ${shapeText(tensor.dims)}`);
  }
  if (list.length !== count)
    throw invalid(place, `${count} values for shape ${shapeText(dims)}`, `${list.length} values`);
  return tensorFromFlat(list, info.dtype, dims, place);
}

/** The bytes of the only input; its one free size follows from their number. */
function rawFeed(version: VersionFacts, bytes: Buffer): Tensors {
  const [info] = version.inputs;
  const free = info?.dims?.filter((dim) => typeof dim === 'string').length ?? 2;
  if (info === undefined || version.inputs.length !== 1 || free > 1) {
    throw new MlopsError('bad_request', 'a raw binary request needs a model of one input with at most one free size');
  }
  const fixed = elementCount((info.dims ?? []).filter((dim) => typeof dim === 'number'));
  const size = dtypes[info.dtype].size;
  const rows = size === 0 ? 1 : bytes.length / (fixed * size);
  if (!Number.isInteger(rows)) throw invalid(info.name, `a multiple of ${fixed * size} bytes`, `${bytes.length} bytes`);
  const dims = (info.dims ?? []).map((dim) => (typeof dim === 'number' ? dim : rows));
  if (size !== 0) return { [info.name]: tensorFromBytes(bytes, info.dtype, dims, info.name) };
  const framed = Buffer.alloc(4);
  framed.writeUInt32LE(bytes.length);
  return { [info.name]: tensorFromBytes(Buffer.concat([framed, bytes]), info.dtype, dims, info.name) };
}

function readOutputs(version: VersionFacts, json: JsonObject): V2Outputs {
  const parameters = json['parameters'];
  const allBinary = isObject(parameters) && parameters['binary_data_output'] === true;
  const asked = Object.hasOwn(json, 'outputs') ? json['outputs'] : undefined;
  if (asked === undefined || asked === null) {
    return { fetches: version.outputNames, binary: new Set(allBinary ? version.outputNames : []), classes: new Map() };
  }
  if (!Array.isArray(asked)) throw invalid('outputs', 'a list of outputs', showJson(asked));
  const binary = new Set<string>();
  const classes = new Map<string, number>();
  const names = asked.map((output, i) => {
    const name = isObject(output) ? output['name'] : undefined;
    if (!isObject(output) || typeof name !== 'string')
      throw invalid(`outputs[${i}].name`, 'the name of an output', showJson(name));
    const own = isObject(output['parameters']) ? output['parameters']['binary_data'] : undefined;
    if (own === true || (own === undefined && allBinary)) binary.add(name);
    const count = classCount(output['parameters'], `outputs[${i}].parameters.classification`);
    if (count > 0) classes.set(name, count);
    return name;
  });
  return { fetches: chosenOutputs(version, names, 'outputs'), binary, classes };
}

/** 0: no classification, as Triton takes it. */
function classCount(parameters: Json | undefined, path: string): number {
  const count = isObject(parameters) ? (parameters['classification'] ?? 0) : 0;
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return count;
  throw invalid(path, 'a number of classes', showJson(count));
}

/** A model here keeps nothing from one request to the next: who counts on it would get wrong answers. */
function refuseSequences(parameters: Json | undefined): void {
  if (!isObject(parameters)) return;
  const { sequence_id: id = 0, sequence_start: start = false, sequence_end: end = false } = parameters;
  const name = id !== 0 && id !== '' ? 'sequence_id' : start !== false ? 'sequence_start' : 'sequence_end';
  if (name === 'sequence_end' && end === false) return;
  throw invalid(`parameters.${name}`, 'a request by itself: sequences are not supported', showJson(parameters[name]));
}

/** The answer as its JSON part and the raw tensors that follow it. */
export function v2Answer(
  prediction: Prediction,
  outputs: V2Outputs,
  id: string | undefined,
): { json: string; binary: Buffer[] } {
  const { version, arm, answer, fetches } = prediction;
  const binary: Buffer[] = [];
  const texts: string[] = [];
  for (const name of fetches) {
    const values = answer.outputs[name];
    if (values === undefined) continue;
    const count = outputs.classes.get(name);
    const tensor = count === undefined ? values : classified(version, name, values, count);
    const head = `{"name":${JSON.stringify(name)},"shape":[${tensor.dims.join(',')}],"datatype":"${dtypes[tensor.dtype].v2}"`;
    if (outputs.binary.has(name)) {
      const bytes = tensorToBytes(tensor);
      binary.push(bytes);
      texts.push(`${head},"parameters":{"binary_data_size":${bytes.length}}}`);
    } else texts.push(`${head},"data":${tensorToFlatJson(tensor)}}`);
  }
  const { name, version: number } = version.ref;
  const echoed = id === undefined ? '' : `"id":${JSON.stringify(id)},`;
  const chosen = arm === undefined ? '' : `"parameters":{"arm":${JSON.stringify(arm.name)}},`;
  const json = `{"model_name":${JSON.stringify(name)},"model_version":${JSON.stringify(number)},${echoed}${chosen}"outputs":[${texts.join(',')}]}`;
  return { json, binary };
}

/** Model metadata of the protocol. */
export function v2Metadata(version: VersionFacts) {
  const shaped = ({ name, dtype, dims }: { name: string; dtype: Dtype; dims: TensorInfo['dims'] }) => ({
    name,
    datatype: dtypes[dtype].v2,
    shape: wireShape(dims),
  });
  return {
    name: version.ref.name,
    versions: [version.ref.version],
    platform: version.python === undefined ? 'onnxruntime_onnx' : 'mlflow_pyfunc',
    inputs: pictureInputs(version, version.inputs.map(shaped)),
    outputs: version.outputs.map(shaped),
  };
}
