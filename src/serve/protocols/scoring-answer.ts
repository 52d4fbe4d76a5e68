import type { Prediction } from '../running/predict.ts';
import { sliceRows, type Tensor } from '../wire/tensor.ts';
import { elementTexts, tensorToJson } from '../wire/tensor-json.ts';

/**
 * The answer of MLflow's scoring server for a model of the onnx flavour: `{"predictions": {output: values}}`, or with
 * `records` a list of a record for each row. For records MLflow lays every output out flat, so that an output [N, 3]
 * alone makes 3 N records; where the outputs then differ in length it fails, and a record here holds the row of each.
 */
export function scoringAnswer(prediction: Prediction, records: boolean): string {
  const outputs = prediction.fetches.flatMap((name) => {
    const tensor = prediction.answer.outputs[name];
    return tensor === undefined ? [] : [{ name: JSON.stringify(name), tensor, maps: mapsOf(prediction, name) }];
  });
  const columns = records ? (equal(outputs.map(flat)) ?? equal(outputs.map(byRow))) : undefined;
  if (columns === undefined) {
    const texts = outputs.map(({ name, tensor, maps }) => {
      return `${name}:${maps === undefined ? tensorToJson(tensor) : `[${mapRows(tensor, maps).join(',')}]`}`;
    });
    return `{"predictions":{${texts.join(',')}}}`;
  }
  const rows = Array.from({ length: columns[0]?.length ?? 0 }, (_, row) => {
    return `{${outputs.map(({ name }, i) => `${name}:${columns[i]?.[row]}`).join(',')}}`;
  });
  return `{"predictions":[${rows.join(',')}]}`;
}

interface Output {
  readonly name: string;
  readonly tensor: Tensor;
  /** Classes of what is a list of maps in Python. */
  readonly maps: readonly string[] | undefined;
}

function mapsOf({ version }: Prediction, name: string): readonly string[] | undefined {
  const declared = version.onnx.outputs.find((output) => output.name === name);
  if (declared?.type.startsWith('sequence(map(') !== true) return undefined;
  return version.onnx.classes.get(name)?.map((label) => JSON.stringify(String(label)));
}

function mapRows(tensor: Tensor, classes: readonly string[]): string[] {
  return rowsOf(tensor).map((row) => {
    const values = elements(row);
    return `{${classes.map((label, i) => `${label}:${values[i] ?? 'null'}`).join(',')}}`;
  });
}

function flat({ tensor, maps }: Output): string[] {
  return maps === undefined ? elements(tensor) : mapRows(tensor, maps);
}

function byRow({ tensor, maps }: Output): string[] {
  return maps === undefined ? rowsOf(tensor).map((row) => tensorToJson(row)) : mapRows(tensor, maps);
}

/** The rows of a tensor, without their dimension; a scalar has none. */
function rowsOf(tensor: Tensor): Tensor[] {
  return Array.from({ length: tensor.dims[0] ?? 0 }, (_, row) => {
    const { dims, ...rest } = sliceRows(tensor, row, row + 1);
    return { ...rest, dims: dims.slice(1) };
  });
}

function elements(tensor: Tensor): string[] {
  const texts = elementTexts(tensor);
  return Array.from({ length: tensor.data.length }, (_, i) => texts(i, i + 1));
}

function equal(columns: readonly string[][]): readonly string[][] | undefined {
  return columns.every((column) => column.length === columns[0]?.length) ? columns : undefined;
}
