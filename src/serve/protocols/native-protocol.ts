import { MlopsError } from '../../base/index.ts';
import type { TensorInfo } from '../../model/index.ts';
import { isObject, parseJson, showJson, type Json, type JsonObject } from '../wire/json-reader.ts';
import { chosenOutputs, type Prediction } from '../running/predict.ts';
import type { InputStep } from '../processing/steps.ts';
import type { ServedVersion } from '../running/served-version.ts';
import { noTensors, type Tensors } from '../wire/tensor.ts';
import { invalid, tensorFromJson, tensorToJson } from '../wire/tensor-json.ts';

/** Keys of a `/predict` body that are not names of inputs. */
const reserved = new Set(['model', 'model_version', 'inputs', 'instances', 'outputs', 'id', 'parameters']);

/** @throws MlopsError `bad_json`, `bad_request` when the body is no object. */
export function readObject(body: unknown, exact: boolean): JsonObject {
  const value = parseJson(Buffer.isBuffer(body) ? body : Buffer.alloc(0), exact);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new MlopsError('bad_request', 'the body must be a JSON object', {
    hint: 'for example {"inputs": {"x": [[1, 2, 3]]}}',
  });
}

/** A text of the body that may be absent. @throws MlopsError `invalid_input`. */
export function optionalText(body: JsonObject, key: string): string | undefined {
  const value = Object.hasOwn(body, key) ? body[key] : undefined;
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isInteger(value)) return String(value);
  throw invalid(key, 'a text', showJson(value));
}

/**
 * The inputs of a native request: `{"inputs": {name: values}}`, `{"inputs": values}` for a model of one input,
 * `{"instances": [row, ...]}`, or the names at the top level. A row may stand alone where a list of rows is meant.
 *
 * @throws MlopsError `invalid_input`.
 */
export function readNativeInputs(
  version: ServedVersion,
  body: JsonObject,
): { feeds: Tensors; fetches: readonly string[] } {
  const step = version.processing?.input;
  const feeds = step === undefined ? readFeeds(version, body) : readRaw(version, step, body);
  return { feeds, fetches: readFetches(version, body) };
}

/** Raw values for the input step of serving.yaml; who sends the model's own tensors by name is not stopped. */
function readRaw(version: ServedVersion, step: InputStep, body: JsonObject): Tensors {
  const given = ['inputs', 'instances'].find((key) => Object.hasOwn(body, key));
  const rest = Object.fromEntries(Object.entries(body).filter(([key]) => !reserved.has(key)));
  const raw = given === undefined ? rest : (body[given] ?? null);
  const tensors =
    step.kind === 'text' && isObject(raw) && version.inputs.every((info) => Object.hasOwn(raw, info.name));
  return tensors ? namedFeeds(version, raw, 'inputs.') : step.read(raw);
}

function readFetches(version: ServedVersion, body: JsonObject): readonly string[] {
  const outputs = Object.hasOwn(body, 'outputs') ? body['outputs'] : undefined;
  // serving.yaml decides what is answered.
  if (outputs === undefined || outputs === null || version.processing?.output !== undefined) return version.outputNames;
  if (!Array.isArray(outputs) || outputs.some((name) => typeof name !== 'string')) {
    throw invalid('outputs', 'a list of output names', showJson(outputs));
  }
  return chosenOutputs(version, outputs as string[], 'outputs');
}

function readFeeds(version: ServedVersion, body: JsonObject): Tensors {
  if (Object.hasOwn(body, 'inputs')) return feedsOf(version, body['inputs'] ?? null, 'inputs');
  if (Object.hasOwn(body, 'instances')) return feedsOfInstances(version, body['instances'] ?? null);
  const rest = Object.fromEntries(Object.entries(body).filter(([key]) => !reserved.has(key)));
  return namedFeeds(version, rest, '');
}

function feedsOf(version: ServedVersion, inputs: Json, path: string): Tensors {
  if (isObject(inputs)) return namedFeeds(version, inputs, `${path}.`);
  const [only] = version.inputs;
  if (only === undefined || version.inputs.length !== 1) {
    throw invalid(path, `an object with ${nameList(version)}`, Array.isArray(inputs) ? 'a list' : showJson(inputs));
  }
  return { [only.name]: tensorFromJson(inputs, only, path, true) };
}

/** Reads each declared input and refuses names that are not declared. */
export function namedFeeds(version: ServedVersion, values: JsonObject, prefix: string): Tensors {
  const feeds = noTensors();
  for (const info of version.inputs) {
    const value = Object.hasOwn(values, info.name) ? values[info.name] : undefined;
    if (value === undefined) throw missing(version, info, values, prefix);
    feeds[info.name] = tensorFromJson(value, info, prefix + info.name, true);
  }
  for (const name in values) {
    if (feeds[name] === undefined || !Object.hasOwn(feeds, name)) {
      throw invalid(
        prefix + name.slice(0, 100),
        `only ${nameList(version)}`,
        `the unknown input '${name.slice(0, 100)}'`,
      );
    }
  }
  return feeds;
}

function missing(version: ServedVersion, info: TensorInfo, values: JsonObject, prefix: string): MlopsError {
  const names = Object.keys(values).map((name) => name.slice(0, 100));
  const given = names.slice(0, 20).join(', ') || 'no inputs';
  return invalid(prefix + info.name, `the input '${info.name}' (inputs: ${nameList(version)})`, given);
}

function nameList(version: ServedVersion): string {
  return version.inputs.map((input) => input.name).join(', ');
}

/** `[{"a": 1, "b": 2}, ...]` turned into columns, or rows of the only input. */
export function feedsOfInstances(version: ServedVersion, rows: Json): Tensors {
  if (!Array.isArray(rows)) throw invalid('instances', 'a list of rows', showJson(rows));
  if (!rows.some(isObject)) return feedsOf(version, rows, 'instances');
  const columns = Object.create(null) as JsonObject;
  for (const info of version.inputs) {
    const wide = info.dims !== undefined && info.dims.length === 2 && info.dims[1] === 1;
    columns[info.name] = rows.map((row, i) => {
      const value = isObject(row) && Object.hasOwn(row, info.name) ? row[info.name] : undefined;
      if (value === undefined) throw invalid(`instances[${i}].${info.name}`, `the input '${info.name}'`, 'nothing');
      return wide && !Array.isArray(value) ? [value] : value;
    });
  }
  for (const [i, row] of rows.entries()) {
    const extra = isObject(row) ? Object.keys(row).find((key) => !Object.hasOwn(columns, key)) : undefined;
    if (extra !== undefined)
      throw invalid(`instances[${i}].${extra.slice(0, 100)}`, `only ${nameList(version)}`, 'an unknown input');
  }
  return namedFeeds(version, columns, 'instances.');
}

/** The body of an answer, written by hand: tensors have their own digits. */
export function nativeAnswer(prediction: Prediction, predictionId: string): string {
  const { version, outputs, labels, top, units, fetches, latency } = prediction;
  let text = '{"outputs":{';
  for (const [i, name] of fetches.entries()) {
    const tensor = outputs[name];
    if (tensor !== undefined) text += `${i > 0 ? ',' : ''}${JSON.stringify(name)}:${tensorToJson(tensor)}`;
  }
  text += '}';
  if (labels !== undefined) text += `,"labels":${JSON.stringify(labels)}`;
  if (top !== undefined) text += `,"top":${JSON.stringify(top)}`;
  if (units !== undefined) text += `,"units":${JSON.stringify(units)}`;
  const { name, version: number } = version.ref;
  text += `,"model":${JSON.stringify(name)},"model_version":${JSON.stringify(number)}`;
  return `${text},"prediction_id":"${predictionId}","latency_ms":${Math.round(latency * 1000) / 1000}}`;
}
