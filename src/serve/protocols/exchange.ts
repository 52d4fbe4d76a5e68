import type { SampledRows } from '../../monitor/index.ts';
import type { ReadInputs, Prediction } from '../running/predict.ts';
import type { PictureFiles } from '../processing/steps.ts';
import type { VersionFacts } from '../running/served-version.ts';
import type { JsonObject } from '../wire/json-reader.ts';
import { noTensors } from '../wire/tensor.ts';
import { isUpload, readUpload } from '../wire/upload.ts';
import { noFiles, unwanted } from './uploads.ts';
import { namesModel, routeIn, type Route, type RouteQuery } from './envelope.ts';
import { plainFeeds, plainNumbersOf } from './plain-feeds.ts';
import type { PlainNumbers } from '../wire/plain-numbers.ts';
import { readScoring, type Scoring } from './mlflow-protocol.ts';
import { keyedRows, nativeAnswer, nativeRows, readNativeInputs, readObject } from './native-protocol.ts';
import { pythonAnswer } from './python-scoring.ts';
import { scoringAnswer } from './scoring-answer.ts';
import {
  answersRecords,
  isEmptyFrame,
  picturesOf,
  scoringFeeds,
  scoringRows,
  scoringValues,
} from './scoring-frames.ts';
import { readV2Inputs, readV2Request, v2Answer, type V2Outputs, type V2Request } from './v2-protocol.ts';

/** Which protocol a body is read by, with the headers that count there. */
export interface Asked {
  readonly protocol: 'native' | 'scoring' | 'v2';
  readonly contentType: string | undefined;
  /** `Inference-Header-Content-Length` of the v2 protocol. */
  readonly headerLength?: string | undefined;
}

/** How an answer is written, as the request says it. */
export type AnswerForm =
  | { readonly protocol: 'native' }
  | { readonly protocol: 'scoring'; readonly records: boolean }
  | { readonly protocol: 'v2'; readonly outputs: V2Outputs; readonly id: string | undefined };

export interface ExchangeInputs extends ReadInputs {
  readonly form: AnswerForm;
  /** What the client sent, for the log, where that is not the tensors themselves. */
  readonly rows: (() => SampledRows | undefined) | undefined;
}

type Soon<Value> = Value | Promise<Value>;

/** A request body that was parsed, in this thread or in another, on its way to tensors. */
export interface Exchange {
  /** True when the body has a key that may name the model. */
  readonly namesModel: boolean;
  /** @param own how the only model names its values, where there is one. @throws MlopsError `invalid_input`. */
  route(query: RouteQuery, own: ReadonlySet<string> | undefined): Soon<Route>;
  /** True for a table without rows that is answered without the model (MLflow). */
  isEmpty(version: VersionFacts): Soon<boolean>;
  /**
   * @param said keys of the body that named the model.
   * @param logs whether `rows` may be asked for.
   * @throws MlopsError `invalid_input`.
   */
  read(version: VersionFacts, said: ReadonlySet<string> | undefined, logs: boolean): Soon<ExchangeInputs>;
  close(): void;
}

/** An exchange in this thread. */
export class NearExchange implements Exchange {
  readonly #asked: Asked;
  #files: PictureFiles = noFiles;
  #native: JsonObject = {};
  /** In place of `#native`, until it turns out that the model is not so plain. */
  #plain: PlainNumbers | undefined;
  #scoring: Scoring | undefined;
  #v2: V2Request | undefined;
  /** What a body of files or plain numbers would be as JSON, for a model that takes none. */
  #unread: () => JsonObject = () => ({});

  /**
   * @param exact keep 64-bit integers.
   * @throws MlopsError `bad_json`, `bad_request`, `unsupported_media`.
   */
  constructor(asked: Asked, body: unknown, exact: boolean) {
    this.#asked = asked;
    const { protocol, contentType, headerLength } = asked;
    if (protocol === 'native' && Buffer.isBuffer(body) && isUpload(body, contentType)) {
      ({ fields: this.#native, files: this.#files } = readUpload(body, contentType));
      this.#unread = () => readObject(body, exact, contentType);
    } else if (protocol === 'native') {
      this.#plain = plainNumbersOf(body, contentType);
      if (this.#plain === undefined) this.#native = readObject(body, exact, contentType);
      else this.#unread = () => readObject(body, exact, contentType);
    } else if (protocol === 'scoring') this.#scoring = readScoring(body, contentType, exact);
    else this.#v2 = readV2Request(body, { headerLength, contentType }, exact);
  }

  get namesModel(): boolean {
    return this.#asked.protocol === 'native' && namesModel(this.#native);
  }

  route(query: RouteQuery, own: ReadonlySet<string> | undefined): Route {
    return routeIn(query, this.#native, own);
  }

  isEmpty(version: VersionFacts): boolean {
    return this.#scoring !== undefined && isEmptyFrame(version, this.#scoring);
  }

  read(version: VersionFacts, said?: ReadonlySet<string>): ExchangeInputs {
    if (this.#scoring !== undefined) {
      const form: AnswerForm = { protocol: 'scoring', records: answersRecords(version, this.#scoring) };
      if (version.processing?.input?.kind === 'ensemble') {
        const values = scoringValues(version, this.#scoring);
        const own: AnswerForm = { protocol: 'scoring', records: false };
        return { feeds: noTensors(), given: { values, files: noFiles }, form: own, rows: () => keyedRows(values) };
      }
      const image = version.processing?.input?.image;
      const given = image === undefined ? undefined : picturesOf(version, this.#scoring, image.field);
      if (image !== undefined && given !== undefined) return { ...image.read(given), form, rows: undefined };
      const scoring = this.#scoring;
      const feeds = scoringFeeds(version, scoring);
      return { feeds, form, rows: () => scoringRows(version, scoring, feeds) };
    }
    if (this.#v2 !== undefined) {
      const { outputs, ...inputs } = readV2Inputs(version, this.#v2);
      const form: AnswerForm = { protocol: 'v2', outputs, id: this.#v2.id };
      return { ...inputs, fetches: outputs.fetches, form, rows: undefined };
    }
    if (this.#plain !== undefined) {
      const feeds = plainFeeds(version, this.#plain);
      if (feeds !== undefined) return { feeds, fetches: version.outputNames, form: nativeForm, rows: undefined };
      this.#native = this.#unread();
      this.#plain = undefined;
    }
    const step = version.processing?.input;
    const wanted = this.#files.size === 0 || step?.image !== undefined || step?.kind === 'ensemble';
    const body = wanted ? this.#native : unwanted(version, this.#files, this.#unread);
    const inputs = readNativeInputs(version, body, said, wanted ? this.#files : undefined);
    if (inputs.pictures !== undefined) return { ...inputs, form: nativeForm, rows: undefined };
    return { ...inputs, form: nativeForm, rows: () => nativeRows(version, body, said, inputs.feeds) };
  }

  close(): void {
    // Nothing is held outside of it.
  }
}

const nativeForm: AnswerForm = { protocol: 'native' };

/** The answer as its JSON part and the raw tensors that follow it. */
export function writeAnswer(
  form: AnswerForm,
  prediction: Prediction,
  predictionId: string,
): { json: string; binary: Buffer[] } {
  if (form.protocol === 'v2') return v2Answer(prediction, form.outputs, form.id);
  const json =
    form.protocol === 'native'
      ? nativeAnswer(prediction, predictionId)
      : prediction.answer.shape === undefined
        ? scoringAnswer(prediction, form.records)
        : pythonAnswer(prediction);
  return { json, binary: [] };
}
