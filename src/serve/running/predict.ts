import { MlopsError } from '../../base/index.ts';
import type { Processed } from '../processing/steps.ts';
import type { Repository } from './repository.ts';
import type { Scheduler } from './scheduler.ts';
import type { Answer } from './job.ts';
import type { ServedVersion } from './served-version.ts';
import type { Tensor, Tensors } from '../wire/tensor.ts';

/** A request of any protocol, after its inputs were read for the version it named. */
export interface Prediction {
  readonly version: ServedVersion;
  readonly feeds: Tensors;
  /** The outputs wanted, in order. */
  readonly fetches: readonly string[];
  readonly answer: Answer;
  /** The outputs to answer by name: the model's own, or what serving.yaml makes of them. */
  readonly outputs: Tensors;
  readonly labels: readonly string[] | undefined;
  /** Best labels of each row, where serving.yaml asks for them. */
  readonly top: Processed['top'];
  readonly units: Processed['units'];
  /** Milliseconds from the arrival of the request. */
  readonly latency: number;
}

export interface PredictRequest {
  readonly model: string | undefined;
  readonly version: string | undefined;
  /** Reads the inputs, once the version is known. */
  read(version: ServedVersion): { feeds: Tensors; fetches?: readonly string[] | undefined };
  /** Apply the outputs part of serving.yaml; protocols that speak tensors do not. */
  readonly processed?: boolean;
  gone?(): boolean;
}

/** What every protocol does: version, inputs, run, labels, numbers. */
export class Predictor {
  readonly repository: Repository;
  readonly #scheduler: Scheduler;

  constructor(repository: Repository, scheduler: Scheduler) {
    this.repository = repository;
    this.#scheduler = scheduler;
  }

  async predict(request: PredictRequest): Promise<Prediction> {
    const started = performance.now();
    const found = this.repository.version(request.model, request.version);
    // One turn less for the common case of a version that is loaded.
    const version = found instanceof Promise ? await found : found;
    const { stats } = version;
    version.users++;
    try {
      const steps = request.processed === true ? version.processing?.output : undefined;
      const { feeds, fetches = version.outputNames } = request.read(version);
      const wanted = steps?.fetches ?? fetches;
      const answer = await this.#scheduler.submit(version, feeds, wanted, request.gone?.bind(request));
      const done = steps?.apply(answer.outputs, feeds);
      const outputs = done?.outputs ?? answer.outputs;
      const labels = done?.labels ?? labelsOf(version, answer.outputs);
      const latency = performance.now() - started;
      stats.success++;
      stats.lastInference = Date.now();
      stats.latency.observe(latency / 1000);
      stats.nanoseconds.success += latency * 1e6;
      stats.nanoseconds.queue += answer.queued * 1e6;
      countAnswers(version, answer.outputs, labels);
      const names = done === undefined ? fetches : Object.keys(outputs);
      return { version, feeds, fetches: names, answer, outputs, labels, top: done?.top, units: done?.units, latency };
    } catch (error) {
      stats.failure++;
      stats.nanoseconds.failure += (performance.now() - started) * 1e6;
      throw error;
    } finally {
      version.users--;
      if (version.retired) this.repository.releaseIfDone(version);
    }
  }
}

/** One label for each row, where the model has labels. */
function labelsOf(version: ServedVersion, outputs: Tensors): string[] | undefined {
  const plan = version.labels;
  const tensor = plan === undefined ? undefined : outputs[plan.output];
  if (plan === undefined || tensor === undefined) return undefined;
  if (tensor.dims.length === 1) {
    return Array.from(tensor.data as ArrayLike<unknown>, (value) => plan.classes?.[Number(value)] ?? String(value));
  }
  const [rows = 0, columns = 0] = tensor.dims;
  const scores = tensor.data as Float32Array;
  return Array.from({ length: rows }, (_, row) => {
    let best = 0;
    for (let c = 1; c < columns; c++) {
      if ((scores[row * columns + c] ?? 0) > (scores[row * columns + best] ?? 0)) best = c;
    }
    return plan.classes?.[best] ?? String(best);
  });
}

function countAnswers(version: ServedVersion, outputs: Tensors, labels: readonly string[] | undefined): void {
  const { answers } = version.stats;
  if (labels !== undefined) {
    for (const label of labels) answers.label(label);
    return;
  }
  const tensor = outputs[version.outputNames[0] ?? ''];
  if (tensor !== undefined && isSmallFloat(tensor))
    for (const value of tensor.data as Float32Array) answers.number(value);
}

/** One number per row, as a regression answers; wide outputs have no single distribution. */
function isSmallFloat(tensor: Tensor): boolean {
  if (tensor.dtype !== 'float32' && tensor.dtype !== 'float64') return false;
  return tensor.dims.length < 2 || tensor.dims[1] === 1;
}

/** @throws MlopsError `invalid_input` when a requested output does not exist. */
export function chosenOutputs(version: ServedVersion, names: readonly string[], path: string): readonly string[] {
  for (const [i, name] of names.entries()) {
    if (version.outputNames.includes(name)) continue;
    const expected = `one of ${version.outputNames.join(', ')}`;
    throw new MlopsError('invalid_input', `${path}[${i}]: expected ${expected}, got '${name}'`, {
      data: { path: `${path}[${i}]`, expected, got: name },
    });
  }
  return names.length === 0 ? version.outputNames : [...new Set(names)];
}
