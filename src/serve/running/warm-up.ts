import { messageOf } from '../../base/index.ts';
import type { Aside } from './inference-pool.ts';
import { inputsOf, kinds, type Kind } from './made-up-inputs.ts';
import type { Processing } from '../processing/steps.ts';
import type { ServedVersion } from './served-version.ts';
import { sliceRows, type Tensor, type Tensors } from '../wire/tensor.ts';

export interface TriedOut {
  /** One made-up row that the model takes; undefined where there is none. */
  readonly feeds: Tensors | undefined;
  /** Why requests must not share a run; undefined: they may. */
  readonly alone: string | undefined;
}

type Edges = Pick<ServedVersion, 'inputs' | 'outputs'>;

/** Sizes to try for free dimensions below the first: short texts, scalars in a row, small and usual pictures. */
const innerSizes = [8, 1, 64, 224];
/**
 * Rows to compare at most, fewer where a run takes long. What sums in another order shows with any values, so that most
 * rows are of one kind.
 */
const mostRows: Readonly<Record<Kind, number>> = { real: 32, large: 8, small: 8 };
/** What comparing may take, in milliseconds. */
const patience = 1_000;

/**
 * Runs made-up inputs, so that the first request is not the slow one, and finds out whether requests may share a run.
 * They may when the graph is proven to keep rows apart, and when rows of all kinds of values then give together, in
 * batches of several sizes, bit for bit what each gives alone: kernels may sum in another order for more rows.
 * `batching` in serving.yaml has the last word.
 */
export async function tryOut(aside: Aside, edges: Edges & { batching: Processing['batching'] }): Promise<TriedOut> {
  const { batching } = edges;
  const { mixing } = aside.info.rows;
  const sample = await findSample(aside, edges);
  const feeds = typeof sample === 'string' ? undefined : sample.feeds;
  if (batching === 'on') return { feeds, alone: undefined };
  if (batching === 'off') return { feeds, alone: 'serving.yaml says so' };
  if (mixing !== undefined) return { feeds, alone: mixing };
  if (typeof sample === 'string') return { feeds, alone: `made-up inputs to try it with do not run: ${sample}` };
  return { feeds, alone: await compare(aside, edges, sample) };
}

interface Sample {
  readonly feeds: Tensors;
  /** Size of free dimensions below the first. */
  readonly inner: number;
  readonly milliseconds: number;
}

/** A row that the model takes, or what it says to all that were tried. */
async function findSample(aside: Aside, edges: Edges): Promise<Sample | string> {
  if (!edges.inputs.every(holdsData)) return 'its inputs steer the graph';
  let problem = 'they would be too large';
  for (const inner of innerSizes) {
    for (const kind of kinds) {
      const feeds = inputsOf(edges.inputs, aside.info.rows.choices, { kind, rows: 1, inner });
      if (feeds === undefined) continue;
      const outcome = await attempt(aside, edges, feeds);
      if (typeof outcome !== 'string') return { feeds, inner, milliseconds: outcome.milliseconds };
      problem = outcome;
    }
    if (edges.inputs.every(({ dims = [] }) => dims.every((dim, i) => i === 0 || typeof dim === 'number'))) break;
  }
  return problem;
}

/**
 * Scalars and short vectors steer a graph (a loop's count, a range's step, an output's size): made-up values there could
 * make it compute for ever.
 */
function holdsData({ dims }: Edges['inputs'][number]): boolean {
  return dims !== undefined && (dims.length >= 2 || typeof dims[0] === 'string');
}

async function attempt(aside: Aside, edges: Edges, feeds: Tensors) {
  try {
    return await aside.run(
      feeds,
      edges.outputs.map(({ name }) => name),
    );
  } catch (error) {
    return messageOf(error);
  }
}

/** Why rows together do not give what each gives alone; undefined when they do. */
async function compare(aside: Aside, edges: Edges, sample: Sample): Promise<string | undefined> {
  // A row is run alone and in batches, three times in all, of each kind of values.
  const affordable = Math.floor(patience / (kinds.length * 3 * Math.max(sample.milliseconds, 0.01)));
  let compared = 0;
  for (const kind of kinds) {
    const rows = Math.max(2, Math.min(mostRows[kind], affordable));
    const outcome = await compareKind(aside, edges, { kind, rows, inner: sample.inner });
    if (outcome === 'differs')
      return 'rows that run together end in other last digits than each alone (`batching: on` in serving.yaml allows it)';
    if (outcome === 'same') compared++;
  }
  return compared > 0 ? undefined : 'made-up inputs to try it with do not run in batches';
}

async function compareKind(
  aside: Aside,
  edges: Edges,
  want: { kind: Kind; rows: number; inner: number },
): Promise<'same' | 'differs' | 'does not run'> {
  const all = inputsOf(edges.inputs, aside.info.rows.choices, want);
  if (all === undefined) return 'does not run';
  const singles: Tensors[] = [];
  for (let row = 0; row < want.rows; row++) {
    const outcome = await attempt(aside, edges, rowsOf(all, row, row + 1));
    if (typeof outcome === 'string') return 'does not run';
    singles.push(outcome.outputs);
  }
  const sizes = [2, 3, 5, 8, 16, 31, 32].filter((size) => size <= want.rows);
  for (const size of sizes) {
    const from = (want.rows - size) >> 1;
    const outcome = await attempt(aside, edges, rowsOf(all, from, from + size));
    if (typeof outcome === 'string') return 'does not run';
    const same = edges.outputs.every(({ name }) =>
      singles.slice(from, from + size).every((single, row) => sameRow(single[name], outcome.outputs[name], row, size)),
    );
    if (!same) return 'differs';
  }
  return 'same';
}

function rowsOf(tensors: Tensors, from: number, to: number): Tensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, sliceRows(tensor, from, to)]));
}

function sameRow(alone: Tensor | undefined, joined: Tensor | undefined, row: number, rows: number): boolean {
  if (alone?.dims[0] !== 1 || joined?.dims[0] !== rows) return false;
  const own = sliceRows(joined, row, row + 1);
  if (own.data.length !== alone.data.length) return false;
  // Object.is: NaN is NaN, and 0 is not -0.
  for (let i = 0; i < own.data.length; i++) if (!Object.is(own.data[i], alone.data[i])) return false;
  return true;
}
