import { MlopsError } from '../../base/index.ts';
import type { TensorInfo } from '../../model/index.ts';
import { parseCsv } from '../wire/csv.ts';
import { parseJson, showJson, type Json, isObject, type JsonObject } from '../wire/json-reader.ts';
import { namedFeeds } from './native-protocol.ts';
import type { Prediction } from '../running/predict.ts';
import type { ServedVersion } from '../running/served-version.ts';
import { noTensors, type Tensors } from '../wire/tensor.ts';
import { invalid, tensorFromJson, tensorToJson } from '../wire/tensor-json.ts';

/** What MLflow's scoring server calls its four forms of input. */
const forms = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const;
type Form = (typeof forms)[number];

export interface Scoring {
  readonly form: Form;
  readonly value: Json;
}

const supported = "['text/csv', 'application/json']";

/**
 * Reads the body of `/invocations`.
 *
 * @throws MlopsError `unsupported_media`, `bad_json`, `bad_request` in MLflow's words.
 */
export function readScoring(body: unknown, contentType: string | undefined, exact: boolean): Scoring {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase();
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  if (type === 'text/csv') return { form: 'dataframe_split', value: parseCsv(bytes.toString('utf8')) };
  if (type !== 'application/json') {
    throw new MlopsError(
      'unsupported_media',
      `This predictor only supports the following content types: Types: ${supported}. Got '${(contentType ?? '').slice(0, 100)}'.`,
    );
  }
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(contentType ?? '')?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw new MlopsError('unsupported_media', 'The scoring server only supports UTF-8');
  }
  const value = parseJson(bytes, exact);
  if (!isObject(value)) {
    const kind = Array.isArray(value) ? 'list' : typeof value;
    throw new MlopsError('bad_request', `${oneOf} Received a ${kind}.`);
  }
  const given = forms.filter((form) => Object.hasOwn(value, form));
  const [form] = given;
  if (form === undefined || given.length !== 1) {
    throw new MlopsError(
      'bad_request',
      `${oneOf} Received dictionary with input fields: ${pythonList(Object.keys(value))}.`,
    );
  }
  return { form, value: value[form] ?? null };
}

const oneOf =
  "The input must be a JSON dictionary with exactly one of the input fields {'dataframe_split', 'dataframe_records', 'instances', 'inputs'}.";

function pythonList(names: readonly string[]): string {
  return `[${names
    .slice(0, 20)
    .map((name) => `'${name}'`)
    .join(', ')}]`;
}

/** The tensors of a scoring request. @throws MlopsError `invalid_input` in MLflow's words where it has some. */
export function scoringFeeds(version: ServedVersion, { form, value }: Scoring): Tensors {
  const step = version.processing?.input;
  if (step !== undefined && form !== 'inputs')
    return step.read(form === 'dataframe_split' ? splitRecords(value) : value);
  if (form === 'dataframe_split') return split(version, value);
  if (form === 'dataframe_records') return records(version, value, form);
  if (form === 'instances') {
    if (Array.isArray(value) && value.some(isObject)) return records(version, value, form);
    return only(version, value, form);
  }
  if (isObject(value)) return namedFeeds(version, withoutExtra(version, value), 'inputs.');
  if (Array.isArray(value) && value.some(isObject)) return records(version, value, form);
  return only(version, value, form);
}

function only(version: ServedVersion, value: Json, path: string): Tensors {
  const [input] = version.inputs;
  if (input === undefined || version.inputs.length !== 1) throw missing(version.inputs.map((info) => info.name));
  return { [input.name]: tensorFromJson(value, input, path) };
}

function missing(names: readonly string[]): MlopsError {
  return new MlopsError(
    'invalid_input',
    `Failed to enforce schema of the input: Model is missing inputs ${pythonList(names)}.`,
  );
}

/** MLflow ignores columns that the model does not know. */
function withoutExtra(version: ServedVersion, values: JsonObject): JsonObject {
  const absent = version.inputs.filter((info) => !Object.hasOwn(values, info.name)).map((info) => info.name);
  if (absent.length > 0) throw missing(absent);
  return Object.fromEntries(version.inputs.map((info) => [info.name, values[info.name] ?? null]));
}

interface Frame {
  readonly columns: readonly string[] | undefined;
  readonly rows: readonly Json[][];
}

/** `{columns?, index?, data}`, as pandas writes a frame in the orientation `split`. */
function frameOf(value: Json): Frame {
  const place = 'dataframe_split';
  if (!isObject(value) || !Array.isArray(value['data'])) {
    throw invalid(place, "an object with 'columns' and 'data'", 'something else');
  }
  const strange = Object.keys(value).find((key) => !['columns', 'index', 'data'].includes(key));
  if (strange !== undefined) throw invalid(place, "only 'columns', 'index' and 'data'", `'${strange.slice(0, 100)}'`);
  const { data, index } = value;
  if (Array.isArray(index) && index.length !== data.length) {
    throw invalid(`${place}.index`, `${data.length} values, as rows in 'data'`, `${index.length}`);
  }
  const columns = Array.isArray(value['columns']) ? value['columns'].map(columnName) : undefined;
  const rows = data.map((row, i) => {
    if (Array.isArray(row) && (columns === undefined || row.length === columns.length)) return row;
    throw invalid(`${place}.data[${i}]`, `a list of ${columns?.length ?? 'equal many'} values`, 'another row');
  });
  return { columns, rows };
}

/** A frame without names has numbers. */
function columnName(name: Json): string {
  return typeof name === 'string' ? name : showJson(name);
}

function splitRecords(value: Json): Json {
  const { columns, rows } = frameOf(value);
  if (columns === undefined) throw invalid('dataframe_split', "'columns' and 'data'", "no 'columns'");
  return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i] ?? null])));
}

function split(version: ServedVersion, value: Json): Tensors {
  const { columns, rows } = frameOf(value);
  const column = (at: number): Json[] => rows.map((row) => row[at] ?? null);
  return table(version, columns, rows, column, 'dataframe_split.data');
}

/** So many cells a table may have that nobody sent. */
const fewCells = 100_000;

function records(version: ServedVersion, value: Json, path: string): Tensors {
  if (!Array.isArray(value)) throw invalid(path, 'a list of records', 'something else');
  // pandas reads rows without names too.
  if (value.length > 0 && value.every(Array.isArray)) return only(version, value, path);
  const names = value.flatMap((row) => (isObject(row) ? Object.keys(row) : []));
  const columns = [...new Set(names)];
  // Records that each name another column would become a table of the square of their size.
  if (columns.length * value.length > 4 * names.length + fewCells) {
    throw invalid(path, 'records of the same columns', `${value.length} records with ${columns.length} columns in all`);
  }
  const cell = (row: Json, name: string): Json =>
    isObject(row) && Object.hasOwn(row, name) ? (row[name] ?? null) : null;
  const column = (at: number): Json[] => value.map((row) => cell(row, columns[at] ?? ''));
  const rows = value.map((row) => columns.map((name) => cell(row, name)));
  return table(version, columns, rows, column, path);
}

/** A table for a model whose inputs are its columns, or whose only input takes all columns in order. */
function table(
  version: ServedVersion,
  columns: readonly string[] | undefined,
  rows: readonly Json[],
  column: (at: number) => Json[],
  path: string,
): Tensors {
  const [single] = version.inputs;
  const named = columns !== undefined && version.inputs.every((info) => columns.includes(info.name));
  if (!named && single !== undefined && version.inputs.length === 1) {
    return { [single.name]: tensorFromJson(ordered(version, columns, rows), single, path) };
  }
  const absent = version.inputs.filter((info) => columns?.includes(info.name) !== true).map((info) => info.name);
  if (absent.length > 0) throw missing(absent);
  const feeds = noTensors();
  for (const info of version.inputs) {
    const values = column(columns?.indexOf(info.name) ?? -1);
    feeds[info.name] = tensorFromJson(wrapped(values, info), info, `${path}.${info.name}`);
  }
  return feeds;
}

/** skl2onnx makes an input [N, 1] of every column. */
function wrapped(values: Json[], info: TensorInfo): Json {
  const flat = !values.some(Array.isArray);
  return flat && info.dims !== undefined && info.dims.length === 2 ? values.map((value) => [value]) : values;
}

/** Rows in the order of the column names that the model was saved with, where it was saved with names. */
function ordered(version: ServedVersion, columns: readonly string[] | undefined, rows: readonly Json[]): Json[] {
  const wanted = columnNames(version);
  if (columns === undefined || wanted === undefined) return [...rows];
  const absent = wanted.filter((name) => !columns.includes(name));
  if (absent.length > 0) throw missing(absent);
  const places = wanted.map((name) => columns.indexOf(name));
  return rows.map((row) => places.map((at) => (Array.isArray(row) ? (row[at] ?? null) : null)));
}

function columnNames(version: ServedVersion): string[] | undefined {
  const text = version.mlModel?.signature?.inputs;
  if (text === undefined) return undefined;
  const specs = JSON.parse(text) as { name?: string; type?: string }[];
  const names = specs.flatMap(({ name, type }) => (name !== undefined && type !== 'tensor' ? [name] : []));
  return names.length > 0 ? names : undefined;
}

/** `{"predictions": {output: values}}`, as MLflow answers for the onnx flavour. */
export function scoringAnswer(prediction: Prediction): string {
  const outputs = prediction.fetches.flatMap((name) => {
    const tensor = prediction.answer.outputs[name];
    return tensor === undefined ? [] : [`${JSON.stringify(name)}:${tensorToJson(tensor)}`];
  });
  return `{"predictions":{${outputs.join(',')}}}`;
}
