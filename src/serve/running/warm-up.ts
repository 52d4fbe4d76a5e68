import type { TensorInfo } from '../../model/index.ts';
import type { InferencePool } from './inference-pool.ts';
import type { ServedVersion } from './served-version.ts';
import {
  allocate,
  concatRows,
  elementCount,
  noTensors,
  numberToHalf,
  sliceRows,
  type Tensor,
  type Tensors,
} from '../wire/tensor.ts';

/** No probe larger than this many values: warming up must not delay the start. */
const probeLimit = 2_000_000;

/**
 * Runs a made-up input once in every thread, so that the first request is not the slow one, and finds out whether rows
 * of different requests may share a run: the declared shapes must allow it, and two rows together must give what each
 * gives alone. (A model may mix rows, as a softmax over the first dimension does; the shapes do not tell.)
 */
export async function warmUp(pool: InferencePool, version: ServedVersion): Promise<void> {
  if (!version.inputs.every(holdsData)) return;
  const one = probe(version.inputs, 1);
  if (one === undefined) return;
  const alone = await attempt(pool, version, one);
  if (alone === undefined || !shapesAllowBatches(version)) return;
  const two = probe(version.inputs, 2);
  if (two === undefined) return;
  const second = await attempt(
    pool,
    version,
    mapTensors(two, (tensor) => sliceRows(tensor, 1, 2)),
    1,
  );
  const first = await attempt(
    pool,
    version,
    mapTensors(two, (tensor) => sliceRows(tensor, 0, 1)),
    1,
  );
  const both = await attempt(pool, version, two, 1);
  if (first === undefined || second === undefined || both === undefined) return;
  version.batchable = version.outputNames.every((name) => {
    const [a, b, joined] = [first[name], second[name], both[name]];
    return a !== undefined && b !== undefined && joined !== undefined && alike(a, b, joined);
  });
}

/**
 * Scalars and short vectors steer a graph (a loop's count, a range's step, an output's size): made-up values there could
 * make it compute for ever.
 */
function holdsData({ dims }: TensorInfo): boolean {
  return dims !== undefined && (dims.length >= 2 || typeof dims[0] === 'string');
}

async function attempt(
  pool: InferencePool,
  version: ServedVersion,
  feeds: Tensors,
  threads = pool.threads.length,
): Promise<Tensors | undefined> {
  try {
    const runs = pool.threads
      .slice(0, threads)
      .map((thread) => thread.run(version.session, feeds, version.outputNames));
    return (await Promise.all(runs))[0]?.outputs;
  } catch {
    // The model does not like made-up values; real ones will show.
    return undefined;
  }
}

function shapesAllowBatches(version: ServedVersion): boolean {
  const free = (tensor: TensorInfo): boolean => typeof tensor.dims?.[0] === 'string';
  return version.inputs.length > 0 && version.inputs.every(free) && version.outputs.every(free);
}

/** An input of varied small values with `rows` in the first free dimension and 1 in other free ones. */
function probe(inputs: readonly TensorInfo[], rows: number): Tensors | undefined {
  const feeds = noTensors();
  let seed = 1;
  let total = 0;
  for (const { name, dtype, dims = [1] } of inputs) {
    const sizes = dims.map((dim, i) => (typeof dim === 'number' ? dim : i === 0 ? rows : 1));
    const count = elementCount(sizes);
    total += count;
    if (total > probeLimit) return undefined;
    const data = allocate(dtype, count);
    for (let i = 0; i < count; i++) {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      const random = seed / 2147483648;
      if (Array.isArray(data)) data[i] = random < 0.5 ? 'probe' : 'text';
      else if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = random < 0.5 ? 0n : 1n;
      else if (dtype === 'float32' || dtype === 'float64') data[i] = random;
      else if (dtype === 'float16') data[i] = numberToHalf(random);
      else data[i] = random < 0.5 ? 0 : 1;
    }
    feeds[name] = { dtype, dims: sizes, data };
  }
  return feeds;
}

function mapTensors(tensors: Tensors, change: (tensor: Tensor) => Tensor): Tensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, change(tensor)]));
}

function alike(a: Tensor, b: Tensor, joined: Tensor): boolean {
  if (a.dims[0] !== 1 || b.dims[0] !== 1 || joined.dims[0] !== 2) return false;
  const wanted = concatRows([a, b]);
  if (wanted.data.length !== joined.data.length) return false;
  for (let i = 0; i < wanted.data.length; i++) {
    const x = wanted.data[i];
    const y = joined.data[i];
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    if (typeof x !== 'number' || typeof y !== 'number' || joined.dtype === 'float16') return false;
    if (Math.abs(x - y) > 1e-5 * Math.max(1, Math.abs(x), Math.abs(y))) return false;
  }
  return true;
}
