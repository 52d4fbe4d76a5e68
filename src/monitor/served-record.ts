import { createHash } from 'node:crypto';

import { keptValues, project, projected, wholeVector } from './descriptors.ts';

/** A tensor as the log sees it: whoever has it knows its digits and its bytes. */
export interface LoggedTensor {
  readonly dtype: string;
  readonly dims: readonly number[];
  /** Number of values. */
  readonly size: number;
  /** All of it, as nested lists. */
  json(): string;
  bytes(): Uint8Array;
  /** A row as a flat list. */
  rowJson(row: number): string;
  /** A row of numbers; undefined for texts. */
  rowNumbers(row: number): ArrayLike<number> | undefined;
}

/** Rows as a client sent them, by the names of their columns; of many rows some, evenly spaced. */
export interface SampledRows {
  readonly count: number;
  /** The places of the rows among all; undefined: these are all. */
  readonly at: readonly number[] | undefined;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** A prediction of a server, before what is to be redacted is. */
export interface ServedPrediction {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly model: string;
  readonly version: string;
  readonly arm: string | undefined;
  /** Of the model's file. */
  readonly md5: string;
  readonly runId: string | undefined;
  readonly inputs: ReadonlyMap<string, LoggedTensor>;
  readonly outputs: ReadonlyMap<string, LoggedTensor>;
  /** What the client sent where that is not the tensors themselves. */
  readonly rows: SampledRows | undefined;
  /** The inputs of the model that a column goes into. */
  readonly columnInputs: ReadonlyMap<string, readonly string[]>;
  /** Pairs of an answered output and the model's output that it is made of. */
  readonly outputSources: ReadonlyMap<string, string>;
  readonly labels: readonly string[] | undefined;
  /** The output that labels are made of. */
  readonly labelSource: string | undefined;
  /** The output that holds a score for each class. */
  readonly scores: { readonly output: string; readonly classes: readonly string[] } | undefined;
  /** Milliseconds. */
  readonly latency: number;
  readonly requestId: string;
  readonly traceId: string | undefined;
}

/** Tensors of more values, and of more rows, are logged as a hash. */
const valuesLimit = 256;
/** Rows of a record at most. */
const rowsLimit = 256;
/** Values of all rows of a record together. */
const cellsLimit = 8_192;
const mostClasses = 50;

/** Takes the rows that a record has room for. */
export function sampleRows(
  count: number,
  columns: number,
  row: (index: number) => Readonly<Record<string, unknown>>,
): SampledRows {
  const at = places(count, Math.max(1, Math.floor(cellsLimit / Math.max(1, columns))));
  return { count, at, rows: placesOf(at, count).map((index) => keptValues(row(index))) };
}

/** Evenly spaced places of rows, where there are more than fit. */
function places(count: number, limit: number): number[] | undefined {
  const most = Math.min(rowsLimit, limit);
  if (count <= most) return undefined;
  return Array.from({ length: most }, (_, i) => Math.floor((i * count) / most));
}

/** The places of the rows that are logged: all where none were picked. */
function placesOf(at: readonly number[] | undefined, count: number): readonly number[] {
  return at ?? Array.from({ length: count }, (_, i) => i);
}

/**
 * A prediction as a line of the log; see `PredictionRecord`. Names in `redact` are inputs, columns and outputs: neither
 * their values appear nor what is made of them, labels and scores among it.
 */
export function servedLine(prediction: ServedPrediction, redact: ReadonlySet<string>): string {
  const { inputs, outputs, labels } = prediction;
  // Rows that are not those of the answer have no place beside it.
  const fits = prediction.rows !== undefined && prediction.rows.count > 0;
  const rows =
    fits && (labels?.length ?? prediction.rows.count) === prediction.rows.count ? prediction.rows : undefined;
  const hidden = { inputs: hiddenInputs(prediction, redact), outputs: hiddenOutputs(prediction, redact) };
  let line = `{"kind":"prediction","id":${JSON.stringify(prediction.id)},"at":${prediction.at}`;
  line += `,"model":${JSON.stringify(prediction.model)},"version":${JSON.stringify(prediction.version)}`;
  if (prediction.arm !== undefined) line += `,"arm":${JSON.stringify(prediction.arm)}`;
  line += `,"md5":"${prediction.md5}"`;
  if (prediction.runId !== undefined) line += `,"run_id":${JSON.stringify(prediction.runId)}`;
  line += `,"inputs":${tensorsText(inputs, hidden.inputs)},"outputs":${tensorsText(outputs, hidden.outputs)}`;
  const count = rows?.count ?? rowsOf(prediction);
  const vectors = rows === undefined ? largeInputs(inputs, hidden.inputs, count) : [];
  const at = rows === undefined ? places(count, roomFor(vectors)) : rows.at;
  if (rows !== undefined) line += `,"rows":${rowsText(rows, hidden.inputs)}`;
  else if (vectors.length > 0) line += `,"rows":[${vectorRows(vectors, at, count).join(',')}]`;
  line += answersText(prediction, hidden.outputs, at, count);
  if (at !== undefined) line += `,"row_count":${count},"row_at":[${at.join(',')}]`;
  line += `,"latency_ms":${Math.round(prediction.latency * 1000) / 1000}`;
  line += `,"request_id":${JSON.stringify(prediction.requestId)}`;
  if (prediction.traceId !== undefined) line += `,"trace_id":"${prediction.traceId}"`;
  return `${line}}`;
}

/** A redacted column hides the input it goes into, a redacted input all columns that go into it. */
function hiddenInputs({ columnInputs }: ServedPrediction, redact: ReadonlySet<string>): ReadonlySet<string> {
  if (redact.size === 0) return redact;
  const hidden = new Set(redact);
  for (const [column, targets] of columnInputs) {
    if (redact.has(column)) for (const input of targets) hidden.add(input);
    if (targets.some((input) => redact.has(input))) hidden.add(column);
  }
  return hidden;
}

/** An output hides the one it is made of, and all that are made of the same. */
function hiddenOutputs({ outputSources }: ServedPrediction, redact: ReadonlySet<string>): ReadonlySet<string> {
  if (redact.size === 0) return redact;
  const hidden = new Set(redact);
  for (const [name, source] of outputSources) if (redact.has(name)) hidden.add(source);
  for (const [name, source] of outputSources) if (hidden.has(source)) hidden.add(name);
  return hidden;
}

function rowsOf({ labels, outputs, inputs }: ServedPrediction): number {
  if (labels !== undefined) return labels.length;
  const [first] = [...outputs.values(), ...inputs.values()];
  return first?.dims[0] ?? 1;
}

function tensorsText(tensors: ReadonlyMap<string, LoggedTensor>, hidden: ReadonlySet<string>): string {
  let text = '{';
  for (const [name, tensor] of tensors) {
    if (text.length > 1) text += ',';
    text += `${JSON.stringify(name)}:${hidden.has(name) ? '"[redacted]"' : tensorText(tensor)}`;
  }
  return `${text}}`;
}

function tensorText(tensor: LoggedTensor): string {
  if (!isLarge(tensor)) return tensor.json();
  const hash = createHash('md5').update(tensor.bytes()).digest('hex');
  return `{"md5":"${hash}","dtype":"${tensor.dtype}","shape":[${tensor.dims.join(',')}]}`;
}

function isLarge({ size, dims }: LoggedTensor): boolean {
  // A tensor without values may still have many rows.
  return size > valuesLimit || dims.slice(0, -1).reduce((a, b) => a * b, 1) > valuesLimit;
}

function rowsText({ rows }: SampledRows, hidden: ReadonlySet<string>): string {
  const bare =
    hidden.size === 0
      ? rows
      : rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !hidden.has(name))));
  return JSON.stringify(bare);
}

interface Vectors {
  readonly name: string;
  readonly tensor: LoggedTensor;
  /** Numbers in a row. */
  readonly width: number;
}

/** Inputs of numbers of which only the hash is logged. */
function largeInputs(inputs: ServedPrediction['inputs'], hidden: ReadonlySet<string>, count: number): Vectors[] {
  const found: Vectors[] = [];
  for (const [name, tensor] of inputs) {
    if (hidden.has(name) || !isLarge(tensor) || tensor.size === 0 || tensor.dims[0] !== count) continue;
    if (tensor.rowNumbers(0) !== undefined) found.push({ name, tensor, width: tensor.size / count });
  }
  return found;
}

function roomFor(vectors: readonly Vectors[]): number {
  const width = vectors.reduce((sum, one) => sum + (one.width <= wholeVector ? one.width : projected), 0);
  return Math.max(1, Math.floor(cellsLimit / Math.max(1, width)));
}

function vectorRows(vectors: readonly Vectors[], at: readonly number[] | undefined, count: number): string[] {
  return placesOf(at, count).map((row) => {
    const fields = vectors.map(({ name, tensor, width }) => {
      const value =
        width <= wholeVector
          ? tensor.rowJson(row)
          : `{"projection":[${project(tensor.rowNumbers(row) ?? []).join(',')}]}`;
      return `${JSON.stringify(name)}:${value}`;
    });
    return `{${fields.join(',')}}`;
  });
}

/** Labels, numbers and scores, one for each row that is logged. */
function answersText(
  prediction: ServedPrediction,
  hidden: ReadonlySet<string>,
  at: readonly number[] | undefined,
  count: number,
): string {
  const { labels, labelSource, scores, outputs } = prediction;
  const secret = labelSource !== undefined && hidden.has(labelSource);
  let text = '';
  if (labels !== undefined) {
    if (!secret) text += `,"labels":${JSON.stringify(at?.map((row) => labels[row] ?? null) ?? labels)}`;
  } else {
    const [first] = outputs;
    const numbers = first === undefined || hidden.has(first[0]) ? undefined : numbersOf(first[1], count);
    if (numbers !== undefined) text += `,"predictions":[${taken(numbers, at, count).map(numberText).join(',')}]`;
  }
  const tensor = scores === undefined ? undefined : outputs.get(scores.output);
  if (secret || scores === undefined || tensor === undefined || hidden.has(scores.output)) return text;
  const rows = probabilities(tensor, scores.classes.length, at, count);
  if (rows === undefined) return text;
  const names = scores.classes.map((name) => JSON.stringify(name));
  const objects = rows.map((row) => `{${names.map((name, i) => `${name}:${numberText(row[i] ?? 0)}`).join(',')}}`);
  return `${text},"scores":[${objects.join(',')}]`;
}

/** One number a row, as a regression answers. */
function numbersOf(tensor: LoggedTensor, count: number): LoggedTensor | undefined {
  return tensor.size === count && tensor.size > 0 && tensor.rowNumbers(0) !== undefined ? tensor : undefined;
}

function taken(tensor: LoggedTensor, at: readonly number[] | undefined, count: number): number[] {
  return placesOf(at, count).map((row) =>
    Number((tensor.dims.length === 0 ? tensor.rowNumbers(0) : tensor.rowNumbers(row))?.[0]),
  );
}

/** The rows of a tensor of scores; undefined where they are no probabilities: what a model calls scores may be anything. */
function probabilities(
  tensor: LoggedTensor,
  classes: number,
  at: readonly number[] | undefined,
  count: number,
): ArrayLike<number>[] | undefined {
  if (classes > mostClasses || tensor.dims.length !== 2 || tensor.size !== classes * count || classes < 2)
    return undefined;
  const rows: ArrayLike<number>[] = [];
  for (const row of placesOf(at, count)) {
    const own = tensor.rowNumbers(row);
    if (own === undefined) return undefined;
    let sum = 0;
    for (let i = 0; i < own.length; i++) {
      const score = own[i] ?? Number.NaN;
      if (!(score >= 0 && score <= 1)) return undefined;
      sum += score;
    }
    if (Math.abs(sum - 1) > 1e-3) return undefined;
    rows.push(own);
  }
  return rows;
}

function numberText(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(9))) : 'null';
}
