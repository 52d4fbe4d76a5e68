import { MlopsError } from '../../base/index.ts';
import type { Dtype, TensorInfo } from '../../model/index.ts';
import type { SampledRows } from '../../monitor/index.ts';
import type { InputStep } from '../processing/steps.ts';
import type { VersionFacts } from '../running/served-version.ts';
import { cellOf, guessedCell } from '../wire/csv.ts';
import { isObject, showJson, type Json, type JsonObject } from '../wire/json-reader.ts';
import { noTensors, type Tensors } from '../wire/tensor.ts';
import { invalid, tensorFromJson } from '../wire/tensor-json.ts';
import { pythonList, type Scoring } from './mlflow-protocol.ts';
import { byKey, namedFeeds, sampled } from './native-protocol.ts';
import { pythonFeeds } from './python-scoring.ts';

/** The tensors of a scoring request. @throws MlopsError `invalid_input` in MLflow's words where it has some. */
export function scoringFeeds(version: VersionFacts, scoring: Scoring): Tensors {
  const { python } = version;
  return python === undefined
    ? tensorFeeds(version, scoring)
    : pythonFeeds(python, scoring, () => tensorFeeds(version, scoring));
}

function tensorFeeds(version: VersionFacts, scoring: Scoring): Tensors {
  const { form, value } = scoring;
  const step = version.processing?.input;
  const frame = frameIn(version, scoring);
  const raw = rowsForStep(version, scoring, frame);
  if (step !== undefined && raw !== undefined) return step.read(raw);
  if (frame !== undefined) return table(version, frame);
  if (isObject(value) && form === 'inputs') return namedFeeds(version, withoutExtra(version, value), 'inputs.');
  const [input] = version.inputs;
  if (input === undefined || version.inputs.length !== 1) throw missing(version.inputs.map((info) => info.name));
  return { [input.name]: tensorFromJson(value, input, form) };
}

/** The values of a scoring request by key, for an ensemble. @throws MlopsError `invalid_input`. */
export function scoringValues(version: VersionFacts, scoring: Scoring): JsonObject {
  const frame = frameIn(version, scoring);
  const cell = frame === undefined ? undefined : cellFor(frame, version.processing?.input);
  if (frame === undefined || cell === undefined) return byKey(scoring.value);
  return byKey(frame.rows.map((row) => recordOf(frame, row, cell)));
}

/** The rows of a scoring request as they were sent, where they have names. */
export function scoringRows(version: VersionFacts, scoring: Scoring, feeds: Tensors): SampledRows | undefined {
  const step = version.processing?.input;
  const frame = frameIn(version, scoring);
  const { columns } = frame ?? {};
  if (frame === undefined || columns === undefined || step?.kind === 'text') {
    const raw = rowsForStep(version, scoring, frame);
    return step === undefined || raw === undefined ? undefined : sampled(step.rows(raw, feeds));
  }
  const cell = cellFor(frame, step);
  const row = (index: number) => {
    const cells = frame.rows[index] ?? [];
    return Object.fromEntries(columns.map((name, i) => [name, cell(cells[i] ?? null, name)]));
  };
  return sampled({ count: frame.rows.length, columns: columns.length, row });
}

/** What an input step reads of a scoring request; undefined where the request holds tensors. */
function rowsForStep(version: VersionFacts, { form, value }: Scoring, frame: Frame | undefined): Json | undefined {
  const step = version.processing?.input;
  if (step === undefined || step.image !== undefined || (frame === undefined && form === 'inputs')) return undefined;
  if (frame === undefined) return value;
  const cell = cellFor(frame, step);
  return frame.rows.map((row) => recordOf(frame, row, cell));
}

/** What a cell means: a field of a CSV table is guessed at, unless its column holds texts. */
function cellFor({ text }: Frame, step: InputStep | undefined): (field: Json, name: string) => Json {
  return (field, name) =>
    text && typeof field === 'string' && step?.holdsText(name) !== true ? guessedCell(field) : field;
}

/** The rows of a scoring request that give pictures under `field`; undefined where it gives tensors. */
export function picturesOf(version: VersionFacts, scoring: Scoring, field: string): Json | undefined {
  const { value } = scoring;
  const frame = frameIn(version, scoring);
  if (frame !== undefined) return frame.rows.map((row) => recordOf(frame, row, (cell) => cell));
  if (isObject(value)) return Object.hasOwn(value, field) && holdsText(value[field]) ? value : undefined;
  return holdsText(value) ? value : undefined;
}

function holdsText(value: Json | undefined): boolean {
  return (
    typeof value === 'string' ||
    (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string'))
  );
}

/**
 * True when MLflow answers a list of records instead of an object of outputs: a signature of columns makes a frame of
 * every input, and without a signature what comes as a frame stays one.
 */
export function answersRecords(version: VersionFacts, { form }: Scoring): boolean {
  if (columnNames(version) !== undefined) return true;
  return version.mlModel?.signature === undefined && form.startsWith('dataframe');
}

/** True for a table with all its columns and no rows, of which records are asked: `[]` is the answer, whatever the model. */
export function isEmptyFrame(version: VersionFacts, scoring: Scoring): boolean {
  if (version.python !== undefined || !mayBeEmpty(scoring) || !answersRecords(version, scoring)) return false;
  const frame = frameIn(version, scoring);
  if (frame?.columns === undefined || frame.columns.length === 0 || frame.rows.length > 0) return false;
  const { columns } = frame;
  const absent = columnNames(version)?.filter((name) => !columns.includes(name)) ?? [];
  if (absent.length > 0) throw missing(absent);
  return true;
}

/** Says cheaply of most requests that they have rows. */
function mayBeEmpty({ value, csv }: Scoring): boolean {
  if (csv !== undefined) return csv.rows.length === 0;
  if (!isObject(value)) return false;
  const first: Json | undefined = value['data'] ?? Object.values(value)[0];
  return Array.isArray(first) && first.length === 0;
}

function missing(names: readonly string[]): MlopsError {
  return new MlopsError(
    'invalid_input',
    `Failed to enforce schema of the input: Model is missing inputs ${pythonList(names)}.`,
  );
}

/** MLflow ignores columns that the model does not know. */
function withoutExtra(version: VersionFacts, values: JsonObject): JsonObject {
  const absent = version.inputs.filter((info) => !Object.hasOwn(values, info.name)).map((info) => info.name);
  if (absent.length > 0) throw missing(absent);
  const given = version.optional.filter((info) => Object.hasOwn(values, info.name));
  return Object.fromEntries([...version.inputs, ...given].map((info) => [info.name, values[info.name] ?? null]));
}

/** A table, where the request holds one. */
interface Frame {
  readonly columns: readonly string[] | undefined;
  readonly rows: readonly (readonly Json[])[];
  /** Its cells are the fields of a CSV table, which mean what their column takes. */
  readonly text: boolean;
  readonly path: string;
}

function frameIn(version: VersionFacts, { form, value, csv }: Scoring): Frame | undefined {
  if (csv !== undefined) return { ...csv, text: true, path: 'the CSV table' };
  if (form === 'dataframe_split') return split(value);
  const listed = Array.isArray(value) ? value : undefined;
  if (form === 'dataframe_records') {
    if (listed === undefined) throw invalid(form, 'a list of records', 'something else');
    // pandas reads rows without names too.
    return listed.length > 0 && listed.every(Array.isArray) ? undefined : records(listed, form);
  }
  if (listed?.some(isObject) === true) return records(listed, form);
  const names = columnNames(version);
  if (!isObject(value) || names === undefined) return undefined;
  return version.inputs.every((info) => Object.hasOwn(value, info.name)) ? undefined : turned(value, form);
}

/** `{columns?, index?, data}`, as pandas writes a frame in the orientation `split`. */
function split(value: Json): Frame {
  const path = 'dataframe_split';
  if (!isObject(value) || !Array.isArray(value['data'])) {
    throw invalid(path, "an object with 'columns' and 'data'", 'something else');
  }
  const strange = Object.keys(value).find((key) => !['columns', 'index', 'data'].includes(key));
  if (strange !== undefined) throw invalid(path, "only 'columns', 'index' and 'data'", `'${strange.slice(0, 100)}'`);
  const { data, index } = value;
  if (Array.isArray(index) && index.length !== data.length) {
    throw invalid(`${path}.index`, `${data.length} values, as rows in 'data'`, `${index.length}`);
  }
  const columns = Array.isArray(value['columns']) ? value['columns'].map(columnName) : undefined;
  const rows = data.map((row, i) => {
    if (Array.isArray(row) && (columns === undefined || row.length === columns.length)) return row;
    throw invalid(`${path}.data[${i}]`, `a list of ${columns?.length ?? 'equal many'} values`, 'another row');
  });
  return { columns, rows, text: false, path: `${path}.data` };
}

/** A frame without names has numbers. */
function columnName(name: Json): string {
  return typeof name === 'string' ? name : showJson(name);
}

/** So many cells a table may have that nobody sent. */
const fewCells = 100_000;

function records(list: readonly Json[], path: string): Frame {
  const names = list.flatMap((row) => (isObject(row) ? Object.keys(row) : []));
  const columns = [...new Set(names)];
  // Records that each name another column would become a table of the square of their size.
  if (columns.length * list.length > 4 * names.length + fewCells) {
    throw invalid(path, 'records of the same columns', `${list.length} records with ${columns.length} columns in all`);
  }
  const cell = (row: Json, name: string): Json =>
    isObject(row) && Object.hasOwn(row, name) ? (row[name] ?? null) : null;
  return { columns, rows: list.map((row) => columns.map((name) => cell(row, name))), text: false, path };
}

/** An object of columns: lists of equal length, or a value each for a single row. */
function turned(value: JsonObject, path: string): Frame {
  const columns = Object.keys(value);
  const lists = columns.map((name) => {
    const cells = value[name] ?? null;
    return Array.isArray(cells) ? cells : [cells];
  });
  const [first = []] = lists;
  const odd = lists.findIndex((cells) => cells.length !== first.length);
  if (odd >= 0) {
    throw invalid(`${path}.${columns[odd]}`, `${first.length} values, as '${columns[0]}'`, `${lists[odd]?.length}`);
  }
  return { columns, rows: first.map((_, i) => lists.map((cells) => cells[i] ?? null)), text: false, path };
}

function recordOf({ columns, path }: Frame, row: readonly Json[], cell: (field: Json, name: string) => Json): Json {
  if (columns === undefined) throw invalid(path, 'columns with names', 'none');
  return Object.fromEntries(columns.map((name, i) => [name, cell(row[i] ?? null, name)]));
}

/** A table for a model whose inputs are its columns, or whose only input takes all columns in order. */
function table(version: VersionFacts, frame: Frame): Tensors {
  const { columns, rows, path } = frame;
  const value = (field: Json | undefined, dtype: Dtype): Json =>
    frame.text && typeof field === 'string' ? cellOf(field, dtype) : (field ?? null);
  const [single] = version.inputs;
  const named = columns !== undefined && version.inputs.every((info) => columns.includes(info.name));
  if (!named && single !== undefined && version.inputs.length === 1) {
    const cells = ordered(version, columns, rows).map((row) => row.map((field) => value(field, single.dtype)));
    return { [single.name]: tensorFromJson(cells, single, path) };
  }
  const absent = version.inputs.filter((info) => columns?.includes(info.name) !== true).map((info) => info.name);
  if (absent.length > 0) throw missing(absent);
  const feeds = noTensors();
  for (const info of version.inputs) {
    const at = columns?.indexOf(info.name) ?? -1;
    const values = rows.map((row) => value(row[at], info.dtype));
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
function ordered(version: VersionFacts, columns: readonly string[] | undefined, rows: Frame['rows']): Frame['rows'] {
  const wanted = columnNames(version);
  if (columns === undefined || wanted === undefined) return rows;
  const absent = wanted.filter((name) => !columns.includes(name));
  if (absent.length > 0) throw missing(absent);
  const places = wanted.map((name) => columns.indexOf(name));
  return rows.map((row) => places.map((at) => row[at] ?? null));
}

/** The names of a signature of columns. */
function columnNames(version: VersionFacts): string[] | undefined {
  const text = version.mlModel?.signature?.inputs;
  if (text === undefined) return undefined;
  const specs = JSON.parse(text) as { name?: string; type?: string }[];
  const names = specs.flatMap(({ name, type }) => (name !== undefined && type !== 'tensor' ? [name] : []));
  return names.length > 0 ? names : undefined;
}
