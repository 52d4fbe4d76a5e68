import { messageOf, silentLogger, type Logger, locateWorker } from '../../base/index.ts';
import {
  createShell,
  listen,
  ownErrorBody,
  type AccessEntry,
  type GuardOptions,
  type Listening,
  type Shell,
  type Verifier,
} from '../../http/index.ts';
import { PredictionLog, type PredictionLogOptions, type PredictionSink } from '../../monitor/index.ts';
import { PicturePool, type PicturePoolOptions } from '../../pictures/index.ts';
import type { Member } from '../cluster/member.ts';
import { addFrom, LocalControl, type Control } from '../cluster/control.ts';
import { addDocsRoutes } from './docs-routes.ts';
import { followSources } from './watch.ts';
import { serveGrpc, type GrpcOptions } from '../grpc/server.ts';
import { grpcParts } from './grpc-parts.ts';
import { HttpCounts } from '../numbers/http-counts.ts';
import type { ModelSource } from '../models/model-source.ts';
import { addFeedbackRoutes } from './feedback-routes.ts';
import { RunningContext } from './running-context.ts';
import { addSimilarityRoutes } from './similarity-routes.ts';
import { addPlaygroundRoutes } from './playground-routes.ts';
import { addStatsRoutes } from './stats-routes.ts';
import { PythonEnvironment, type PythonEnvironmentOptions } from '../python/environment.ts';
import { PythonPool, type PythonPoolOptions } from '../python/python-pool.ts';
import { InferencePool } from '../running/inference-pool.ts';
import { Runtimes } from '../running/runtimes.ts';
import { addMlflowRoutes } from './mlflow-routes.ts';
import { addV2Routes, v2Errors } from './v2-routes.ts';
import { addHealthRoutes, addNativeRoutes } from './native-routes.ts';
import { ExchangeThreads, type ExchangeOptions } from '../protocols/exchange-threads.ts';
import { Ledger } from '../running/ledger.ts';
import { PictureDesk } from '../running/pictures.ts';
import { Predictor } from '../running/predict.ts';
import { Repository } from '../running/repository.ts';
import type { ServedModelSpec } from '../running/served-model.ts';
import { Router } from '../running/router.ts';
import { Scheduler, type SchedulerOptions } from '../running/scheduler.ts';
import { TrafficBook } from '../steering/traffic-book.ts';
import type { RuleDesk } from '../steering/traffic-keeper.ts';
import { ShadowRunner } from '../steering/shadow.ts';
import { addTrafficRoutes } from './traffic-routes.ts';
import { startProcessMetrics, takeSnapshot } from '../numbers/snapshot.ts';

export interface ServeOptions {
  readonly models: readonly ServedModelSpec[];
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly threads?: number | undefined;
  /** Milliseconds up to which a lone request runs in this thread. */
  readonly shortRun?: number | undefined;
  readonly scheduler?: Partial<SchedulerOptions> | undefined;
  readonly bodyLimit?: number | undefined;
  /** Serve the Open Inference Protocol over gRPC too. */
  readonly grpc?: Pick<GrpcOptions, 'port' | 'tls'> | undefined;
  readonly guard?: GuardOptions | undefined;
  readonly verify?: Verifier | undefined;
  readonly memoryBudget?: number | undefined;
  /** Sources of which every model is to be served, also those that come later, when `watch` is on. */
  readonly growing?: readonly ModelSource[] | undefined;
  /** Set in one of several processes of a server. */
  readonly member?: Member | undefined;
  /** Follow stages and aliases that move, files that change and, in `growing` sources, models that come and go. */
  readonly watch?: boolean | undefined;
  /** Load nothing until it is asked for. Default: load all when there are at most 16 models. */
  readonly lazy?: boolean | undefined;
  /** Where and how predictions are logged; absent: not at all. */
  readonly predictionLog?: PredictionLogOptions | undefined;
  /** Names of inputs and outputs whose values never reach the log. */
  readonly redact?: readonly string[] | undefined;
  /** Where the rules are kept that divide the requests for a model, and what they need. */
  readonly rules?: RuleDesk | undefined;
  readonly onAccess?: ((entry: AccessEntry) => void) | undefined;
  readonly workerFile?: URL | undefined;
  /** What is large, and who deals with it. */
  readonly exchange?: Partial<ExchangeOptions> | undefined;
  /** Who decodes pictures, and what they may take. */
  readonly pictures?: Partial<PicturePoolOptions> | undefined;
  /** Run models by Python; absent: only ONNX is served. */
  readonly python?: (Omit<PythonEnvironmentOptions, 'log'> & Pick<PythonPoolOptions, 'memoryLimit'>) | undefined;
  /** Metrics that are not the serving's own, for `/metrics`. */
  readonly moreMetrics?: (() => Promise<string>) | undefined;
  /** Adds routes that are not the serving's own. */
  readonly extend?: ((shell: Shell) => void) | undefined;
  /** Version of mlops, for clients. */
  readonly serverVersion?: string | undefined;
  readonly log?: Logger | undefined;
  /** Told of each change that is made without a request: a version that is followed, a model that comes or goes. */
  readonly onChange?: ((line: string) => void) | undefined;
}

export interface RunningServer {
  readonly listening: Listening;
  readonly repository: Repository;
  readonly pool: InferencePool;
  readonly control: Control;
  /** Rules that divide requests; undefined where none are kept. */
  readonly traffic: TrafficBook | undefined;
  /** The port of gRPC, where it is served. */
  readonly grpcPort: number | undefined;
  /** Models that failed to load at the start. */
  readonly failures: readonly { readonly name: string; readonly error: unknown }[];
  /** Readiness first, then drain; false when requests had to be cut at the deadline (milliseconds). */
  close(deadline?: number): Promise<boolean>;
}

/** Bytes of a message of gRPC, as of a body. */
const defaultBodyLimit = 64 * 1024 * 1024;

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
    shortRun: options.shortRun,
    log,
  });
  const threads = new ExchangeThreads(options.exchange);
  const lazy = options.lazy ?? options.models.length > eagerLimit;
  const python = new PythonPool({ processes: options.threads, memoryLimit: options.python?.memoryLimit, log });
  const environment = new PythonEnvironment({ ...options.python, log });
  const repository = new Repository(options.models, {
    ...{ pool, log, lazy, memoryBudget: options.memoryBudget },
    python: options.python === undefined ? undefined : { pool: python, environment },
  });
  const ledger = new Ledger();
  const pictures = new PictureDesk(
    new PicturePool({ file: () => locateWorker('picture'), ...options.pictures }),
    options.predictionLog !== undefined,
  );
  const scheduler = new Scheduler(new Runtimes(pool, python), options.scheduler);
  const { member, growing = [] } = options;
  const predictionLog = options.predictionLog === undefined ? undefined : openLog(options.predictionLog, log, member);
  const { rules: desk } = options;
  const traffic: TrafficBook | undefined =
    desk === undefined
      ? undefined
      : new TrafficBook({ repository, ledger, desk, log, shadow: (rule) => shadows.counts(rule) });
  const router = new Router(repository, ledger, traffic);
  const predictor = new Predictor(scheduler, pictures);
  const shadows = new ShadowRunner(router, scheduler, predictor);
  const context = new RunningContext({
    repository,
    router,
    shadows,
    scheduler,
    predictor,
    pool,
    threads,
    pictures,
    predictionLog,
    member,
    redact: options.redact ?? [],
    serverVersion: options.serverVersion ?? '0.0.0',
  });
  const shell = await createShell({
    bodyLimit: options.bodyLimit,
    guard: options.guard,
    verify: options.verify,
    onAccess: options.onAccess,
    // Paths and methods that there are not, as the protocol that they look like says it.
    errors: (failure, request) =>
      /^\/v2(\/|\?|$)/.test(request.url) ? v2Errors(failure, request) : ownErrorBody(failure, request.id),
    log,
  });
  shell.decorateRequest('lease', undefined);
  startProcessMetrics();
  const http = new HttpCounts().watch(shell);
  const numbers = {
    ...{ repository, ledger, scheduler, pool, started: context.started, log: predictionLog },
    http,
    ready: () => context.ready(),
  };
  const snapshot = () => takeSnapshot(numbers);
  const control =
    member?.serve({ repository, growing, snapshot, drain: () => (context.draining = true) }) ??
    new LocalControl(repository, growing, snapshot);
  addStatsRoutes(shell, control, options.moreMetrics);
  addHealthRoutes(shell, context);
  addNativeRoutes(shell, context, control);
  addMlflowRoutes(shell, context);
  addV2Routes(shell, context, control);
  addSimilarityRoutes(shell, context);
  addFeedbackRoutes(shell, context);
  if (traffic !== undefined) addTrafficRoutes(shell, traffic);
  addDocsRoutes(shell, context);
  addPlaygroundRoutes(shell);
  options.extend?.(shell);

  // The port is taken before models are loaded: who starts two servers learns it at once.
  const listening = await (member?.listen(shell, options) ?? listen(shell, options)).catch(async (error: unknown) => {
    await pool.close();
    throw error;
  });
  // One of several processes: a connection of gRPC stays where it came in, and there are few.
  const grpc =
    options.grpc === undefined || (member?.state.place ?? 0) > 0
      ? undefined
      : await serveGrpc(
          { ...options.grpc, host: options.host, messageLimit: options.bodyLimit ?? defaultBodyLimit },
          grpcParts(context, { verify: options.verify, onAccess: options.onAccess, http, log }),
          control,
        ).catch(async (error: unknown) => {
          await listening.close(0);
          await pool.close();
          throw error;
        });
  if (member !== undefined) joinOthers(repository, growing, member);
  const failures = await loadAll(repository, lazy, member);
  await traffic?.start();
  const watching = new AbortController();
  // One process looks; changes are made in all.
  if (options.watch === true && (member?.state.place ?? 0) === 0) {
    const { signal } = watching;
    followSources({ repository, control, growing, signal, log, tell: options.onChange ?? log.info.bind(log) }).catch(
      (error: unknown) => {
        if (!signal.aborted) log.error(`sources are no longer followed: ${messageOf(error)}`);
      },
    );
  }
  return {
    listening,
    repository,
    pool,
    control,
    traffic,
    grpcPort: grpc?.port,
    failures,
    close: async (deadline = 10_000) => {
      context.draining = true;
      watching.abort();
      const [answered] = await Promise.all([listening.close(deadline), grpc?.close(deadline)]);
      await traffic?.close();
      scheduler.abandon();
      await repository.close();
      await threads.close();
      await pictures.close();
      await python.close();
      const ended = await pool.close(Math.max(1_000, deadline));
      await predictionLog?.close();
      member?.leave();
      return answered && ended;
    },
  };
}

/** Takes over what the other processes of the server have. */
function joinOthers(repository: Repository, growing: readonly ModelSource[], { state }: Member): void {
  for (const [name, source] of state.added) addFrom(repository, growing, name, source);
  for (const [name, reason] of state.unloaded) if (repository.models.has(name)) repository.unload(name, reason);
}

async function loadAll(repository: Repository, lazy: boolean, member: Member | undefined) {
  const failures: { name: string; error: unknown }[] = [];
  const loaded = new Map(member?.state.loaded);
  for (const { spec, state } of repository.models.values()) {
    const { name } = spec;
    const ref = loaded.get(name);
    if (state === 'UNAVAILABLE' || (lazy && ref === undefined)) continue;
    try {
      if (ref === undefined) await repository.load(name);
      else repository.activate(name, await repository.prepare(name, () => ref));
    } catch (error) {
      failures.push({ name, error });
    }
  }
  return failures;
}

function openLog(options: PredictionLogOptions, log: Logger, member: Member | undefined): PredictionSink {
  return member?.log(options) ?? new PredictionLog({ onTrouble: (message) => log.warn(message), ...options });
}
