import type { VersionFacts } from '../running/served-version.ts';
import { dtypes, elementCount, halfToNumber, type Tensor } from '../wire/tensor.ts';
import { invalid } from '../wire/tensor-json.ts';

/**
 * The classification extension, as Triton answers it: for each row the `count` largest values, best first, as texts
 * `value:index` or `value:index:label`; equal values in the order of their places. A single row where the first
 * dimension is no batch.
 *
 * @throws MlopsError `invalid_input` for an output that holds no numbers.
 */
export function classified(version: VersionFacts, name: string, tensor: Tensor, count: number): Tensor {
  const { kind } = dtypes[tensor.dtype];
  if (kind === 'string' || kind === 'bool') {
    throw invalid(`outputs.${name}`, 'numbers, for classification', dtypes[tensor.dtype].v2);
  }
  const declared = version.outputs.find((output) => output.name === name)?.dims;
  const batched = tensor.dims.length > 1 || typeof declared?.[0] === 'string';
  const rows = batched ? (tensor.dims[0] ?? 0) : 1;
  const width = batched ? elementCount(tensor.dims.slice(1)) : tensor.data.length;
  const labels = version.onnx.classes.get(name) ?? version.labels?.classes;
  const values = Array.from(tensor.data as Float32Array, (value) =>
    tensor.dtype === 'float16' ? halfToNumber(value) : value,
  );
  const texts: string[] = [];
  const kept = Math.min(count, width);
  for (let row = 0; row < rows; row++) {
    const own = values.slice(row * width, (row + 1) * width);
    const order = Array.from(own.keys()).sort((a, b) => descending(own[a] ?? 0, own[b] ?? 0) || a - b);
    for (const at of order.slice(0, kept)) {
      const label = labels?.length === width ? `:${labels[at]}` : '';
      texts.push(`${kind === 'float' ? shown(own[at] ?? 0) : String(own[at])}:${at}${label}`);
    }
  }
  return { dtype: 'string', dims: batched ? [rows, kept] : [kept], data: texts };
}

/** NaN last. Comparing instead of subtracting: 64-bit integers come as bigint. */
function descending(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a > b ? -1 : a < b ? 1 : 0;
}

/** Six decimals, as C++ prints a float. */
function shown(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return Math.abs(value) < 1e21 ? value.toFixed(6) : `${BigInt(value)}.000000`;
}
