/**
 * The thread in which models are loaded and run: onnxruntime-node computes synchronously, so it would stop every
 * answer of the server's own thread. Speaks the messages of `worker-messages.ts`.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parentPort } from 'node:worker_threads';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';

import { isMlopsError, messageOf } from '../../base/index.ts';
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
import { buffersOf, hasPacked, packTexts, unpackTexts } from '../wire/packed-texts.ts';
import { allocate, elementCount, noTensors, type Tensor } from '../wire/tensor.ts';
import type { FromWorker, LoadedInfo, ToWorker } from './worker-messages.ts';

/** Promises, so that a run that arrives while its model is being loaded waits for it. */
const sessions = new Map<number, Promise<InferenceSession>>();
/** Values of optional inputs, by session. */
const defaults = new Map<number, Record<string, OrtTensor>>();

parentPort?.on('message', (message: ToWorker) => {
  void handle(message);
});

async function handle(message: ToWorker): Promise<void> {
  try {
    if (message.kind === 'load') answer({ id: message.id, ...(await load(message)) });
    else if (message.kind === 'run') await run(message);
    else if (message.kind === 'close') await close();
    else {
      const session = sessions.get(message.session);
      sessions.delete(message.session);
      defaults.delete(message.session);
      await (await session)?.release();
      answer({ id: message.id });
    }
  } catch (error) {
    const code = isMlopsError(error) ? error.code : undefined;
    answer({ id: message.id, error: { message: messageOf(error), code } });
  }
}

async function close(): Promise<void> {
  for (const session of sessions.values()) await (await session).release();
  parentPort?.close();
}

function answer(message: FromWorker): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
  parentPort?.postMessage(message);
}

async function load({ session: id, file, describe }: Extract<ToWorker, { kind: 'load' }>) {
  const bytes = fs.readFileSync(file);
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
  if (given !== undefined) defaults.set(id, given);
  sessions.set(id, session);
  try {
    const { outputMetadata } = await session;
    const milliseconds = performance.now() - start;
    const outputs = onnx.outputs.map((output) => typed(output, outputMetadata));
    return describe ? { milliseconds, info: facts(bytes, { ...onnx, outputs }, file, given) } : { milliseconds };
  } catch (error) {
    sessions.delete(id);
    defaults.delete(id);
    throw error;
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

async function run(message: Extract<ToWorker, { kind: 'run' }>): Promise<void> {
  const session = await sessions.get(message.session);
  if (session === undefined) throw new Error(`session ${message.session} is not loaded here`);
  const feeds = Object.assign(Object.create(null) as Record<string, OrtTensor>, defaults.get(message.session));
  // Who hands texts over packed takes them so.
  const packed = hasPacked(message.feeds);
  const given = packed ? unpackTexts(message.feeds) : message.feeds;
  for (const name in given) {
    const tensor = given[name];
    if (tensor !== undefined) feeds[name] = toOrt(tensor);
  }
  const start = performance.now();
  const results = await session.run(feeds, message.fetches as string[]);
  const milliseconds = performance.now() - start;
  const outputs = noTensors();
  const transfer: ArrayBuffer[] = [];
  for (const name of message.fetches) {
    const result = results[name];
    if (result === undefined) continue;
    const tensor = fromOrt(result);
    outputs[name] = tensor;
    if (!Array.isArray(tensor.data) && tensor.data.byteLength > 16_384)
      transfer.push(tensor.data.buffer as ArrayBuffer);
  }
  if (packed) {
    const handed = packTexts(outputs);
    parentPort?.postMessage({ id: message.id, outputs: handed, milliseconds } satisfies FromWorker, buffersOf(handed));
    return;
  }
  parentPort?.postMessage({ id: message.id, outputs, milliseconds } satisfies FromWorker, transfer);
}

function toOrt(tensor: Tensor): OrtTensor {
  return new OrtTensor(tensor.dtype as 'float32', tensor.data as Float32Array, tensor.dims);
}

function fromOrt(result: OrtTensor): Tensor {
  return { dtype: result.type as Tensor['dtype'], dims: result.dims, data: result.data };
}
