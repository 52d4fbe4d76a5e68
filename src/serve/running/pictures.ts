import {
  badPicture,
  type Drawn,
  type DrawnPicture,
  type PicturePool,
  type PreparedPicture,
} from '../../pictures/index.ts';
import type { GivenPictures, ImagePlan } from '../processing/steps.ts';
import { allocate, concatRows, noTensors, numberToHalf, sliceRows, type Tensor, type Tensors } from '../wire/tensor.ts';
import type { Answer } from './job.ts';
import type { Runs, Scheduler } from './scheduler.ts';
import type { ServedVersion } from './served-version.ts';

/** What is known of a picture once it is a row of an input. */
export type DecodedPicture = Pick<PreparedPicture, 'placement' | 'facts'>;

/** Turns the pictures of requests into tensors, in threads of their own. */
export class PictureDesk {
  readonly #pool: PicturePool;
  readonly #describe: boolean;

  /** @param describe say of each picture what it is like, for the log. */
  constructor(pool: PicturePool, describe: boolean) {
    this.#pool = pool;
    this.#describe = describe;
  }

  /**
   * The feeds with the pictures decoded, a row each, and where each lies in its row.
   *
   * @throws MlopsError `bad_picture`, `overloaded`.
   */
  async decode(
    version: ServedVersion,
    feeds: Tensors,
    { input, files }: GivenPictures,
  ): Promise<{ feeds: Tensors; pictures: readonly DecodedPicture[] }> {
    const plan = version.processing?.input?.image;
    if (plan === undefined) throw new Error(`'${version.ref.name}' takes no pictures`);
    const prepared = await this.#prepare(plan, files);
    const all = Object.assign(noTensors(), feeds);
    all[input] = tensorOf(prepared, plan);
    return { feeds: all, pictures: prepared.map(({ placement, facts }) => ({ placement, facts })) };
  }

  async #prepare({ options }: ImagePlan, files: readonly Uint8Array[]): Promise<readonly PreparedPicture[]> {
    const how = { options, full: false, describe: this.#describe };
    const prepared = await this.#pool.prepareAll(files, how);
    if (sameSizes(prepared)) return prepared;
    // Letterboxes of several sizes are filled up, as Ultralytics does it.
    const full = options.resize?.mode === 'letterbox' && options.resize.stride !== undefined;
    const again = full ? await this.#pool.prepareAll(files, { ...how, full }) : prepared;
    if (sameSizes(again)) return again;
    const sizes = [...new Set(again.map(({ placement }) => `${placement.outWidth} x ${placement.outHeight}`))];
    throw badPicture(
      `the pictures of one request become different sizes: ${sizes.slice(0, 5).join(', ')}; send them one by one`,
    );
  }

  /** The file of a picture with objects drawn. @throws MlopsError `bad_picture`. */
  draw(version: ServedVersion, file: Uint8Array, objects: readonly Drawn[]): Promise<DrawnPicture> {
    const exif = version.processing?.input?.image?.options.exif ?? true;
    return this.#pool.draw(file, { exif, objects });
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

function sameSizes(prepared: readonly PreparedPicture[]): boolean {
  return prepared.every(({ dims }) => dims.join() === prepared[0]?.dims.join());
}

function tensorOf(prepared: readonly PreparedPicture[], { input }: ImagePlan): Tensor {
  const [first] = prepared;
  const dims = first?.dims ?? [0, 0, 0];
  const width = dims[0] * dims[1] * dims[2];
  const shaped = input.dims?.length === 3 && prepared.length === 1 ? dims : [prepared.length, ...dims];
  const { dtype } = input;
  if (prepared.length === 1 && first !== undefined && isOf(first.data, dtype))
    return { dtype, dims: shaped, data: first.data };
  const data = allocate(dtype, width * prepared.length);
  for (const [row, { data: values }] of prepared.entries()) fill(data, row * width, values, dtype);
  return { dtype, dims: shaped, data };
}

function isOf(data: Float32Array | Uint8Array, dtype: Tensor['dtype']): boolean {
  return dtype === (data instanceof Float32Array ? 'float32' : 'uint8');
}

function fill(data: Tensor['data'], at: number, values: Float32Array | Uint8Array, dtype: Tensor['dtype']): void {
  if (data instanceof BigInt64Array)
    for (let i = 0; i < values.length; i++) data[at + i] = BigInt(Math.round(values[i] ?? 0));
  else if (dtype === 'float16')
    for (let i = 0; i < values.length; i++) (data as Uint16Array)[at + i] = numberToHalf(values[i] ?? 0);
  else (data as Float32Array).set(values, at);
}

interface Wanted {
  readonly feeds: Tensors;
  readonly fetches: readonly string[];
  readonly gone: (() => boolean) | undefined;
}

/**
 * Runs the rows of a request: together, or one by one where the model takes one picture at a time, which most exports
 * of detectors do.
 *
 * @param pictures how many there are.
 */
export async function submitRows(
  scheduler: Scheduler,
  runs: Runs,
  { feeds, fetches, gone }: Wanted,
  pictures = 0,
): Promise<Answer> {
  const input = runs.version.processing?.input?.image?.input;
  const alone = input?.dims?.length === 3 || input?.dims?.[0] === 1;
  if (pictures <= 1 || !alone) return scheduler.submit(runs, feeds, fetches, gone);
  const rows = Array.from({ length: pictures }, (_, row) => rowOf(feeds, row, pictures, input));
  const answers = await Promise.all(rows.map((row) => scheduler.submit(runs, row, fetches, gone)));
  const [first] = answers;
  if (first === undefined) throw new Error('a request of pictures has none');
  const outputs = noTensors();
  for (const name in first.outputs) {
    const shape = first.outputs[name]?.dims.join();
    if (answers.every((one) => one.outputs[name]?.dims.join() === shape)) continue;
    throw badPicture(`the answers to the pictures have different shapes ('${name}'); send them one by one`);
  }
  for (const name in first.outputs) outputs[name] = concatRows(answers.map((one) => withRow(one.outputs[name])));
  return { ...first, outputs, ran: answers.reduce((sum, { ran }) => sum + ran, 0) };
}

/** A row of what has as many as there are pictures; what has another size goes along with each. */
function rowOf(feeds: Tensors, row: number, rows: number, input: ImagePlan['input'] | undefined): Tensors {
  const own = noTensors();
  for (const name in feeds) {
    const tensor = feeds[name];
    if (tensor === undefined) continue;
    const cut = tensor.dims[0] === rows ? sliceRows(tensor, row, row + 1) : tensor;
    own[name] = name === input?.name && input.dims?.length === 3 ? { ...cut, dims: cut.dims.slice(1) } : cut;
  }
  return own;
}

/** Outputs of a model without a first dimension for rows get one. */
function withRow(tensor: Tensor | undefined): Tensor {
  if (tensor === undefined) throw new Error('a run left out an output');
  return tensor.dims[0] === 1 ? tensor : { ...tensor, dims: [1, ...tensor.dims] };
}
