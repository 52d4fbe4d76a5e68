import type { KeyObject } from 'node:crypto';
import * as path from 'node:path';

import { MlopsError, type Logger } from '../../base/index.ts';
import { fileKeyStore, keyOf, keyVerifier } from '../../auth/index.ts';
import { isLoopback, loopbackHosts, type Verifier } from '../../http/index.ts';
import { readModelUri } from '../../mlflow/index.ts';
import {
  FolderSource,
  serve,
  type RunningServer,
  type Runtime,
  type ServedModelSpec,
  type ServeOptions,
} from '../../serve/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { RegistrySource, RunSource } from '../registry/registry-source.ts';
import { monitorFacts } from '../alerting/monitor-facts.ts';
import { ruleDesk } from '../traffic/desk.ts';
import { addMonitorRoutes } from '../monitor/routes.ts';
import { modelOfRun, readRunUri } from '../registry/run-model.ts';

export interface ServeModelsOptions {
  /** `[NAME=]SOURCE`: `models:/NAME/SELECTOR`, `runs:/ID/PATH`, a file or a folder. */
  readonly sources: readonly string[];
  /** A folder whose models are all served, each loaded when first asked for. */
  readonly modelsDir?: string | undefined;
  /** Relative paths start here. */
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly host: string;
  readonly port: number;
  /** Called once, when a source is in the registry or a run. */
  readonly openStore: () => Promise<TrackingStore>;
  readonly threads?: number | undefined;
  readonly allowedHosts?: readonly string[] | undefined;
  readonly corsOrigins?: readonly string[] | undefined;
  readonly memoryBudget?: number | undefined;
  readonly bodyLimit?: number | undefined;
  /** Serve gRPC too; files of TLS are relative to `cwd`. */
  readonly grpc?: ServeOptions['grpc'];
  readonly scheduler?: ServeOptions['scheduler'];
  /** File of the API keys; see `mlops auth key`. */
  readonly keyFile: string;
  /** Ask for keys: always, never, or (undefined) when the server can be reached from other machines. */
  readonly auth?: boolean | undefined;
  /** Serve other machines without keys. */
  readonly insecure?: boolean | undefined;
  /** Keys by one of which each model must be signed; undefined: none need be. */
  readonly signers?: readonly KeyObject[] | undefined;
  readonly predictionLog?: ServeOptions['predictionLog'];
  readonly redact?: readonly string[] | undefined;
  readonly onAccess?: ServeOptions['onAccess'];
  readonly onChange?: ServeOptions['onChange'];
  readonly watch?: boolean | undefined;
  /** Set in one of several processes of a server. */
  readonly member?: ServeOptions['member'];
  readonly serverVersion: string;
  readonly runtime?: ServeRuntime | undefined;
  readonly log: Logger;
}

/** What runs the models. */
export interface ServeRuntime {
  /** `auto`: Python where a version of the registry has no ONNX. Default: onnx. */
  readonly kind: Runtime;
  /** Python may load files that did not come from the configured store. */
  readonly trust: boolean;
  readonly python: NonNullable<ServeOptions['python']>;
}

/**
 * Serves models from the registry, from runs and from the disk.
 *
 * @throws MlopsError `usage`, `model_not_found`, `port_in_use`; models that fail to load are in `failures`.
 */
export async function serveModels(options: ServeModelsOptions): Promise<RunningServer> {
  let store: Promise<TrackingStore> | undefined;
  const openStore = (): Promise<TrackingStore> => (store ??= options.openStore());
  const models: ServedModelSpec[] = [];
  for (const source of options.sources) models.push(await specOf(source, options, openStore));
  const growing: FolderSource[] = [];
  if (options.modelsDir !== undefined) {
    if (options.signers !== undefined) throw unsigned(options.modelsDir);
    const directory = FolderSource.directory(
      path.resolve(options.cwd, options.modelsDir),
      runtimeOf(options.modelsDir, options.runtime),
    );
    growing.push(directory);
    models.push(...(await directory.list()).map(({ name }) => ({ name, source: directory })));
  }
  if (models.length === 0 && !(options.watch === true && growing.length > 0)) {
    throw new MlopsError('usage', 'nothing to serve', {
      hint: 'name a model: `mlops serve models:/NAME/Production`, `mlops serve model.onnx`, or --models-dir DIR',
    });
  }
  const verify = verifierOf(options);
  const { predictionLog, cwd, env = {} } = options;
  const facts =
    predictionLog === undefined ? undefined : monitorFacts({ cwd, env, log: predictionLog.directory, openStore });
  const running = await serve({
    models,
    host: options.host,
    port: options.port,
    threads: options.threads,
    memoryBudget: options.memoryBudget,
    bodyLimit: options.bodyLimit,
    grpc: options.grpc,
    scheduler: options.scheduler,
    guard: {
      allowedHosts: options.allowedHosts ?? (isLoopback(options.host) ? loopbackHosts(options.host) : ['*']),
      allowedOrigins: options.corsOrigins ?? [],
    },
    verify,
    watch: options.watch,
    growing,
    member: options.member,
    rules: models.some((model) => model.rules !== undefined)
      ? ruleDesk(await openStore(), { cwd, log: predictionLog?.directory })
      : undefined,
    python: options.runtime === undefined || options.runtime.kind === 'onnx' ? undefined : options.runtime.python,
    predictionLog,
    redact: options.redact,
    moreMetrics: facts === undefined ? undefined : () => facts.gauges(),
    extend:
      predictionLog === undefined || facts === undefined
        ? undefined
        : (shell) => addMonitorRoutes(shell, { log: predictionLog.directory, scope: 'predict', facts }),
    onAccess: options.onAccess,
    onChange: options.onChange,
    serverVersion: options.serverVersion,
    log: options.log,
  });
  return {
    ...running,
    close: async (deadline) => {
      const clean = await running.close(deadline);
      await (await store)?.close();
      return clean;
    },
  };
}

/** On a loopback address only this machine can call, so no key is asked for unless the user wants it. */
function verifierOf(options: ServeModelsOptions): Verifier | undefined {
  const open = isLoopback(options.host);
  if (options.auth === false || (options.auth === undefined && (open || options.insecure === true))) {
    if (open || options.insecure === true) return undefined;
    throw new MlopsError('usage', `${options.host} can be reached from other machines, and no keys are asked for`, {
      hint: 'leave --no-auth out, or say --insecure',
    });
  }
  const store = fileKeyStore(options.keyFile);
  if (store.load().length === 0) {
    throw new MlopsError('usage', `${options.host} can be reached from other machines, and there are no API keys yet`, {
      hint: 'create one with `mlops auth key create NAME`, or say --insecure',
    });
  }
  const check = keyVerifier(store);
  return (request, scope) => check(keyOf(request.headers), scope === 'admin' ? 'admin' : 'predict');
}

/** Only versions of the registry carry signatures. */
function unsigned(what: string): MlopsError {
  return new MlopsError('usage', `'${what}' cannot be signed, and only signed models are served`, {
    hint: 'register and sign it (mlops models register, mlops models sign), or leave --require-signed out',
  });
}

/**
 * What runs the files of a place that is no registry: a pickle is code.
 *
 * @throws MlopsError `untrusted_model` for Python without `--trust`.
 */
function runtimeOf(place: string, runtime: ServeRuntime | undefined): Runtime {
  if (runtime === undefined || runtime.kind === 'onnx') return 'onnx';
  if (runtime.trust) return runtime.kind;
  if (runtime.kind === 'auto') return 'onnx';
  throw new MlopsError('untrusted_model', `'${place}' does not come from the registry, and loading it runs its code`, {
    hint: 'say --trust if you know where it comes from, or register it and serve models:/NAME/VERSION',
  });
}

async function specOf(
  text: string,
  { cwd, signers, runtime }: Pick<ServeModelsOptions, 'cwd' | 'signers' | 'runtime'>,
  openStore: () => Promise<TrackingStore>,
): Promise<ServedModelSpec> {
  const [, given, location = text] = /^([\w.-]+)=(.+)$/s.exec(text) ?? [];
  const registered = readModelUri(location);
  if (registered !== undefined) {
    const { name, selector } = registered;
    const source = new RegistrySource(await openStore(), undefined, { signers, runtime: runtime?.kind });
    return { name: given ?? name, source, sourceName: name, selector, rules: name };
  }
  if (signers !== undefined) throw unsigned(location);
  const ofRun = readRunUri(location);
  if (ofRun !== undefined) {
    const by = runtimeOf(location, runtime);
    const store = await openStore();
    const model = await modelOfRun(store, ofRun.run, ofRun.path);
    const source = new RunSource(store, model, ofRun.path, { name: given, runtime: by });
    return { name: source.name, source };
  }
  if (/^(models|runs):/.test(location)) {
    throw new MlopsError('usage', `'${location}' is not a model URI`, {
      hint: 'models:/NAME/STAGE, models:/NAME@ALIAS, models:/NAME/VERSION or runs:/RUN_ID/PATH',
    });
  }
  const source = FolderSource.single(path.resolve(cwd, location), given, runtimeOf(location, runtime));
  const [ref] = await source.list();
  return { name: ref?.name ?? location, source };
}
