import { messageOf, silentLogger, type Logger } from '../base/index.ts';
import {
  createShell,
  listen,
  type AccessEntry,
  type GuardOptions,
  type Listening,
  type Verifier,
} from '../http/index.ts';
import { PredictionLog, type PredictionLogOptions } from '../monitor/index.ts';
import { addDocsRoutes } from './docs-routes.ts';
import { followSources } from './watch.ts';
import { HttpCounts, startProcessMetrics } from './metrics.ts';
import { addFeedbackRoutes } from './feedback-routes.ts';
import { RunningContext } from './running-context.ts';
import { addSimilarityRoutes } from './similarity-routes.ts';
import { addStatsRoutes } from './stats-routes.ts';
import { InferencePool } from './inference-pool.ts';
import { addMlflowRoutes } from './mlflow-routes.ts';
import { addV2Routes } from './v2-routes.ts';
import { addHealthRoutes, addNativeRoutes } from './native-routes.ts';
import { Predictor } from './predict.ts';
import { Repository, type ServedModelSpec } from './repository.ts';
import { Scheduler, type SchedulerOptions } from './scheduler.ts';
import { locateWorker } from './worker-file.ts';

export interface ServeOptions {
  readonly models: readonly ServedModelSpec[];
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly threads?: number | undefined;
  readonly scheduler?: Partial<SchedulerOptions> | undefined;
  readonly bodyLimit?: number | undefined;
  readonly guard?: GuardOptions | undefined;
  readonly verify?: Verifier | undefined;
  readonly memoryBudget?: number | undefined;
  /** Follow stages and aliases that move. */
  readonly watch?: boolean | undefined;
  /** Load nothing until it is asked for. Default: load all when there are at most 16 models. */
  readonly lazy?: boolean | undefined;
  /** Where and how predictions are logged; absent: not at all. */
  readonly predictionLog?: PredictionLogOptions | undefined;
  /** Names of inputs and outputs whose values never reach the log. */
  readonly redact?: readonly string[] | undefined;
  readonly onAccess?: ((entry: AccessEntry) => void) | undefined;
  readonly workerFile?: URL | undefined;
  /** Version of mlops, for clients. */
  readonly serverVersion?: string | undefined;
  readonly log?: Logger | undefined;
}

export interface RunningServer {
  readonly listening: Listening;
  readonly repository: Repository;
  readonly pool: InferencePool;
  /** Models that failed to load at the start. */
  readonly failures: readonly { readonly name: string; readonly error: unknown }[];
  /** Readiness first, then drain; false when requests had to be cut at the deadline (milliseconds). */
  close(deadline?: number): Promise<boolean>;
}

/** More models than this are loaded when first asked for. */
const eagerLimit = 16;

/**
 * Serves models over HTTP until `close`. A model that fails to load is reported and stops no other.
 *
 * @throws MlopsError `port_in_use`, `usage`.
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const log = options.log ?? silentLogger;
  const pool = new InferencePool({
    workerFile: options.workerFile ?? locateWorker('inference'),
    threads: options.threads,
    log,
  });
  const lazy = options.lazy ?? options.models.length > eagerLimit;
  const repository = new Repository(options.models, { pool, log, lazy, memoryBudget: options.memoryBudget });
  const scheduler = new Scheduler(pool, options.scheduler);
  const predictionLog = options.predictionLog === undefined ? undefined : openLog(options.predictionLog, log);
  const context = new RunningContext({
    repository,
    predictor: new Predictor(repository, scheduler),
    pool,
    predictionLog,
    redact: options.redact ?? [],
    serverVersion: options.serverVersion ?? '0.0.0',
  });
  const shell = await createShell({
    bodyLimit: options.bodyLimit,
    guard: options.guard,
    verify: options.verify,
    onAccess: options.onAccess,
    log,
  });
  startProcessMetrics();
  addStatsRoutes(shell, {
    repository,
    scheduler,
    pool,
    started: context.started,
    http: new HttpCounts(),
    log: predictionLog,
    ready: () => context.ready(),
  });
  addHealthRoutes(shell, context);
  addNativeRoutes(shell, context);
  addMlflowRoutes(shell, context);
  addV2Routes(shell, context);
  addSimilarityRoutes(shell, context);
  addFeedbackRoutes(shell, context);
  addDocsRoutes(shell, context);

  // The port is taken before models are loaded: who starts two servers learns it at once.
  const listening = await listen(shell, options).catch(async (error: unknown) => {
    await pool.close();
    throw error;
  });
  const failures = lazy ? [] : await loadAll(repository, log);
  const watching = new AbortController();
  if (options.watch === true) {
    followSources(repository, watching.signal, log).catch((error: unknown) => {
      if (!watching.signal.aborted) log.error(`sources are no longer followed: ${messageOf(error)}`);
    });
  }
  return {
    listening,
    repository,
    pool,
    failures,
    close: async (deadline = 10_000) => {
      context.draining = true;
      watching.abort();
      const clean = await listening.close(deadline);
      scheduler.abandon();
      await repository.close();
      await pool.close();
      await predictionLog?.close();
      return clean;
    },
  };
}

async function loadAll(repository: Repository, log: Logger) {
  const failures: { name: string; error: unknown }[] = [];
  for (const name of repository.models.keys()) {
    try {
      await repository.load(name);
    } catch (error) {
      failures.push({ name, error });
      log.warn(`model '${name}' was not loaded: ${messageOf(error)}`);
    }
  }
  return failures;
}

function openLog(options: PredictionLogOptions, log: Logger): PredictionLog {
  return new PredictionLog({ onTrouble: (message) => log.warn(message), ...options });
}
