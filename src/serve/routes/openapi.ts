import type { ServingContext } from './context.ts';
import { RequestExamples } from './openapi-examples.ts';
import { dtypes } from '../wire/tensor.ts';
import type { ServedVersion } from '../running/served-version.ts';

type Schema = Readonly<Record<string, unknown>>;

/** The OpenAPI 3.1 description of this server, with examples from the signatures of the models it serves now. */
export function openApi(context: ServingContext): Schema {
  const versions = [...context.repository.models.values()].flatMap((model) => model.current ?? []).slice(0, 20);
  const examples = new RequestExamples(context, versions);
  const names = [...context.repository.models.keys()];
  return {
    openapi: '3.1.0',
    info: {
      title: 'mlops serve',
      version: context.serverVersion,
      description: `Serves ${names.slice(0, 20).join(', ')}${names.length > 20 ? ' and others' : ''}.`,
    },
    components: {
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer' },
        header: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
      schemas: { Error: errorSchema, Prediction: predictionSchema },
    },
    security: [{}, { key: [] }, { header: [] }],
    paths: { ...nativePaths(examples, versions), ...protocolPaths(names, examples), ...statePaths },
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

const predictionSchema: Schema = {
  type: 'object',
  properties: {
    outputs: { type: 'object', description: 'values by name of the output, a row for each row of the inputs' },
    labels: { type: 'array', items: { type: 'string' }, description: 'one for each row, where the model has labels' },
    top: { type: 'array', description: 'best labels with scores for each row, where serving.yaml asks for them' },
    units: { type: 'object', description: 'by output, where serving.yaml names them' },
    model: { type: 'string' },
    model_version: { type: 'string' },
    arm: { type: 'string', description: 'of the traffic rule by which the version was chosen, where there is one' },
    prediction_id: { type: 'string', description: 'for /feedback' },
    latency_ms: { type: 'number' },
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

function answered(schema: Schema = {}): Schema {
  return { 200: { description: 'answered', content: { 'application/json': { schema } } } };
}

function operation(tag: string, summary: string, extra: Schema = {}): Schema {
  return { tags: [tag], summary, responses: { ...answered(), ...failures }, ...extra };
}

/** What needs no key. */
function open(tag: string, summary: string, extra: Schema = {}): Schema {
  return { tags: [tag], summary, security: [], responses: answered(), ...extra };
}

function body(examples: Schema, schema: Schema = { type: 'object' }): Schema {
  return { requestBody: { required: true, content: { 'application/json': { schema, examples } } } };
}

/** Beside JSON, a form with a file chooser for the pictures of the models that take some. */
function uploads(json: Schema, versions: readonly ServedVersion[]): Schema {
  const forms = versions.flatMap(formOf);
  const { requestBody } = json as { requestBody: { content: Schema } };
  const [only, ...more] = forms;
  if (only === undefined) return json;
  const schema = more.length === 0 ? only : { anyOf: forms };
  // First: it is what a page shows before another one is chosen.
  const content = { 'multipart/form-data': { schema }, ...requestBody.content };
  return { requestBody: { ...requestBody, content } };
}

function formOf(version: ServedVersion): Schema[] {
  const keys = fileKeys(version);
  if (keys.size === 0) return [];
  const names = version.processing?.input?.names ?? [];
  const file = { type: 'array', items: { type: 'string', format: 'binary' } };
  const properties = names.map((name) => [name, keys.has(name) ? file : { type: 'string' }]);
  return [{ title: version.ref.name, type: 'object', properties: Object.fromEntries(properties), required: names }];
}

/** The keys under which a model takes pictures; an ensemble those that go to such members. */
function fileKeys({ processing, ensemble }: ServedVersion): ReadonlySet<string> {
  const field = processing?.input?.image?.field;
  if (field !== undefined) return new Set([field]);
  const keys = (ensemble?.config.members ?? []).flatMap(({ name, inputs }) => {
    const own = ensemble?.members.get(name)?.processing?.input?.image?.field;
    return [...inputs].flatMap(([target, source]) => (target === own ? [source] : []));
  });
  return new Set(keys);
}

const query = ['model', 'model_version'].map((name) => ({ name, in: 'query', schema: { type: 'string' } }));

const draw = {
  name: 'draw',
  in: 'query',
  description: 'true: answer the picture with the boxes that were found',
  schema: { type: 'boolean' },
};

function nativePaths(examples: RequestExamples, versions: readonly ServedVersion[]): Schema {
  const version = { name: 'version', in: 'path', required: true, schema: { type: 'string' } };
  return {
    '/predict': {
      post: operation('predict', 'Predict', {
        parameters: [...query, draw],
        ...uploads(body(examples.predict(), predictSchema(versions)), versions),
        responses: { ...answered({ $ref: '#/components/schemas/Prediction' }), ...failures },
      }),
    },
    '/predict/similarity': {
      post: operation('predict', 'Cosine similarity: one against many, or each with each', {
        parameters: query,
        ...body(examples.similarity()),
      }),
    },
    '/feedback': {
      post: operation(
        'predict',
        'Say what was true',
        body({ label: { value: { prediction_id: 'ID', label: 'cat' } } }),
      ),
    },
    '/predictions': {
      post: operation(
        'predict',
        'Log predictions of models that run elsewhere',
        body({ one: { value: { id: 'ID', model: 'skin', prediction: 'cat', scores: { cat: 0.9, dog: 0.1 } } } }),
      ),
    },
    '/predictions/labels': {
      post: operation(
        'predict',
        'Say what was true, of several at once',
        body({ labels: { value: { labels: [{ id: 'ID', label: 'cat' }] } } }),
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

/** What each model takes. */
function predictSchema(versions: readonly ServedVersion[]): Schema {
  const [only, ...more] = versions;
  if (only === undefined) return { type: 'object' };
  return more.length === 0 ? inputsSchema(only) : { anyOf: versions.map(inputsSchema) };
}

function inputsSchema(version: ServedVersion): Schema {
  const title = version.ref.name;
  const row = version.processing?.input?.schema();
  if (row !== undefined) {
    return { title, anyOf: [row, named('inputs', row), named('instances', { type: 'array', items: row })] };
  }
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
  return { title, type: 'object', properties: { inputs } };
}

function named(name: string, schema: Schema): Schema {
  return { type: 'object', properties: { [name]: schema }, required: [name] };
}

const v2 = 'open inference protocol';

function protocolPaths(names: readonly string[], examples: RequestExamples): Schema {
  // A list of names is a help as long as a person can read it.
  const schema = names.length > 0 && names.length <= 200 ? { type: 'string', enum: names } : { type: 'string' };
  const model = [{ name: 'model', in: 'path', required: true, schema }];
  return {
    '/invocations': {
      post: operation('mlflow', "MLflow's scoring protocol", { parameters: query, ...body(examples.invocations()) }),
    },
    '/ping': { get: open('mlflow', 'Ready?') },
    '/version': { get: open('mlflow', 'The version of MLflow that this answers like') },
    '/v2': { get: open(v2, 'Server metadata') },
    '/v2/health/live': { get: open(v2, 'Alive?') },
    '/v2/health/ready': { get: open(v2, 'Ready?') },
    '/v2/models/{model}': { get: operation(v2, 'Model metadata', { parameters: model }) },
    '/v2/models/{model}/ready': { get: open(v2, 'Is this model ready?', { parameters: model }) },
    '/v2/models/{model}/infer': { post: operation(v2, 'Infer', { parameters: model, ...body(examples.infer()) }) },
    '/v2/models/{model}/stats': { get: operation(v2, 'Statistics', { parameters: model }) },
    '/v2/repository/index': { post: operation(v2, 'Models and their states') },
    '/v2/repository/models/{model}/load': { post: operation(v2, 'Load, or load again', { parameters: model }) },
    '/v2/repository/models/{model}/unload': { post: operation(v2, 'Unload', { parameters: model }) },
  };
}

const statePaths: Schema = {
  '/health': { get: open('state', 'Health with dependencies') },
  '/livez': { get: open('state', 'Alive?') },
  '/readyz': { get: open('state', 'Ready?') },
  '/stats': { get: operation('state', 'Counts, latency, distribution of answers') },
  '/metrics': { get: open('state', 'Prometheus metrics') },
};
