import { servedLine, type LoggedTensor, type SampledRows } from '../../monitor/index.ts';
import type { Prediction } from '../running/predict.ts';
import type { VersionFacts } from '../running/served-version.ts';
import { halfToNumber, sliceRows, type Tensor, type Tensors } from '../wire/tensor.ts';
import { tensorToBytes } from '../wire/tensor-binary.ts';
import { tensorToFlatJson, tensorToJson } from '../wire/tensor-json.ts';

/** What the log says of a request: ids by which other logs know it, and the rows that its client sent. */
export interface LoggedRequest {
  readonly id: string;
  readonly trace: { readonly traceId: string } | undefined;
  readonly rows: SampledRows | undefined;
}

/** A prediction as a line of the prediction log; see `PredictionRecord`. */
export function predictionLine(
  prediction: Prediction,
  id: string,
  request: LoggedRequest,
  redact: ReadonlySet<string>,
): string {
  const { version, arm, feeds, outputs, objects, labels, latency, fetches } = prediction;
  const { ref, md5, processing } = version;
  return servedLine(
    {
      ...{ id, at: Date.now(), model: ref.name, version: ref.version, arm: arm?.name, md5, runId: ref.runId },
      ...{ latency, labels },
      inputs: logged(feeds, Object.keys(feeds)),
      outputs: new Map([...logged(outputs, fetches), ...loggedObjects(objects)]),
      rows: request.rows,
      columnInputs: columnInputs(version, request.rows),
      outputSources: processing?.output?.sources ?? new Map(),
      labelSource: processing?.output?.labelled?.output ?? version.labels?.output,
      scores: scoresOf(version, prediction),
      requestId: request.id,
      traceId: request.trace?.traceId,
    },
    redact,
  );
}

function logged(tensors: Tensors, names: readonly string[]): Map<string, LoggedTensor> {
  const found = new Map<string, LoggedTensor>();
  for (const name of names) {
    const tensor = tensors[name];
    if (tensor !== undefined) found.set(name, loggedTensor(tensor));
  }
  return found;
}

/** Lists of objects, a row each. */
function loggedObjects(objects: Prediction['objects'] = {}): [string, LoggedTensor][] {
  return Object.entries(objects).map(([name, rows]) => {
    const size = rows.reduce((sum, row) => sum + row.length, 0);
    const json = () => JSON.stringify(rows);
    const rowJson = (index: number) => JSON.stringify(rows[index] ?? []);
    const bytes = () => Buffer.from(json());
    return [name, { dtype: 'string', dims: [rows.length], size, json, bytes, rowJson, rowNumbers: () => undefined }];
  });
}

function loggedTensor(tensor: Tensor): LoggedTensor {
  const row = (index: number): Tensor => (tensor.dims.length === 0 ? tensor : sliceRows(tensor, index, index + 1));
  return {
    dtype: tensor.dtype,
    dims: tensor.dims,
    size: tensor.data.length,
    json: () => tensorToJson(tensor),
    bytes: () => tensorToBytes(tensor),
    rowJson: (index) => tensorToFlatJson(row(index)),
    rowNumbers: (index) => numbersOf(row(index)),
  };
}

function numbersOf({ dtype, data }: Tensor): ArrayLike<number> | undefined {
  if (dtype === 'string') return undefined;
  if (dtype !== 'float16' && !(data instanceof BigInt64Array) && !(data instanceof BigUint64Array)) {
    return data as ArrayLike<number>;
  }
  const decode = dtype === 'float16' ? halfToNumber : Number;
  return Array.from(data as ArrayLike<number>, decode);
}

/** A column goes where serving.yaml says, else into the input of its name, else into the only one. */
function columnInputs({ processing, inputs }: VersionFacts, rows: SampledRows | undefined) {
  const targets = processing?.input?.targets;
  if (targets !== undefined || rows === undefined) return targets ?? new Map<string, string[]>();
  const own = new Set(inputs.map(({ name }) => name));
  const columns = Object.keys(rows.rows[0] ?? {});
  return new Map(columns.map((name) => [name, own.has(name) ? [name] : [...own]]));
}

/** The answered output that has a score for each class. */
function scoresOf({ processing, labels, onnx }: VersionFacts, { outputs, fetches }: Prediction) {
  const labelled = processing?.output?.labelled;
  if (processing?.output !== undefined) return labelled;
  if (labels?.classes !== undefined && outputs[labels.output]?.dims.length === 2) {
    return { output: labels.output, classes: labels.classes };
  }
  for (const output of fetches) {
    const classes = onnx.classes.get(output);
    if (classes !== undefined) return { output, classes: classes.map(String) };
  }
  return undefined;
}
