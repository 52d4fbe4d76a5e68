import { MlopsError } from '../../base/index.ts';
import { findBoxes, type BoxDecoder, type FoundBox } from '../boxes/boxes.ts';
import { boxDecoder, inputSize } from './box-output.ts';
import type { ModelEdges, OutputSteps } from './steps.ts';
import type { OutputConfig, ServingConfig } from './serving-config.ts';
import { asFloats, withoutHalf, type Tensor, type Tensors } from '../wire/tensor.ts';

/** The steps that `outputs` of serving.yaml declares, in their order; outputs that it does not name are left out. */
export function outputSteps(config: ServingConfig, file: string, edges: ModelEdges): OutputSteps {
  for (const { name } of config.outputs) {
    if (edges.outputs.some((output) => output.name === name)) continue;
    const names = edges.outputs.map((output) => output.name).join(', ');
    throw new MlopsError('bad_config', `'${file}' names the output '${name}', the model has ${names}`);
  }
  const decoders = new Map<string, BoxDecoder>();
  for (const output of config.outputs) {
    const decoder = boxDecoder(output, file, edges);
    if (decoder !== undefined) decoders.set(output.as, decoder);
  }
  const sources = [...decoders.values()].flatMap((decoder) => Object.values(decoder.sources) as (string | undefined)[]);
  const named = config.outputs.find((output) => output.labels !== undefined && output.boxes === undefined);
  return {
    fetches: [...new Set([...config.outputs.map((output) => output.name), ...sources.flatMap((name) => name ?? [])])],
    sources: new Map(config.outputs.map((output) => [output.as, output.name])),
    labelled: named?.labels === undefined ? undefined : { output: named.as, classes: named.labels },
    apply(outputs, feeds, placements) {
      const results: Record<string, Tensor> = {};
      const objects: Record<string, FoundBox[][]> = {};
      for (const step of config.outputs) {
        const decoder = decoders.get(step.as);
        if (decoder !== undefined) {
          const size = inputSize(feeds, placements);
          objects[step.as] = findBoxes(floats(outputs), decoder, size, placements);
          continue;
        }
        const tensor = outputs[step.name];
        if (tensor !== undefined) results[step.as] = transform(tensor, step, feeds);
      }
      const scores = named === undefined ? undefined : results[named.as];
      const units = config.outputs.flatMap(({ as, unit }) => (unit === undefined ? [] : [[as, unit] as const]));
      return {
        outputs: results,
        labels: scores === undefined || named === undefined ? undefined : rowLabels(scores, named),
        top: scores === undefined || named?.topK === undefined ? undefined : rowTops(scores, named),
        units: units.length === 0 ? undefined : Object.fromEntries(units),
        objects: decoders.size === 0 ? undefined : objects,
      };
    },
  };
}

function transform(tensor: Tensor, step: OutputConfig, feeds: Tensors): Tensor {
  if (step.pooling === undefined && step.activation === undefined && !step.normalize) return tensor;
  let result: Tensor = asFloats(tensor);
  if (step.pooling !== undefined && result.dims.length === 3) result = pool(result, step.pooling, feeds);
  if (step.activation === 'sigmoid') result = { ...result, data: (result.data as Float32Array).map(sigmoid) };
  if (step.activation === 'softmax') result = overRows(result, softmax);
  return step.normalize ? overRows(result, normalize) : result;
}

function floats(tensors: Tensors): Tensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, withoutHalf(tensor)]));
}

/** Applies `change` to each vector along the last dimension. */
function overRows(tensor: Tensor, change: (row: Float32Array) => void): Tensor {
  const data = (tensor.data as Float32Array).slice();
  const width = tensor.dims.at(-1) ?? 1;
  for (let at = 0; at < data.length; at += width) change(data.subarray(at, at + width));
  return { ...tensor, data };
}

function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}

function softmax(row: Float32Array): void {
  const highest = row.reduce((a, b) => Math.max(a, b), -Infinity);
  let sum = 0;
  for (const [i, value] of row.entries()) sum += row[i] = Math.exp(value - highest);
  for (let i = 0; i < row.length; i++) row[i] = (row[i] ?? 0) / sum;
}

function normalize(row: Float32Array): void {
  const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
  if (length > 0) for (let i = 0; i < row.length; i++) row[i] = (row[i] ?? 0) / length;
}

/** [N, tokens, width] to [N, width] over the tokens that the attention mask keeps. */
function pool(tensor: Tensor, kind: 'mean' | 'cls' | 'max', feeds: Tensors): Tensor {
  const [rows = 0, tokens = 0, width = 0] = tensor.dims;
  const values = tensor.data as Float32Array;
  const mask = feeds['attention_mask'] ?? feeds['input_mask'];
  const data = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const kept = Array.from({ length: tokens }, (_, t) => t).filter(
      (t) => Number(mask?.data[row * tokens + t] ?? 1) !== 0,
    );
    const used = kind === 'cls' ? [0] : kept;
    for (let w = 0; w < width; w++) {
      const at = (token: number): number => values[(row * tokens + token) * width + w] ?? 0;
      data[row * width + w] =
        kind === 'max'
          ? used.reduce((highest, token) => Math.max(highest, at(token)), -Infinity)
          : used.reduce((sum, token) => sum + at(token), 0) / Math.max(1, used.length);
    }
  }
  return { dtype: 'float32', dims: [rows, width], data };
}

/** The best class of each row, or `unknown` where it does not reach the threshold. */
function rowLabels(scores: Tensor, { labels = [], threshold }: OutputConfig): string[] {
  const { rows, width } = matrix(scores);
  return Array.from({ length: rows }, (_, row) => {
    const own = rowOf(scores, row, width);
    // One score for two classes: the second from the threshold on.
    if (width === 1) return labels[(own[0] ?? 0) >= (threshold ?? 0.5) ? 1 : 0] ?? '';
    const best = own.indexOf(own.reduce((a, b) => Math.max(a, b), -Infinity));
    if (threshold !== undefined && (own[best] ?? 0) < threshold) return 'unknown';
    return labels[best] ?? String(best);
  });
}

function rowTops(scores: Tensor, { labels = [], topK = 1 }: OutputConfig) {
  const { rows, width } = matrix(scores);
  return Array.from({ length: rows }, (_, row) => {
    const own = rowOf(scores, row, width);
    const order = Array.from(own.keys()).sort((a, b) => (own[b] ?? 0) - (own[a] ?? 0));
    return order.slice(0, topK).map((at) => ({ label: labels[at] ?? String(at), score: own[at] ?? 0 }));
  });
}

function matrix(scores: Tensor): { rows: number; width: number } {
  const width = scores.dims.length === 1 ? 1 : (scores.dims.at(-1) ?? 1);
  return { rows: width === 0 ? 0 : scores.data.length / width, width };
}

function rowOf(scores: Tensor, row: number, width: number): Float32Array {
  return Float32Array.from((scores.data as Float32Array).subarray(row * width, (row + 1) * width), Number);
}
