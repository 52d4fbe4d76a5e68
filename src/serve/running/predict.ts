import { MlopsError } from '../../base/index.ts';
import type { Scheduler } from './scheduler.ts';
import type { Answer } from './job.ts';
import { countAnswers, finish, type Finished, type Run } from './finish.ts';
import type { Arm } from '../traffic/live-rule.ts';
import type { Lease } from './router.ts';
import type { LoadedEnsemble, ServedVersion, VersionFacts } from './served-version.ts';
import type { VersionNumbers, VersionStats } from './stats.ts';
import type { GivenPictures, GivenValues } from '../processing/steps.ts';
import { EnsembleRunner, type Joined } from './ensemble.ts';
import { submitRows, type DecodedPicture, type PictureDesk } from './pictures.ts';
import type { Tensors } from '../wire/tensor.ts';

/** A request of any protocol, after its inputs were read for the version it named. */
export interface Prediction extends Finished {
  readonly version: VersionFacts;
  /** By which the version was chosen. */
  readonly arm: Arm | undefined;
  readonly feeds: Tensors;
  readonly answer: Pick<Answer, 'outputs' | 'shape'>;
  /** Of the pictures of the request, a row each. */
  readonly pictures?: readonly DecodedPicture[] | undefined;
  /** Versions of the members of an ensemble, by name. */
  readonly members?: Joined['members'] | undefined;
  /** Milliseconds from the arrival of the request. */
  readonly latency: number;
}

/** Inputs of a request; without `fetches` all outputs are wanted. */
export interface ReadInputs {
  readonly feeds: Tensors;
  readonly fetches?: readonly string[] | undefined;
  /** Still to be decoded, for an input that is not among the feeds. */
  readonly pictures?: GivenPictures | undefined;
  /** In place of feeds, for an ensemble. */
  readonly given?: GivenValues | undefined;
}

export interface PredictRequest {
  /** Released by who took it. */
  readonly lease: Lease;
  /** Reads the inputs. */
  read(version: ServedVersion): ReadInputs | Promise<ReadInputs>;
  /** Apply the outputs part of serving.yaml; protocols that speak tensors do not. */
  readonly processed?: boolean;
  gone?(): boolean;
  /**
   * Takes over what comes after the run, where that is too much for this thread. Gives how the answers are spread;
   * the prediction then holds no outputs.
   */
  writeElsewhere?(run: Run, elapsed: number): Promise<VersionNumbers['answers']> | undefined;
}

/** What every protocol does: inputs, run, labels, numbers. */
export class Predictor {
  readonly #scheduler: Scheduler;
  readonly #pictures: PictureDesk;
  readonly #ensembles: EnsembleRunner;

  constructor(scheduler: Scheduler, pictures: PictureDesk) {
    this.#scheduler = scheduler;
    this.#pictures = pictures;
    this.#ensembles = new EnsembleRunner(scheduler, pictures);
  }

  async predict(request: PredictRequest): Promise<Prediction> {
    const started = performance.now();
    const { version, arm, stats } = request.lease;
    try {
      const processed = request.processed === true;
      // One turn less for the common case of inputs that are read here.
      const reading = request.read(version);
      const inputs = reading instanceof Promise ? await reading : reading;
      if (version.ensemble !== undefined) return await this.#join(request, version.ensemble, inputs.given, started);
      const { fetches = version.outputNames } = inputs;
      const { feeds, pictures } =
        inputs.pictures === undefined
          ? { feeds: inputs.feeds, pictures: undefined }
          : await this.#pictures.decode(version, inputs.feeds, inputs.pictures);
      const wanted = (processed ? version.processing?.output?.fetches : undefined) ?? fetches;
      const answer = await submitRows(
        this.#scheduler,
        request.lease,
        { feeds, fetches: wanted, gone: request.gone?.bind(request) },
        pictures?.length,
      );
      const run: Run = { version, feeds, fetches, raw: answer.outputs, shape: answer.shape, processed, pictures };
      const elsewhere = request.writeElsewhere?.(run, performance.now() - started);
      const answers = elsewhere === undefined ? undefined : await elsewhere;
      const done = answers === undefined ? finish(run) : nothing;
      const latency = countSuccess(stats, started);
      stats.nanoseconds.queue += answer.queued * 1e6;
      if (answers === undefined) countAnswers(stats.answers, run, done.labels);
      else stats.answers.add(answers);
      return { ...done, version, arm, feeds, pictures, answer, latency };
    } catch (error) {
      stats.failure++;
      stats.nanoseconds.failure += (performance.now() - started) * 1e6;
      throw error;
    }
  }

  /** @throws MlopsError `bad_request` in a protocol that speaks tensors. */
  async #join(
    request: PredictRequest,
    ensemble: LoadedEnsemble,
    given: GivenValues | undefined,
    started: number,
  ): Promise<Prediction> {
    const { lease } = request;
    const { version, arm, stats } = lease;
    if (given === undefined) {
      throw new MlopsError('bad_request', `'${version.ref.name}' is an ensemble: it takes values by key`);
    }
    const { outputs, labels, members } = await this.#ensembles.run(lease, ensemble, given, request.gone?.bind(request));
    const latency = countSuccess(stats, started);
    for (const label of labels ?? []) stats.answers.label(label);
    const done: Finished = { ...nothing, outputs, labels, fetches: Object.keys(outputs) };
    return { ...done, version, arm, feeds: {}, answer: { outputs }, members, latency };
  }
}

/** Counts a request that was answered, and says how long it took. */
function countSuccess(stats: VersionStats, started: number): number {
  const latency = performance.now() - started;
  stats.success++;
  stats.lastInference = Date.now();
  stats.latency.observe(latency / 1000);
  stats.nanoseconds.success += latency * 1e6;
  return latency;
}

const nothing: Finished = {
  outputs: {},
  fetches: [],
  labels: undefined,
  top: undefined,
  units: undefined,
  objects: undefined,
};

/** @throws MlopsError `invalid_input` when a requested output does not exist. */
export function chosenOutputs(version: VersionFacts, names: readonly string[], path: string): readonly string[] {
  for (const [i, name] of names.entries()) {
    // What a Python model returns may be known by no signature.
    if (version.outputNames.includes(name) || (version.python !== undefined && version.outputs.length === 0)) continue;
    const expected = `one of ${version.outputNames.join(', ')}`;
    throw new MlopsError('invalid_input', `${path}[${i}]: expected ${expected}, got '${name}'`, {
      data: { path: `${path}[${i}]`, expected, got: name },
    });
  }
  return names.length === 0 ? version.outputNames : [...new Set(names)];
}
