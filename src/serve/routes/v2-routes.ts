import { MlopsError } from '../../base/index.ts';
import type { ErrorRenderer, Reply, Request, Shell } from '../../http/index.ts';
import type { ServingContext } from './context.ts';
import type { Control } from '../cluster/control.ts';
import type { ServedModel } from '../running/served-model.ts';
import type { Lease, Target } from '../running/router.ts';
import { withoutArms, type VersionSnapshot } from '../numbers/snapshot.ts';
import { boundTo, leaseOf } from './binding.ts';
import { answer } from './answer.ts';
import { v2Metadata } from '../protocols/v2-protocol.ts';

interface ModelParams {
  readonly model: string;
  readonly version?: string;
}

/** The protocol knows one error shape; 503 and the like keep their status. */
export const v2Errors: ErrorRenderer = ({ message, hint }) => ({
  error: hint === undefined ? message : `${message} (${hint})`,
});

/** Open Inference Protocol v2 with the binary, repository and statistics extensions. */
export function addV2Routes(shell: Shell, context: ServingContext, control: Control): void {
  const open = { config: { errors: v2Errors } };
  const predict = { config: { errors: v2Errors, scope: 'predict' as const } };
  const { repository } = context;
  const extensions = [
    ...['binary_tensor_data', 'classification', 'model_repository', 'model_repository(unload_dependents)'],
    'statistics',
  ];

  shell.get('/v2', open, () => ({ name: 'mlops', version: context.serverVersion, extensions }));
  shell.get('/v2/health/live', open, () => ({ live: true }));
  shell.get('/v2/health/ready', open, (_request, reply) => {
    const ready = context.ready();
    void reply.code(ready ? 200 : 400);
    return { ready };
  });
  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    shell.get<{ Params: ModelParams }>(path, predict, async ({ params }) => {
      const version = await repository.version(params.model, params.version);
      return { ...v2Metadata(version), versions: versionsOf(repository.model(params.model)) };
    });
    shell.get<{ Params: ModelParams }>(`${path}/ready`, open, (request, reply) => {
      const ready = isReady(context, request.params);
      void reply.code(ready ? 200 : 400);
      return { name: request.params.model, ready };
    });
    const infers = { ...predict, onRequest: boundTo(context.router, targetOf) };
    shell.post<{ Params: ModelParams }>(`${path}/infer`, infers, (request, reply) => infer(context, request, reply));
    shell.get<{ Params: ModelParams }>(`${path}/stats`, predict, async ({ params }) => {
      const { name } = repository.model(params.model).spec;
      const { versions } = await control.snapshot();
      const wanted = withoutArms(versions).filter(
        (one) => one.model === name && (params.version === undefined ? one.loaded : params.version === one.version),
      );
      return { model_stats: wanted.map(statistics) };
    });
  }
  shell.get('/v2/models/stats', predict, async () => ({
    model_stats: withoutArms((await control.snapshot()).versions)
      .filter((version) => version.loaded)
      .map(statistics),
  }));
  addRepositoryRoutes(shell, context, control);
}

function targetOf(request: Request): Target {
  const { model, version } = request.params as ModelParams;
  return { model, version, headers: request.headers };
}

async function infer(context: ServingContext, request: Request & { params: ModelParams }, reply: Reply) {
  const lease = await leaseOf(context.router, request, targetOf(request));
  try {
    return await inferFor(context, request, reply, lease);
  } finally {
    lease.release();
  }
}

async function inferFor(context: ServingContext, request: Request, reply: Reply, lease: Lease) {
  const { version } = lease;
  const header = request.headers['inference-header-content-length'];
  const headerLength = typeof header === 'string' ? header : undefined;
  const asked = { protocol: 'v2', headerLength, contentType: request.headers['content-type'] } as const;
  const texts = version.inputs.some(({ dtype }) => dtype === 'string');
  const opening = context.threads.open(asked, request.body, version.exactIntegers, texts);
  const exchange = opening instanceof Promise ? await opening : opening;
  try {
    const { body, jsonLength, predictionId } = await answer(context, request, exchange, { lease });
    void reply.header('x-prediction-id', predictionId);
    if (jsonLength === undefined) return reply.header('content-type', 'application/json; charset=utf-8').send(body);
    return reply
      .header('content-type', 'application/octet-stream')
      .header('inference-header-content-length', String(jsonLength))
      .send(body);
  } finally {
    exchange.close();
  }
}

function addRepositoryRoutes(shell: Shell, context: ServingContext, control: Control): void {
  const { repository } = context;
  const admin = { config: { errors: v2Errors, scope: 'admin' as const } };
  const read = { config: { errors: v2Errors, scope: 'predict' as const } };
  shell.post('/v2/repository/index', read, ({ body }) => {
    const onlyReady = Buffer.isBuffer(body) && /"ready"\s*:\s*true/.test(body.toString());
    const entries = [...repository.models.values()].map((model) => ({
      name: model.spec.name,
      ...(model.current === undefined ? {} : { version: model.current.ref.version }),
      state: model.state === 'READY' || model.state === 'LOADING' ? model.state : 'UNAVAILABLE',
      reason: model.reason,
    }));
    return onlyReady ? entries.filter((entry) => entry.state === 'READY') : entries;
  });
  shell.post<{ Params: ModelParams }>('/v2/repository/models/:model/load', admin, async (request) => {
    if (/"file:|"config"/.test(Buffer.isBuffer(request.body) ? request.body.toString('latin1') : '')) {
      throw new MlopsError('bad_request', 'models cannot be sent with a load request', {
        hint: 'put the model where the server finds it, or register it, and load it by name',
      });
    }
    await control.load(request.params.model);
    return {};
  });
  shell.post<{ Params: ModelParams }>('/v2/repository/models/:model/unload', admin, async (request) => {
    await control.unload(request.params.model);
    return {};
  });
}

function versionsOf(model: ServedModel): string[] {
  return [...model.versions.keys()];
}

/** A model that is loaded when first asked for is ready to be asked. */
function isReady(context: ServingContext, { model, version }: ModelParams): boolean {
  const served = context.repository.models.get(model);
  if (served === undefined || context.draining) return false;
  if (version !== undefined) return served.versions.has(version);
  return served.state === 'READY' || served.state === 'UNLOADED';
}

function statistics({ model, version, stats }: VersionSnapshot) {
  const spent = (count: number, ns: number) => ({ count, ns: Math.round(ns) });
  return {
    name: model,
    version,
    last_inference: stats.lastInference,
    inference_count: stats.inferences,
    execution_count: stats.executions,
    inference_stats: {
      success: spent(stats.success, stats.nanoseconds.success),
      fail: spent(stats.failure, stats.nanoseconds.failure),
      queue: spent(stats.success, stats.nanoseconds.queue),
      compute_input: spent(stats.success, stats.nanoseconds.input),
      compute_infer: spent(stats.executions, stats.nanoseconds.infer),
      compute_output: spent(stats.success, stats.nanoseconds.output),
    },
    batch_stats: [...stats.batches].map(([size, batch]) => ({
      batch_size: size,
      compute_infer: spent(batch.count, batch.nanoseconds),
    })),
  };
}
