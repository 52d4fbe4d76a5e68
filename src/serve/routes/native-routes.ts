import type { Request, Shell } from '../../http/index.ts';
import type { ServingContext } from './context.ts';
import type { Control } from '../cluster/control.ts';
import { answer } from './answer.ts';
import { drawBoxes } from './draw.ts';
import { boundEarly, leaseFor, queryTarget, takeLease, type VersionQuery } from './binding.ts';
import { namesOf } from '../protocols/envelope.ts';
import type { ServedModel } from '../running/served-model.ts';
import type { Lease, Target } from '../running/router.ts';
import type { ServedVersion } from '../running/served-version.ts';

/** `/predict`, and what the server says about its models. */
export function addNativeRoutes(shell: Shell, context: ServingContext, control: Control): void {
  const { repository } = context;

  const predicts = { config: { scope: 'predict' as const }, onRequest: boundEarly(context.router, queryTarget) };
  shell.post('/predict', predicts, async (request, reply) => {
    const { body, type, predictionId } = await predict(context, request);
    void reply.header('content-type', type);
    if (predictionId !== undefined) void reply.header('x-prediction-id', predictionId);
    return body;
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

interface Predicted {
  readonly body: string | Buffer;
  readonly type: string;
  /** Where the body does not say it. */
  readonly predictionId: string | undefined;
}

async function predict(context: ServingContext, request: Request): Promise<Predicted> {
  const { router, repository, threads } = context;
  const target = queryTarget(request);
  let lease = takeLease(request);
  try {
    // 64-bit integers are lost once a body is read without them, and it may name another version: when in doubt, exact.
    const exact = takesExact(lease, target) ?? context.anyExactIntegers();
    const asked = { protocol: 'native', contentType: request.headers['content-type'] } as const;
    const opening = threads.open(asked, request.body, exact);
    const exchange = opening instanceof Promise ? await opening : opening;
    try {
      const isOnly = exchange.namesModel && repository.models.size === 1;
      // A column may be called `model`: only the model itself knows.
      if (isOnly) lease ??= await router.lease(target);
      const own = isOnly && lease !== undefined ? namesOf(lease.version) : undefined;
      const route = await exchange.route(request.query as VersionQuery, own);
      lease = await leaseFor(router, lease, { ...route, headers: target.headers });
      const wanted = { lease, said: route.said, processed: true };
      if (isTrue((request.query as { draw?: string }).draw)) {
        const { file, type, predictionId } = await drawBoxes(context, request, exchange, wanted);
        return { body: Buffer.from(file.buffer, file.byteOffset, file.byteLength), type, predictionId };
      }
      const { body } = await answer(context, request, exchange, wanted);
      return { body, type: 'application/json; charset=utf-8', predictionId: undefined };
    } finally {
      exchange.close();
    }
  } finally {
    lease?.release();
  }
}

function isTrue(value: string | undefined): boolean {
  return value === 'true' || value === '1' || value === '';
}

/** Whether the version that will answer takes 64-bit integers; undefined where the body may name another. */
function takesExact(lease: Lease | undefined, { version }: Target): boolean | undefined {
  return version === undefined ? undefined : lease?.version.exactIntegers;
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

/** What a request gives: tensors, or rows that serving.yaml makes tensors of, as JSON Schema; and how boxes come back. */
function describeRequest(version: ServedVersion) {
  const { input, recipe } = version.processing ?? {};
  const boxes = recipe?.config.outputs.find((output) => output.boxes !== undefined)?.boxes;
  const pictures = pictureKeys(version);
  return {
    ...(input === undefined ? { kind: 'tensors' } : { kind: input.kind, row: input.schema() }),
    ...(pictures.length === 0 ? {} : { pictures }),
    ...(boxes === undefined ? {} : { boxes: boxes.format }),
  };
}

/** Keys of a request under which pictures come. */
function pictureKeys({ processing, ensemble }: ServedVersion): string[] {
  const field = processing?.input?.image?.field;
  if (field !== undefined) return [field];
  const keys = (ensemble?.config.members ?? []).flatMap(({ name, inputs }) => {
    const own = ensemble?.members.get(name)?.processing?.input?.image?.field;
    return own === undefined ? [] : [inputs.get(own) ?? []].flat();
  });
  return [...new Set(keys)];
}

function describeVersion(context: ServingContext, version: ServedVersion) {
  const { ref, onnx } = version;
  const alone = context.scheduler.aloneBecause(version);
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
    batching: alone === undefined,
    ...(alone === undefined ? {} : { batching_off: alone }),
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
    request: describeRequest(version),
    example: context.example(version),
  };
}
