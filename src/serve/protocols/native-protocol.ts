import { MlopsError } from '../../base/index.ts';
import type { TensorInfo } from '../../model/index.ts';
import { sampleRows, type SampledRows } from '../../monitor/index.ts';
import { isObject, parseJson, showJson, type Json, type JsonObject } from '../wire/json-reader.ts';
import { outputsAsked, rowsOf, type Rows } from './envelope.ts';
import { chosenOutputs, type Prediction } from '../running/predict.ts';
import type { GivenPictures, GivenValues, InputStep, PictureFiles, SentRows } from '../processing/steps.ts';
import type { VersionFacts } from '../running/served-version.ts';
import { noTensors, type Tensors } from '../wire/tensor.ts';
import { invalid, tensorFromJson } from '../wire/tensor-json.ts';
import { pythonRequest, pythonValue } from './python-scoring.ts';

/** @throws MlopsError `bad_json`, `bad_request` when the body is no object. */
export function readObject(body: unknown, exact: boolean, contentType: string | undefined): JsonObject {
  const value = parseJson(Buffer.isBuffer(body) ? body : Buffer.alloc(0), exact, contentType);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new MlopsError('bad_request', 'the body must be a JSON object', {
    hint: 'for example {"inputs": {"x": [[1, 2, 3]]}}',
  });
}

/**
 * The inputs of a native request: `{"inputs": {name: values}}`, `{"inputs": values}` for a model of one input,
 * `{"instances": [row, ...]}`, or the names at the top level. A row may stand alone where a list of rows is meant.
 *
 * @param said keys of the body that named the model.
 * @param files what came beside the body's fields.
 * @throws MlopsError `invalid_input`, `bad_picture`.
 */
export function readNativeInputs(
  version: VersionFacts,
  body: JsonObject,
  said?: ReadonlySet<string>,
  files?: PictureFiles,
): { feeds: Tensors; fetches: readonly string[]; pictures?: GivenPictures; given?: GivenValues } {
  const step = version.processing?.input;
  const rows = rowsOf(version, body, said);
  if (version.python?.mode === 'json') {
    const feeds = pythonRequest(rows.at === 'instances' ? 'instances' : 'inputs', rows.value);
    return { feeds, fetches: readFetches(version, body) };
  }
  if (step?.kind === 'ensemble') {
    return {
      feeds: noTensors(),
      fetches: version.outputNames,
      given: { values: byKey(rows.value), files: files ?? new Map() },
    };
  }
  if (step?.image !== undefined && !holdsTensors(version, step, rows.value, files)) {
    return { ...step.image.read(rows.value, files), fetches: readFetches(version, body) };
  }
  const feeds =
    step === undefined || step.image !== undefined ? readFeeds(version, rows) : readRaw(version, step, rows.value);
  return { feeds, fetches: readFetches(version, body) };
}

/** Values by key: rows turned into columns. @throws MlopsError `invalid_input`. */
export function byKey(value: Json): JsonObject {
  if (isObject(value)) return value;
  if (!Array.isArray(value) || value.length === 0 || !value.every(isObject)) {
    throw invalid('inputs', 'an object of values by key, or a list of such rows', showJson(value));
  }
  const keys = [...new Set(value.flatMap((row) => Object.keys(row)))];
  return Object.fromEntries(keys.map((key) => [key, value.map((row) => row[key] ?? null)]));
}

/** True for a request that gives the model's own tensors: a picture is a text, and no list of numbers. */
function holdsTensors(
  version: VersionFacts,
  { image }: InputStep,
  raw: Json,
  files: PictureFiles | undefined,
): boolean {
  if (image === undefined || (files?.size ?? 0) > 0 || !isObject(raw) || !Object.hasOwn(raw, image.input.name))
    return false;
  let value: Json | undefined = raw[image.input.name];
  while (Array.isArray(value)) [value] = value;
  return typeof value === 'number' && version.inputs.every(({ name }) => Object.hasOwn(raw, name));
}

/** Raw values for the input step of serving.yaml; who sends the model's own tensors by name is not stopped. */
function readRaw(version: VersionFacts, step: InputStep, raw: Json): Tensors {
  return isTensors(version, step, raw) ? namedFeeds(version, raw, 'inputs.') : step.read(raw);
}

function isTensors(version: VersionFacts, step: InputStep, raw: Json): raw is JsonObject {
  return step.kind === 'text' && isObject(raw) && version.inputs.every((info) => Object.hasOwn(raw, info.name));
}

/** The rows of a native request as they were sent, where serving.yaml makes tensors of them. */
export function nativeRows(
  version: VersionFacts,
  body: JsonObject,
  said: ReadonlySet<string> | undefined,
  feeds: Tensors,
): SampledRows | undefined {
  const step = version.processing?.input;
  if (step === undefined || step.image !== undefined) return undefined;
  const { value } = rowsOf(version, body, said);
  if (step.kind === 'ensemble') return keyedRows(byKey(value));
  return isTensors(version, step, value) ? undefined : sampled(step.rows(value, feeds));
}

/** What was sent to an ensemble beside its files: a row takes its place of each list. */
export function keyedRows(values: JsonObject): SampledRows | undefined {
  const keys = Object.keys(values);
  if (keys.length === 0) return undefined;
  const count = Math.max(...Object.values(values).map((value) => (Array.isArray(value) ? value.length : 1)));
  return sampleRows(count, keys.length, (row) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Array.isArray(value) ? value[row] : value])),
  );
}

export function sampled({ count, columns, row }: SentRows): SampledRows {
  return sampleRows(count, columns, row);
}

function readFetches(version: VersionFacts, body: JsonObject): readonly string[] {
  // serving.yaml decides what is answered.
  if (version.processing?.output !== undefined) return version.outputNames;
  const asked = outputsAsked(version, body);
  return asked === undefined ? version.outputNames : chosenOutputs(version, asked, 'outputs');
}

function readFeeds(version: VersionFacts, { at, value }: Rows): Tensors {
  if (at === 'inputs') return feedsOf(version, value, 'inputs');
  return at === 'instances' ? feedsOfInstances(version, value) : namedFeeds(version, value as JsonObject, '');
}

function feedsOf(version: VersionFacts, inputs: Json, path: string): Tensors {
  if (isObject(inputs)) return namedFeeds(version, inputs, `${path}.`);
  const [only] = version.inputs;
  if (only === undefined || version.inputs.length !== 1) {
    throw invalid(path, `an object with ${nameList(version)}`, Array.isArray(inputs) ? 'a list' : showJson(inputs));
  }
  return { [only.name]: tensorFromJson(inputs, only, path, true) };
}

/** Reads each declared input and refuses names that are not declared. */
export function namedFeeds(version: VersionFacts, values: JsonObject, prefix: string): Tensors {
  const feeds = noTensors();
  for (const info of version.inputs) {
    const value = Object.hasOwn(values, info.name) ? values[info.name] : undefined;
    if (value === undefined) throw missing(version, info, values, prefix);
    feeds[info.name] = tensorFromJson(value, info, prefix + info.name, true);
  }
  for (const info of version.optional) {
    const value = Object.hasOwn(values, info.name) ? values[info.name] : undefined;
    if (value !== undefined) feeds[info.name] = tensorFromJson(value, info, prefix + info.name, true);
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

function missing(version: VersionFacts, info: TensorInfo, values: JsonObject, prefix: string): MlopsError {
  const names = Object.keys(values).map((name) => name.slice(0, 100));
  const given = names.slice(0, 20).join(', ') || 'no inputs';
  return invalid(prefix + info.name, `the input '${info.name}' (inputs: ${nameList(version)})`, given);
}

function nameList(version: VersionFacts): string {
  return version.inputs.map((input) => input.name).join(', ');
}

/** `[{"a": 1, "b": 2}, ...]` turned into columns, or rows of the only input. */
export function feedsOfInstances(version: VersionFacts, rows: Json): Tensors {
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
  const { version, arm, members, outputs, objects, labels, top, units, fetches, latency } = prediction;
  let text = '{"outputs":{';
  for (const [i, name] of fetches.entries()) {
    const tensor = outputs[name];
    const rows = objects?.[name];
    if (tensor === undefined && rows === undefined) continue;
    const value = tensor === undefined ? JSON.stringify(rows) : pythonValue(prediction, tensor);
    text += `${i > 0 ? ',' : ''}${JSON.stringify(name)}:${value}`;
  }
  text += '}';
  if (labels !== undefined) text += `,"labels":${JSON.stringify(labels)}`;
  if (top !== undefined) text += `,"top":${JSON.stringify(top)}`;
  if (members !== undefined) text += `,"members":${JSON.stringify(members)}`;
  if (units !== undefined) text += `,"units":${JSON.stringify(units)}`;
  const { name, version: number } = version.ref;
  text += `,"model":${JSON.stringify(name)},"model_version":${JSON.stringify(number)}`;
  if (arm !== undefined) text += `,"arm":${JSON.stringify(arm.name)}`;
  return `${text},"prediction_id":"${predictionId}","latency_ms":${Math.round(latency * 1000) / 1000}}`;
}
