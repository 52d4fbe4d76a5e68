import { isMlopsError } from '../../base/index.ts';
import { holdsJson, paramsInput, requestInput, type PythonFacts } from '../python/python-model.ts';
import type { Prediction } from '../running/predict.ts';
import { isObject, type Json } from '../wire/json-reader.ts';
import { sliceRows, type Tensor, type Tensors } from '../wire/tensor.ts';
import { elementTexts, tensorToJson } from '../wire/tensor-json.ts';
import type { Scoring } from './mlflow-protocol.ts';

/**
 * The inputs of a scoring request for a model that Python runs: tensors where they fit, which can run together with
 * those of others; else the request itself, which MLflow then takes or refuses in its own words.
 */
export function pythonFeeds(facts: PythonFacts, scoring: Scoring, asTensors: () => Tensors): Tensors {
  // A missing text is no empty one to pandas.
  const asSent = facts.mode === 'json' || (scoring.csv !== undefined && facts.inputs.some(isText));
  if (!asSent) {
    try {
      const { params } = scoring;
      const feeds = asTensors();
      return params === undefined || !facts.params ? feeds : { ...feeds, [paramsInput]: textTensor(json(params)) };
    } catch (error) {
      if (!isMlopsError(error)) throw error;
    }
  }
  const { csv, form } = scoring;
  const text =
    csv === undefined ? `{"form":${JSON.stringify(form)},"body":${scoring.text()}}` : json({ csv: scoring.text() });
  return { [requestInput]: textTensor(text) };
}

/** The same for a native request to a model without a signature. */
export function pythonRequest(form: 'inputs' | 'instances', value: Json): Tensors {
  const body = isObject(value) && form === 'instances' ? [value] : value;
  return { [requestInput]: textTensor(json({ form, body: { [form]: body } })) };
}

function isText({ dtype }: PythonFacts['inputs'][number]): boolean {
  return dtype === 'string';
}

function textTensor(text: string): Tensor {
  return { dtype: 'string', dims: [1], data: [text] };
}

function json(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? Number(one) : one));
}

/** The value of an output in JSON, also where its texts are JSON already. */
export function pythonValue({ answer }: Prediction, tensor: Tensor): string {
  if (!holdsJson(answer.shape)) return tensorToJson(tensor);
  const texts = tensor.data as string[];
  return answer.shape === 'rows' ? `[${texts.join(',')}]` : (texts[0] ?? 'null');
}

/** What MLflow's scoring server makes of what the model returned. */
export function pythonAnswer(prediction: Prediction): string {
  const { outputs, shape } = prediction.answer;
  const entries = Object.entries(outputs);
  if (shape === 'columns') {
    const fields = entries.map(([name, tensor]) => `${JSON.stringify(name)}:${tensorToJson(tensor)}`);
    return `{"predictions":{${fields.join(',')}}}`;
  }
  const [first] = entries;
  if (first === undefined) return '{"predictions":[]}';
  if (shape !== 'records') return `{"predictions":${pythonValue(prediction, first[1])}}`;
  const columns = entries.map(([name, tensor]) => ({ key: JSON.stringify(name), cells: cellsOf(tensor) }));
  const rows = Array.from({ length: first[1].dims[0] ?? 0 }, (_, row) => {
    return `{${columns.map(({ key, cells }) => `${key}:${cells(row)}`).join(',')}}`;
  });
  return `{"predictions":[${rows.join(',')}]}`;
}

function cellsOf(tensor: Tensor): (row: number) => string {
  if (tensor.dims.length === 1) {
    const texts = elementTexts(tensor);
    return (row) => texts(row, row + 1);
  }
  return (row) => {
    const one = sliceRows(tensor, row, row + 1);
    return tensorToJson({ ...one, dims: one.dims.slice(1) });
  };
}
