import type { Request } from '../../http/index.ts';
import type { PredictionSink, SampledRows } from '../../monitor/index.ts';
import type { PictureDesk } from '../running/pictures.ts';
import type { Predictor, Prediction } from '../running/predict.ts';
import type { Writing } from '../protocols/exchange-messages.ts';
import type { ExchangeThreads } from '../protocols/exchange-threads.ts';
import type { Router } from '../running/router.ts';
import type { ShadowRunner } from '../steering/shadow.ts';
import type { Scheduler } from '../running/scheduler.ts';
import type { Repository } from '../running/repository.ts';
import type { ServedVersion } from '../running/served-version.ts';
import type { Arm } from '../traffic/live-rule.ts';

/** Gives the rows that a client sent, where they are no tensors. */
export type RowsSent = (() => SampledRows | undefined) | undefined;

/** By what the log names a request. */
export type Named = Pick<Request, 'id' | 'trace'>;

/** What the routes of all protocols share. */
export interface ServingContext {
  readonly repository: Repository;
  readonly router: Router;
  readonly scheduler: Scheduler;
  readonly predictor: Predictor;
  readonly shadows: ShadowRunner;
  readonly started: Date;
  /** Of mlops itself. */
  readonly serverVersion: string;
  readonly draining: boolean;
  readonly predictionLog: PredictionSink | undefined;
  ready(): boolean;
  /** State of what the server needs beside itself, for `/health`. */
  dependencies(): Readonly<Record<string, unknown>>;
  /** True while a loaded model takes 64-bit integers. */
  anyExactIntegers(): boolean;
  /** Decodes pictures, and draws on them. */
  readonly pictures: PictureDesk;
  /** Reads large bodies and writes large answers. */
  readonly threads: ExchangeThreads;
  /** Counts and logs an answered prediction; returns its id. Never fails or waits. */
  record(prediction: Prediction, request: Named, rows?: RowsSent): string;
  /** Counts a prediction whose answer is written elsewhere, and says what of it is to be logged. */
  recordElsewhere(arm: Arm | undefined, request: Request, rows?: RowsSent): Pick<Writing, 'predictionId' | 'log'>;
  /** Logs what was written elsewhere. Never fails or waits. */
  append(line: string | undefined): void;
  /** A request body that the version takes. */
  example(version: ServedVersion): unknown;
}
