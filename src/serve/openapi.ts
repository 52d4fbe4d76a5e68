import { dtypes } from './tensor.ts';
import type { ServingContext } from './context.ts';
import type { ServedVersion } from './served-version.ts';

type Schema = Readonly<Record<string, unknown>>;

/** The OpenAPI 3.1 description of this server, with examples from the signatures of the models it serves now. */
export function openApi(context: ServingContext): Schema {
  const versions = [...context.repository.models.values()].flatMap((model) => model.current ?? []).slice(0, 20);
  const [first] = versions;
  return {
    openapi: '3.1.0',
    info: {
      title: 'mlops serve',
      version: context.serverVersion,
      description: `Serves ${[...context.repository.models.keys()].slice(0, 20).join(', ')}.`,
    },
    components: {
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer' },
        header: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
      schemas: { Error: errorSchema },
    },
    security: [{}, { key: [] }, { header: [] }],
    paths: { ...nativePaths(context, versions), ...protocolPaths(context, versions, first), ...statePaths },
  };
}

const errorSchema: Schema = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: {
        code: { type: 'string' },
        message: { type: 'string' },
        hint: { type: 'string' },
        path: { type: 'string', description: 'the wrong field' },
        expected: { type: 'string' },
        got: { type: 'string' },
      },
    },
    request_id: { type: 'string' },
  },
};

const failures: Schema = Object.fromEntries(
  Object.entries({
    400: 'the request does not fit the model',
    401: 'no valid key',
    404: 'no such model or version',
    503: 'too many requests wait; see Retry-After',
    504: 'not answered in time',
  }).map(([status, description]) => [
    status,
    { description, content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } },
  ]),
);

function operation(tag: string, summary: string, extra: Schema = {}): Schema {
  const answered = { 200: { description: 'answered', content: { 'application/json': {} } } };
  return { tags: [tag], summary, responses: { ...answered, ...failures }, ...extra };
}

function body(examples: Schema, schema: Schema = { type: 'object' }): Schema {
  return { requestBody: { required: true, content: { 'application/json': { schema, examples } } } };
}

function nativePaths(context: ServingContext, versions: readonly ServedVersion[]): Schema {
  const several = context.repository.models.size > 1;
  const examples = Object.fromEntries(
    versions.map((version) => {
      const example = context.example(version) as Schema | null;
      const model = several ? { model: version.ref.name } : {};
      return [version.ref.name, { value: { ...model, ...example } }];
    }),
  );
  const query = ['model', 'model_version'].map((name) => ({ name, in: 'query', schema: { type: 'string' } }));
  const version = { name: 'version', in: 'path', required: true, schema: { type: 'string' } };
  return {
    '/predict': {
      post: operation('predict', 'Predict', { parameters: query, ...body(examples, predictSchema(versions)) }),
    },
    '/predict/similarity': {
      post: operation('predict', 'Cosine similarity of two or more inputs', body(examples)),
    },
    '/feedback': {
      post: operation(
        'predict',
        'Say what was true',
        body({ label: { value: { prediction_id: 'ID', label: 'cat' } } }),
      ),
    },
    '/models/info': { get: operation('models', 'What is served') },
    '/models/load/{version}': {
      post: operation('models', 'Load a version and make it the default', {
        parameters: [version, ...query.slice(0, 1)],
      }),
    },
  };
}

/** The inputs of the only model; several models share no schema. */
function predictSchema(versions: readonly ServedVersion[]): Schema {
  const [version] = versions;
  if (version === undefined || versions.length > 1 || version.processing?.input !== undefined)
    return { type: 'object' };
  const properties = Object.fromEntries(
    version.inputs.map(({ name, dtype, dims }) => {
      const { kind } = dtypes[dtype];
      const types = { float: 'number', int: 'integer', bigint: 'integer', bool: 'boolean', string: 'string' } as const;
      let schema: Schema = { type: types[kind] };
      for (const dim of [...(dims ?? [''])].reverse()) {
        schema =
          typeof dim === 'number'
            ? { type: 'array', items: schema, minItems: dim, maxItems: dim }
            : { type: 'array', items: schema };
      }
      return [name, { ...schema, description: `${dtype} [${(dims ?? ['...']).join(', ')}]` }];
    }),
  );
  const inputs = { type: 'object', properties, required: version.inputs.map((input) => input.name) };
  return { type: 'object', properties: { inputs } };
}

function protocolPaths(
  context: ServingContext,
  versions: readonly ServedVersion[],
  first: ServedVersion | undefined,
): Schema {
  const model = {
    name: 'model',
    in: 'path',
    required: true,
    schema: { type: 'string', enum: versions.map((v) => v.ref.name) },
  };
  const example = first === undefined ? null : (context.example(first) as { inputs?: unknown } | null);
  const infer = {
    inputs: first?.inputs.map(({ name, dtype, dims }) => {
      const shape = (dims ?? [1]).map((dim) => (typeof dim === 'number' ? dim : 1));
      const value = dtype === 'string' ? 'text' : dtype === 'bool' ? false : 0;
      const count = Math.min(
        1_000,
        shape.reduce((a, b) => a * b, 1),
      );
      return { name, shape, datatype: dtypes[dtype].v2, data: Array.from({ length: count }, () => value) };
    }),
  };
  return {
    '/invocations': {
      post: operation('mlflow', "MLflow's scoring protocol", body({ inputs: { value: { inputs: example?.inputs } } })),
    },
    '/ping': { get: operation('mlflow', 'Ready?') },
    '/v2': { get: operation('open inference protocol', 'Server metadata') },
    '/v2/models/{model}': { get: operation('open inference protocol', 'Model metadata', { parameters: [model] }) },
    '/v2/models/{model}/infer': {
      post: operation('open inference protocol', 'Infer', {
        parameters: [model],
        ...body({ infer: { value: infer } }),
      }),
    },
    '/v2/models/{model}/stats': { get: operation('open inference protocol', 'Statistics', { parameters: [model] }) },
    '/v2/repository/index': { post: operation('open inference protocol', 'Models and their states') },
  };
}

const statePaths: Schema = {
  '/health': { get: operation('state', 'Health with dependencies') },
  '/livez': { get: operation('state', 'Alive?') },
  '/readyz': { get: operation('state', 'Ready?') },
  '/stats': { get: operation('state', 'Counts, latency, distribution of answers') },
  '/metrics': { get: operation('state', 'Prometheus metrics') },
};
