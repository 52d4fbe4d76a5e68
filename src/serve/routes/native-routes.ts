import type { Request, Shell } from '../../http/index.ts';
import type { ServingContext } from './context.ts';
import type { Control } from '../cluster/control.ts';
import { answer } from './answer.ts';
import { onlyNames } from '../protocols/envelope.ts';
import type { ServedModel } from '../running/repository.ts';
import type { ServedVersion } from '../running/served-version.ts';

/** Which model and version, where the body does not say. */
export interface VersionQuery {
  readonly model?: string;
  readonly model_version?: string;
}

/** `/predict`, and what the server says about its models. */
export function addNativeRoutes(shell: Shell, context: ServingContext, control: Control): void {
  const { repository } = context;

  shell.post<{ Querystring: VersionQuery }>('/predict', { config: { scope: 'predict' } }, async (request, reply) => {
    // The version is not known before the body is read, and 64-bit integers are lost once it is: when in doubt, exact.
    const asked = { protocol: 'native', contentType: request.headers['content-type'] } as const;
    const opening = context.threads.open(asked, request.body, context.anyExactIntegers());
    const exchange = opening instanceof Promise ? await opening : opening;
    try {
      // Only a request that may name its model has to wait for the model to be there.
      const own = exchange.namesModel ? await onlyNames(repository) : undefined;
      const route = await exchange.route(request.query, own);
      const { body } = await answer(context, request, exchange, { ...route, processed: true });
      void reply.header('content-type', 'application/json; charset=utf-8');
      return body;
    } finally {
      exchange.close();
    }
  });

  shell.get<{ Querystring: VersionQuery }>('/models/info', { config: { scope: 'predict' } }, async (request) => {
    const { model } = request.query;
    if (model !== undefined) return describeModel(context, repository.model(model));
    return { models: [...repository.models.values()].map((served) => describeModel(context, served)) };
  });

  shell.post<{ Params: { version: string }; Querystring: VersionQuery }>(
    '/models/load/:version',
    { config: { scope: 'admin' } },
    async (request) => {
      const version = await control.load(request.query.model, request.params.version);
      return { model: version.ref.name, model_version: version.ref.version, state: 'READY', md5: version.md5 };
    },
  );
}

/** `/health`, `/livez`, `/readyz`: public, and answered whatever the models do. */
export function addHealthRoutes(shell: Shell, context: ServingContext): void {
  const { repository } = context;
  shell.get('/livez', () => ({ status: 'alive' }));
  shell.get('/readyz', (_request: Request, reply) => {
    const ready = context.ready();
    void reply.code(ready ? 200 : 503);
    return { status: ready ? 'ready' : context.draining ? 'stopping' : 'not ready' };
  });
  shell.get('/health', (_request: Request, reply) => {
    const ready = context.ready();
    void reply.code(ready ? 200 : 503);
    const models = [...repository.models.values()].slice(0, 1_000).map((model) => ({
      name: model.spec.name,
      version: model.current?.ref.version ?? null,
      state: model.state,
      ...(model.reason === '' ? {} : { reason: model.reason }),
      ...(model.refused === undefined ? {} : { refused: model.refused }),
    }));
    const healthy = models.some((model) => 'refused' in model) ? 'degraded' : 'healthy';
    return {
      status: ready ? healthy : context.draining ? 'stopping' : 'unhealthy',
      uptime_seconds: Math.round((Date.now() - context.started.getTime()) / 1000),
      models,
      dependencies: context.dependencies(),
    };
  });
}

function describeModel(context: ServingContext, model: ServedModel) {
  return {
    name: model.spec.name,
    state: model.state,
    ...(model.reason === '' ? {} : { reason: model.reason }),
    version: model.current?.ref.version ?? null,
    versions: [...model.versions.values()].map((version) => describeVersion(context, version)),
  };
}

function describeVersion(context: ServingContext, version: ServedVersion) {
  const { ref, onnx } = version;
  const shaped = (tensors: ServedVersion['inputs']) =>
    tensors.map(({ name, dtype, dims }) => ({ name, dtype, shape: dims ?? null }));
  return {
    version: ref.version,
    uri: ref.uri,
    run_id: ref.runId ?? null,
    stage: ref.stage ?? null,
    aliases: ref.aliases ?? [],
    tags: ref.tags ?? {},
    md5: version.md5,
    size: version.size,
    loaded_at: version.loadedAt.toISOString(),
    batching: version.batchable,
    ...(version.alone === undefined ? {} : { batching_off: version.alone }),
    inputs: shaped(version.inputs),
    ...(version.optional.length === 0 ? {} : { optional_inputs: shaped(version.optional) }),
    outputs: shaped(version.outputs),
    classes: version.labels?.classes ?? null,
    signature: version.mlModel?.signature ?? null,
    producer: onnx.producer,
    opsets: Object.fromEntries(
      onnx.opsets.map((opset) => [opset.domain === '' ? 'ai.onnx' : opset.domain, opset.version]),
    ),
    metadata: Object.fromEntries(onnx.metadata),
    example: context.example(version),
  };
}
