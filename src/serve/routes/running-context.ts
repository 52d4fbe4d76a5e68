import { randomBytes } from 'node:crypto';

import type { Request } from '../../http/index.ts';
import { deriveExample } from '../../model/index.ts';
import type { PredictionSink } from '../../monitor/index.ts';
import type { Member } from '../cluster/member.ts';
import type { Named, RowsSent, ServingContext } from './context.ts';
import type { InferencePool } from '../running/inference-pool.ts';
import type { Writing } from '../protocols/exchange-messages.ts';
import type { ExchangeThreads } from '../protocols/exchange-threads.ts';
import { predictionLine } from '../protocols/log-line.ts';
import type { PictureDesk } from '../running/pictures.ts';
import type { Prediction, Predictor } from '../running/predict.ts';
import type { Router } from '../running/router.ts';
import type { ShadowRunner } from '../steering/shadow.ts';
import type { Scheduler } from '../running/scheduler.ts';
import type { Repository } from '../running/repository.ts';
import type { ServedVersion } from '../running/served-version.ts';
import type { Arm } from '../traffic/live-rule.ts';
import { markOf } from '../traffic/mark.ts';

export interface RunningParts {
  readonly repository: Repository;
  readonly router: Router;
  readonly scheduler: Scheduler;
  readonly predictor: Predictor;
  readonly shadows: ShadowRunner;
  readonly pool: InferencePool;
  readonly threads: ExchangeThreads;
  readonly pictures: PictureDesk;
  readonly predictionLog: PredictionSink | undefined;
  readonly member: Member | undefined;
  readonly redact: readonly string[];
  readonly serverVersion: string;
}

/** The context of a server that runs. */
export class RunningContext implements ServingContext {
  readonly repository: Repository;
  readonly router: Router;
  readonly scheduler: Scheduler;
  readonly predictor: Predictor;
  readonly shadows: ShadowRunner;
  readonly threads: ExchangeThreads;
  readonly pictures: PictureDesk;
  readonly started = new Date();
  readonly serverVersion: string;
  readonly predictionLog: PredictionSink | undefined;
  draining = false;
  readonly #pool: InferencePool;
  readonly #member: Member | undefined;
  readonly #redact: ReadonlySet<string>;
  readonly #prefix = `${Date.now().toString(36)}${randomBytes(3).toString('hex')}`;
  #predictions = 0;

  constructor(parts: RunningParts) {
    this.repository = parts.repository;
    this.router = parts.router;
    this.scheduler = parts.scheduler;
    this.predictor = parts.predictor;
    this.shadows = parts.shadows;
    this.threads = parts.threads;
    this.pictures = parts.pictures;
    this.serverVersion = parts.serverVersion;
    this.predictionLog = parts.predictionLog;
    this.#pool = parts.pool;
    this.#member = parts.member;
    this.#redact = new Set(parts.redact);
  }

  ready(): boolean {
    return !this.draining && this.repository.ready;
  }

  dependencies(): Readonly<Record<string, unknown>> {
    const log = this.predictionLog;
    return {
      inference: { status: 'up', threads: this.#pool.threads.length, restarts: this.#pool.restarts },
      ...(this.#member === undefined ? {} : { workers: this.#workers(this.#member) }),
      prediction_log:
        log === undefined
          ? { status: 'off' }
          : {
              status: log.trouble === undefined ? 'up' : 'down',
              ...(log.trouble === undefined ? {} : { reason: log.trouble }),
            },
    };
  }

  #workers({ state, supervisor }: Member) {
    return { status: 'up', running: supervisor.workers, restarts: supervisor.restarts, answered_by: state.place };
  }

  anyExactIntegers(): boolean {
    for (const model of this.repository.models.values()) {
      // A model that is not loaded yet may take them.
      if (model.current?.exactIntegers !== false) return true;
    }
    return false;
  }

  record(prediction: Prediction, { id: requestId, trace }: Named, rows?: RowsSent): string {
    const id = this.#newId(prediction.arm);
    const log = this.predictionLog;
    if (log?.wants() === true) {
      log.append(predictionLine(prediction, id, { id: requestId, trace, rows: rows?.() }, this.#redact));
    }
    return id;
  }

  recordElsewhere(
    arm: Arm | undefined,
    { id, trace }: Request,
    rows?: RowsSent,
  ): Pick<Writing, 'predictionId' | 'log'> {
    const wanted = this.predictionLog?.wants() === true;
    return {
      predictionId: this.#newId(arm),
      log: wanted ? { request: { id, trace, rows: rows?.() }, redact: this.#redact } : undefined,
    };
  }

  append(line: string | undefined): void {
    if (line !== undefined) this.predictionLog?.append(line);
  }

  #newId(arm: Arm | undefined): string {
    this.#predictions++;
    const id = `${this.#prefix}-${this.#predictions.toString(36)}`;
    return arm === undefined ? id : id + markOf(arm);
  }

  example(version: ServedVersion): unknown {
    const inputs = version.processing?.input?.example() ?? deriveExample(version.onnx);
    return inputs === undefined ? null : { inputs };
  }
}
