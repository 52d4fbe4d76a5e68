import type { VersionFacts } from '../running/served-version.ts';
import { readPlainNumbers, type PlainNumbers } from '../wire/plain-numbers.ts';
import { fitsDims } from '../wire/tensor-json.ts';
import { noTensors, type Tensors } from '../wire/tensor.ts';

/** A native body of one plain tensor, read from its bytes; undefined for any other body. */
export function plainNumbersOf(body: unknown, contentType: string | undefined): PlainNumbers | undefined {
  if (!Buffer.isBuffer(body)) return undefined;
  const charset = contentType?.toLowerCase().split('charset')[1];
  return charset === undefined || /^="?utf-?8/.test(charset) ? readPlainNumbers(body) : undefined;
}

/**
 * The feeds of a model of one input of floats, without a serving.yaml for its inputs; undefined where another reader
 * has to look at the body: other models, shapes that do not fit, names that are not the model's.
 */
export function plainFeeds(
  version: VersionFacts,
  { at, name, dims, values, exact }: PlainNumbers,
): Tensors | undefined {
  const [info] = version.inputs;
  if (info?.dims === undefined || version.inputs.length !== 1 || version.processing?.input !== undefined)
    return undefined;
  if (name === undefined ? info.name === at : info.name !== name) return undefined;
  if (info.name === 'inputs' || info.name === 'instances') return undefined;
  const { dtype } = info;
  if (dtype !== 'float32' && (dtype !== 'float64' || !exact)) return undefined;
  // One row may stand alone where a list of rows is meant.
  const isRow = dims.length + 1 === info.dims.length && typeof info.dims[0] === 'string';
  if (isRow && info.dims.length === 2 && info.dims[1] === 1) return undefined;
  const full = isRow ? [1, ...dims] : dims;
  if (!fitsDims(full, info.dims)) return undefined;
  const feeds = noTensors();
  feeds[info.name] = { dtype, dims: full, data: dtype === 'float32' ? new Float32Array(values) : values.slice() };
  return feeds;
}
