type Schema = Readonly<Record<string, unknown>>;

/** One call of the pages in the browser, in words. Types of fields are those of `wire.ts`. */
interface Call {
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  readonly path: string;
  readonly summary: string;
  /** Names of the fields with what they are; a `*` before the name: needed. */
  readonly fields?: Readonly<Record<string, string>>;
}

const own = '/ajax-api/2.0/mlflow/mlops-ui';
const mlflow = '/ajax-api/2.0/mlflow';
const run = { '*run_id': '32 hexadecimal digits' };
const version = { '*name': 'of the registered model', '*version': 'decimal' };
const view = { view: 'ACTIVE_ONLY (default) or DELETED_ONLY' };
const page = { max_results: 'rows of a page', page_token: 'next_page_token of the page before' };
const experiment = { '*experiment_id': 'decimal' };
const tag = { '*key': 'name of the tag', value: 'its text' };

const ownCalls: readonly Call[] = [
  {
    method: 'get',
    path: `${own}/experiments`,
    summary: 'experiments with their activity',
    fields: { ...view, ...page },
  },
  {
    method: 'post',
    path: `${own}/runs`,
    summary: 'a page of the table of runs: only the columns asked for',
    fields: {
      '*experiment_ids': 'list',
      filter: "MLflow's grammar; words without a comparison search names",
      order_by: 'list, as for runs/search',
      columns: 'list of metrics.NAME, params.NAME, tags.NAME; default some that the newest runs have',
      ...view,
      ...page,
    },
  },
  {
    method: 'get',
    path: `${own}/columns`,
    summary: 'how many runs there are, and the names of all metrics, params and tags',
    fields: { '*experiment_ids': 'repeated', ...view },
  },
  {
    method: 'post',
    path: `${own}/curves`,
    summary: 'histories as columns, thinned out to max_points',
    fields: {
      '*run_ids': 'list, 50 at most',
      '*keys': 'list of metrics, 60 at most',
      max_points: '2 to 2000 of each curve',
      start_step: 'with end_step: only these steps',
      end_step: 'included',
    },
  },
  {
    method: 'get',
    path: `${own}/find`,
    summary: 'runs, experiments and models by name',
    fields: { '*text': 'a part' },
  },
  {
    method: 'get',
    path: `${own}/trail`,
    summary: 'who moved which version where, and why',
    fields: { '*name': 'of the registered model', version: 'only this one' },
  },
  { method: 'get', path: `${own}/live`, summary: 'server-sent events: change, and beat every five seconds' },
  {
    method: 'get',
    path: `${own}/page`,
    summary: 'a logged HTML page, without scripts and without an origin',
    fields: { ...run, '*path': 'of the artifact' },
  },
  { method: 'get', path: `${own}/openapi.json`, summary: 'this description' },
];

/** What the pages use of MLflow's protocol, which is described by MLflow in full. */
const mlflowCalls: readonly Call[] = [
  { method: 'get', path: `${mlflow}/experiments/get`, summary: 'an experiment', fields: experiment },
  {
    method: 'post',
    path: `${mlflow}/experiments/update`,
    summary: 'rename',
    fields: { ...experiment, '*new_name': 'text' },
  },
  { method: 'post', path: `${mlflow}/experiments/delete`, summary: 'delete, restorably', fields: experiment },
  { method: 'post', path: `${mlflow}/experiments/restore`, summary: 'restore', fields: experiment },
  {
    method: 'post',
    path: `${mlflow}/experiments/set-experiment-tag`,
    summary: 'keep a view',
    fields: { ...experiment, ...tag },
  },
  {
    method: 'post',
    path: `${mlflow}/experiments/delete-experiment-tag`,
    summary: 'remove a view',
    fields: { ...experiment, '*key': 'name of the tag' },
  },
  { method: 'get', path: `${mlflow}/runs/get`, summary: 'a run', fields: run },
  { method: 'post', path: `${mlflow}/runs/update`, summary: 'rename', fields: { ...run, run_name: 'text' } },
  { method: 'post', path: `${mlflow}/runs/delete`, summary: 'delete, restorably', fields: run },
  { method: 'post', path: `${mlflow}/runs/restore`, summary: 'restore', fields: run },
  { method: 'post', path: `${mlflow}/runs/set-tag`, summary: 'set a tag', fields: { ...run, ...tag } },
  {
    method: 'post',
    path: `${mlflow}/runs/delete-tag`,
    summary: 'remove a tag',
    fields: { ...run, '*key': 'its name' },
  },
  { method: 'get', path: `${mlflow}/artifacts/list`, summary: 'files of a folder', fields: { ...run, path: 'folder' } },
  { method: 'get', path: '/get-artifact', summary: 'a file of a run', fields: { ...run, '*path': 'of the file' } },
  {
    method: 'get',
    path: '/model-versions/get-artifact',
    summary: 'a file of a version',
    fields: { ...version, '*path': 'of the file' },
  },
  { method: 'get', path: `${mlflow}/registered-models/search`, summary: 'registered models', fields: page },
  { method: 'get', path: `${mlflow}/registered-models/get`, summary: 'a model', fields: { '*name': 'its name' } },
  {
    method: 'patch',
    path: `${mlflow}/registered-models/update`,
    summary: 'describe',
    fields: { '*name': 'its name', description: 'text' },
  },
  {
    method: 'post',
    path: `${mlflow}/registered-models/alias`,
    summary: 'set an alias',
    fields: { ...version, '*alias': 'a word' },
  },
  {
    method: 'delete',
    path: `${mlflow}/registered-models/alias`,
    summary: 'remove an alias',
    fields: { '*name': 'of the model', '*alias': 'a word' },
  },
  { method: 'get', path: `${mlflow}/model-versions/search`, summary: 'versions', fields: { filter: 'text', ...page } },
  {
    method: 'post',
    path: `${mlflow}/model-versions/transition-stage`,
    summary: 'promote',
    fields: {
      ...version,
      '*stage': 'None, Staging, Production or Archived',
      archive_existing_versions: 'true or false',
      why: 'for the audit trail; ours, not MLflow’s',
    },
  },
  {
    method: 'post',
    path: `${mlflow}/model-versions/set-tag`,
    summary: 'override gates',
    fields: { ...version, ...tag },
  },
  { method: 'get', path: `${mlflow}/logged-models/{model_id}`, summary: 'a logged model' },
  { method: 'get', path: `${mlflow}/webhooks`, summary: 'webhooks', fields: page },
  { method: 'post', path: '/ajax-api/3.0/mlflow/traces/search', summary: 'traces', fields: { '*locations': 'list' } },
  { method: 'get', path: '/ajax-api/3.0/mlflow/traces/get', summary: 'a trace', fields: { '*trace_id': 'its id' } },
];

/** The OpenAPI 3.1 description of all that the pages in the browser ask. */
export function uiOpenApi(prefix: string): Schema {
  const paths: Record<string, Record<string, Schema>> = {};
  for (const call of [...ownCalls, ...mlflowCalls]) {
    paths[call.path] = { ...paths[call.path], [call.method]: operation(call) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Web UI of mlops',
      version: '1',
      description: 'What the pages in the browser ask the tracking server.',
    },
    servers: [{ url: prefix === '' ? '/' : prefix }],
    paths,
  };
}

function operation({ method, path, summary, fields = {} }: Call): Schema {
  const named = Object.entries(fields).map(([name, description]) => ({
    name: name.replace('*', ''),
    required: name.startsWith('*'),
    description,
  }));
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const responses = { 200: { description: 'answered' }, 400: { description: 'error_code and message' } };
  if (method === 'get') {
    const parameters = named.map((field) => ({ ...field, in: 'query', schema: {} }));
    return { summary, parameters: [...inPath, ...parameters], responses };
  }
  const properties = Object.fromEntries(named.map(({ name, description }) => [name, { description }]));
  const required = named.filter((field) => field.required).map(({ name }) => name);
  const schema = { type: 'object', properties, required };
  return { summary, parameters: inPath, requestBody: { content: { 'application/json': { schema } } }, responses };
}
