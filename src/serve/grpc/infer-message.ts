import type { Prediction } from '../running/predict.ts';
import { classified } from '../protocols/v2-classes.ts';
import type { V2Outputs, V2Request } from '../protocols/v2-protocol.ts';
import type { Json, JsonObject } from '../wire/json-reader.ts';
import { tensorToBytes } from '../wire/tensor-binary.ts';
import { invalid } from '../wire/tensor-json.ts';
import { dtypes } from '../wire/tensor.ts';

/** A parameter: one of these is set. 64-bit integers come as text. */
interface Parameter {
  readonly bool_param?: boolean;
  readonly int64_param?: string;
  readonly uint64_param?: string;
  readonly string_param?: string;
  readonly double_param?: number;
}

type Parameters = Readonly<Record<string, Parameter>>;

export interface InferRequest {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly parameters: Parameters;
  readonly inputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly string[];
    readonly parameters: Parameters;
    /** Lists by kind of value, empty where there is none. */
    readonly contents: Readonly<Record<string, readonly (number | boolean | string | Buffer)[]>> | null;
  }[];
  readonly outputs: readonly { readonly name: string; readonly parameters: Parameters }[];
  readonly raw_input_contents: readonly Buffer[];
}

export interface InferResponse {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly parameters: Parameters;
  readonly outputs: readonly { readonly name: string; readonly datatype: string; readonly shape: readonly number[] }[];
  readonly raw_output_contents: readonly Buffer[];
}

/** Where the values of a datatype stand in `contents`; half precision only comes as raw bytes. */
const contentsOf: Readonly<Record<string, string>> = {
  ...{ BOOL: 'bool_contents', INT8: 'int_contents', INT16: 'int_contents', INT32: 'int_contents' },
  ...{ INT64: 'int64_contents', UINT8: 'uint_contents', UINT16: 'uint_contents', UINT32: 'uint_contents' },
  ...{ UINT64: 'uint64_contents', FP32: 'fp32_contents', FP64: 'fp64_contents', BYTES: 'bytes_contents' },
};

/**
 * The request as the HTTP side has it after its JSON part was parsed, so that the same reader checks it. Inputs come
 * either all as raw bytes, in order, or all as lists.
 *
 * @throws MlopsError `invalid_input` with the place in the message.
 */
export function readInferMessage(request: InferRequest): V2Request {
  const { inputs, outputs, raw_input_contents: raw } = request;
  if (raw.length > 0 && raw.length !== inputs.length) {
    throw invalid('raw_input_contents', `${inputs.length} entries, one for each input`, String(raw.length));
  }
  const binary: Buffer[] = [];
  const tensors = inputs.map((input, i): JsonObject => {
    const { name, datatype, parameters } = input;
    const path = `inputs[${i}]`;
    const head = { name, datatype, shape: input.shape.map(Number) };
    const own = parametersOf(parameters);
    const listed = Object.values(input.contents ?? {}).some((values) => values.length > 0);
    const bytes = raw[i];
    if (bytes !== undefined) {
      if (listed) throw invalid(`${path}.contents`, 'nothing beside raw_input_contents', 'values');
      binary.push(bytes);
      return { ...head, parameters: { ...own, binary_data_size: bytes.length } };
    }
    const field = contentsOf[datatype];
    const values = field === undefined ? [] : (input.contents?.[field] ?? []);
    if (datatype === 'BYTES') {
      // Texts may be any bytes: the reader of raw tensors knows what to do with those.
      const framed = frame(values as readonly Buffer[]);
      binary.push(framed);
      return { ...head, parameters: { ...own, binary_data_size: framed.length } };
    }
    if (listed && values.length === 0) throw invalid(`${path}.contents`, field ?? 'raw_input_contents', 'another list');
    return { ...head, parameters: own, data: values.map(asJson) };
  });
  const json: JsonObject = {
    inputs: tensors,
    parameters: parametersOf(request.parameters),
    ...(outputs.length === 0
      ? {}
      : { outputs: outputs.map(({ name, parameters }) => ({ name, parameters: parametersOf(parameters) })) }),
  };
  return { id: request.id, json, binary: Buffer.concat(binary), raw: false };
}

/** 64-bit integers come as text. */
function asJson(value: number | boolean | string | Buffer): Json {
  if (typeof value !== 'string') return value as number | boolean;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : BigInt(value);
}

function frame(values: readonly Buffer[]): Buffer {
  return Buffer.concat(
    values.flatMap((value) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(value.length);
      return [length, value];
    }),
  );
}

function parametersOf(parameters: Parameters): JsonObject {
  const found: JsonObject = {};
  for (const [name, one] of Object.entries(parameters)) {
    const integer = one.int64_param ?? one.uint64_param;
    const value =
      one.bool_param ?? one.string_param ?? one.double_param ?? (integer === undefined ? null : Number(integer));
    // What is raw is said by the message itself.
    if (name !== 'binary_data_size') Object.defineProperty(found, name, { value, enumerable: true });
  }
  return found;
}

/** The answer, its tensors as raw bytes, as Triton answers; with the prediction's id, by which feedback names it. */
export function inferMessage(
  prediction: Prediction,
  outputs: V2Outputs,
  { id, predictionId }: { id: string; predictionId: string },
): InferResponse {
  const { version, answer, arm, fetches } = prediction;
  const heads: { name: string; datatype: string; shape: readonly number[] }[] = [];
  const raw: Buffer[] = [];
  for (const name of fetches) {
    const values = answer.outputs[name];
    if (values === undefined) continue;
    const count = outputs.classes.get(name);
    const tensor = count === undefined ? values : classified(version, name, values, count);
    heads.push({ name, datatype: dtypes[tensor.dtype].v2, shape: tensor.dims });
    raw.push(tensorToBytes(tensor));
  }
  const { name, version: number } = version.ref;
  return {
    model_name: name,
    model_version: number,
    id,
    parameters: {
      prediction_id: { string_param: predictionId },
      ...(arm === undefined ? {} : { arm: { string_param: arm.name } }),
    },
    outputs: heads,
    raw_output_contents: raw,
  };
}
