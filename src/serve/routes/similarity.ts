import { MlopsError } from '../../base/index.ts';
import type { TensorInfo } from '../../model/index.ts';
import type { VersionFacts } from '../running/served-version.ts';
import { halfToNumber, type Tensor } from '../wire/tensor.ts';

/**
 * The output that holds a vector per row: the one asked for, else the one called `embedding(s)`, else the only
 * float matrix.
 *
 * @throws MlopsError `invalid_input` when it is not clear which.
 */
export function embeddingOutput(
  version: VersionFacts,
  outputs: readonly TensorInfo[],
  asked: string | undefined,
): string {
  const floats = outputs.filter(({ dtype, dims }) => dtype.startsWith('float') && dims?.length === 2);
  const named = outputs.find((output) => output.name === asked);
  if (asked !== undefined) {
    if (named?.dtype.startsWith('float') === true) return named.name;
    throw problem(version, `'${asked}' is no float output`);
  }
  const embedding = floats.find((output) => /^(sentence_)?embeddings?$/i.test(output.name));
  if (embedding !== undefined) return embedding.name;
  const [only] = floats;
  if (only !== undefined && floats.length === 1) return only.name;
  throw problem(version, `${floats.length} of its outputs are float vectors`);
}

function problem(version: VersionFacts, why: string): MlopsError {
  return new MlopsError('invalid_input', `the embedding of '${version.ref.name}' is not clear: ${why}`, {
    hint: `name one as 'output': ${version.outputNames.join(', ')}`,
    data: { path: 'output' },
  });
}

/** Cosine similarity of every row with every row; 0 where a vector is all zero. */
export function cosineMatrix(tensor: Tensor): number[][] {
  const rows = vectors(tensor);
  const matrix: number[][] = [];
  for (const [i, a] of rows.entries()) matrix.push(rows.map((b, j) => (j < i ? (matrix[j]?.[i] ?? 0) : cosine(a, b))));
  return matrix;
}

/** Cosine similarity of the first row with each of the others. */
export function cosinesOfFirst(tensor: Tensor): number[] {
  const [first, ...others] = vectors(tensor);
  return first === undefined ? [] : others.map((other) => cosine(first, other));
}

/** Rows as unit vectors of doubles. */
function vectors({ dims, data, dtype }: Tensor): Float64Array[] {
  const [rows = 0] = dims;
  const width = rows === 0 ? 0 : data.length / rows;
  return Array.from({ length: rows }, (_, row) => {
    const vector = Float64Array.from({ length: width }, (_unused, i) => {
      const value = Number(data[row * width + i]);
      return dtype === 'float16' ? halfToNumber(value) : value;
    });
    const length = Math.sqrt(dot(vector, vector));
    return length === 0 ? vector : vector.map((value) => value / length);
  });
}

/** Of unit vectors; rounding must not lead beyond 1. */
function cosine(a: Float64Array, b: Float64Array): number {
  return Math.max(-1, Math.min(1, dot(a, b)));
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
