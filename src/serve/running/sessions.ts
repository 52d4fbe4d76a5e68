/**
 * The runtime in whatever thread this is: onnxruntime-node computes synchronously, so the thread does nothing else
 * meanwhile. Inference threads are built on it (`inference.worker.ts`); the server's own thread takes only what is over
 * at once (`near-sessions.ts`).
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';

import { messageOf } from '../../base/index.ts';
import {
  analyseRows,
  isDtype,
  openOptionalInputs,
  optionalInputs,
  readOnnx,
  rewriteLocale,
  rewriteZipMap,
  servableInputs,
  servableOutputs,
  type DefaultValue,
  type OnnxModel,
  type OnnxValue,
} from '../../model/index.ts';
import { allocate, elementCount, noTensors, type Tensor, type Tensors } from '../wire/tensor.ts';
import type { LoadedInfo, ToWorker } from './worker-messages.ts';

type LoadRequest = Omit<Extract<ToWorker, { kind: 'load' }>, 'kind' | 'id'> & { readonly md5?: string };

export interface Loaded {
  /** What making the session took. */
  readonly milliseconds: number;
  readonly info?: LoadedInfo;
}

export interface Ran {
  readonly outputs: Tensors;
  /** Time inside the runtime. */
  readonly milliseconds: number;
}

/** The models that are loaded in a thread, by the number that the server gave them. */
export class Sessions {
  /** Promises, so that a run that arrives while its model is being loaded waits for it. */
  readonly #sessions = new Map<number, Promise<InferenceSession>>();
  /** Values of optional inputs, by session. */
  readonly #defaults = new Map<number, Record<string, OrtTensor>>();

  /**
   * @param request `md5`: what the file must still be.
   * @throws MlopsError, and what the runtime throws, in its own words.
   */
  async load({ session: id, file, describe, md5 }: LoadRequest): Promise<Loaded> {
    const bytes = fs.readFileSync(file);
    if (md5 !== undefined && md5 !== md5Of(bytes)) throw new Error(`'${file}' is no longer what was loaded before`);
    const onnx = readOnnx(bytes, file);
    const options: InferenceSession.SessionOptions = {
      executionProviders: ['cpu'],
      // More threads per session were three times slower than one; the pool has the threads.
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      logSeverityLevel: 4,
    };
    const start = performance.now();
    const { changed, given } = adapted(bytes, onnx, file);
    const session = create({ bytes, changed, onnx, file }, options);
    if (given !== undefined) this.#defaults.set(id, given);
    this.#sessions.set(id, session);
    try {
      const { outputMetadata } = await session;
      const milliseconds = performance.now() - start;
      const outputs = onnx.outputs.map((output) => typed(output, outputMetadata));
      return describe ? { milliseconds, info: facts(bytes, { ...onnx, outputs }, file, given) } : { milliseconds };
    } catch (error) {
      this.#sessions.delete(id);
      this.#defaults.delete(id);
      throw error;
    }
  }

  /** @throws what the runtime throws, in its own words. */
  async run(id: number, given: Tensors, fetches: readonly string[]): Promise<Ran> {
    const session = await this.#sessions.get(id);
    if (session === undefined) throw new Error(`session ${id} is not loaded here`);
    const feeds = Object.assign(Object.create(null) as Record<string, OrtTensor>, this.#defaults.get(id));
    for (const name in given) {
      const tensor = given[name];
      if (tensor !== undefined) feeds[name] = toOrt(tensor);
    }
    const start = performance.now();
    const results = await session.run(feeds, fetches as string[]);
    const milliseconds = performance.now() - start;
    const outputs = noTensors();
    for (const name of fetches) {
      const result = results[name];
      if (result !== undefined) outputs[name] = fromOrt(result);
    }
    return { outputs, milliseconds };
  }

  async release(id: number): Promise<void> {
    const session = this.#sessions.get(id);
    this.#sessions.delete(id);
    this.#defaults.delete(id);
    await (await session)?.release();
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).release();
    this.#sessions.clear();
  }
}

function facts(bytes: Uint8Array, onnx: OnnxModel, file: string, given: object = {}): LoadedInfo {
  const outputs = servableOutputs(onnx).map((output) => output.name);
  const rows = analyseRows(bytes, servableInputs(onnx) ?? [], outputs);
  const optional = optionalInputs(onnx).filter(({ name }) => Object.hasOwn(given, name));
  return { onnx, rows, optional, md5: md5Of(bytes), size: bytes.length + externalSize(onnx, file) };
}

function md5Of(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

function externalSize(onnx: OnnxModel, file: string): number {
  const sizes = onnx.externalFiles.map((name) => fs.statSync(path.join(path.dirname(file), name)).size);
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Files may leave out the types of outputs: the runtime infers them. */
function typed(output: OnnxValue, metadata: InferenceSession['outputMetadata']): OnnxValue {
  const inferred = metadata.find((one) => one.name === output.name);
  if (output.type !== 'unknown' || inferred?.isTensor !== true || !isDtype(inferred.type)) return output;
  return { ...output, type: `tensor(${inferred.type})`, dtype: inferred.type, dims: undefined };
}

/** The model as onnxruntime-node can run all of it, where that is not the file itself. */
function adapted(bytes: Uint8Array, onnx: OnnxModel, file: string) {
  const changed = onnx.hasZipMap ? rewriteZipMap(bytes, file) : undefined;
  const optional = optionalInputs(onnx);
  if (optional.length === 0) return { changed, given: undefined };
  const opened = openOptionalInputs(changed ?? bytes, new Set(optional.map(({ name }) => name)));
  const given: Record<string, OrtTensor> = {};
  for (const { name, dtype } of optional) {
    const value = opened.defaults.get(name);
    if (value !== undefined) given[name] = toOrt(defaultTensor(dtype, value));
  }
  return { changed: opened.bytes, given };
}

function defaultTensor(dtype: Tensor['dtype'], { dims, raw, values }: DefaultValue): Tensor {
  const data = allocate(dtype, elementCount(dims));
  if (raw !== undefined && !Array.isArray(data)) new Uint8Array(data.buffer).set(raw.subarray(0, data.byteLength));
  else for (const [i, value] of values.entries()) (data as unknown[])[i] = value;
  return { dtype, dims, data };
}

async function create(
  { bytes, changed, onnx, file }: { bytes: Uint8Array; changed: Uint8Array | undefined; onnx: OnnxModel; file: string },
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  const fromBytes = (content: Uint8Array): Promise<InferenceSession> =>
    InferenceSession.create(content, { ...options, ...externalData(onnx, file) });
  try {
    return await (changed === undefined ? InferenceSession.create(file, options) : fromBytes(changed));
  } catch (error) {
    if (!/construct locale/.test(messageOf(error))) throw error;
    return fromBytes(rewriteLocale(changed ?? bytes, 'C.UTF-8'));
  }
}

/** A model given as bytes finds its external files only when they are named. */
function externalData(onnx: OnnxModel, file: string): Pick<InferenceSession.SessionOptions, 'externalData'> {
  const folder = path.dirname(file);
  return {
    externalData: onnx.externalFiles.map((name) => ({ path: name, data: fs.readFileSync(path.join(folder, name)) })),
  };
}

function toOrt(tensor: Tensor): OrtTensor {
  return new OrtTensor(tensor.dtype as 'float32', tensor.data as Float32Array, tensor.dims);
}

function fromOrt(result: OrtTensor): Tensor {
  return { dtype: result.type as Tensor['dtype'], dims: result.dims, data: result.data };
}
