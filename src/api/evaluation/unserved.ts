import { MlopsError } from '../../base/index.ts';
import { mlflowErrorBody, type Shell } from '../../http/index.ts';

type Verb = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What MLflow's server has and this one has not: below which addresses, and the sentence that says so. */
const parts: readonly (readonly [paths: readonly string[], sentence: string])[] = [
  [
    ['/api/3.0/mlflow/gateway', '/ajax-api/3.0/mlflow/gateway', '/gateway'],
    'This server has no AI gateway: call the provider of the model directly.',
  ],
  [
    ['/ajax-api/3.0/mlflow/demo'],
    'This server makes no demo data: run `mlops demo` in an empty folder to see it work.',
  ],
  [
    [
      ...['/ajax-api/3.0/mlflow/scorer/invoke', '/ajax-api/3.0/mlflow/genai/evaluate'],
      ...['/ajax-api/3.0/mlflow/issues/invoke', '/ajax-api/3.0/mlflow/jobs', '/ajax-api/3.0/jobs'],
      ...['/api/3.0/mlflow/prompt-optimization', '/ajax-api/3.0/mlflow/prompt-optimization'],
    ],
    'This server runs no code of its clients: evaluate and optimize where your code is, with mlflow.genai.',
  ],
  [
    ['/api/3.0/mlflow/mcp-servers', '/ajax-api/3.0/mlflow/mcp-servers'],
    'This server keeps no registry of MCP servers.',
  ],
  [['/ajax-api/3.0/mlflow/assistant'], 'This server has no assistant.'],
  [
    ['/api/2.0/mlflow/get-online-trace-details', '/ajax-api/2.0/mlflow/get-online-trace-details'],
    'Traces of online stores are not kept here: search them with /api/3.0/mlflow/traces/search.',
  ],
  [
    ['/api/2.0/mlflow/unified-traces', '/ajax-api/2.0/mlflow/unified-traces'],
    'Traces are searched with /api/3.0/mlflow/traces/search here.',
  ],
];

const verbs: readonly Verb[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** Says of what is not here that it is not, with 501: a 404 would read like a wrong address. */
export function addUnserved(shell: Shell, prefix: string): void {
  for (const [paths, sentence] of parts) {
    const handler = (): never => {
      throw new MlopsError('not_implemented', sentence);
    };
    for (const path of paths) {
      for (const url of [`${prefix}${path}`, `${prefix}${path}/*`]) {
        shell.route({ method: [...verbs], url, config: { scope: 'read', errors: mlflowErrorBody }, handler });
      }
    }
  }
  addWorkspaces(shell, prefix);
  // What the web UI asks first: there is no gateway, and that is no failure.
  for (const method of ['GET', 'POST'] as const) {
    shell.route({
      ...{ method, url: `${prefix}/ajax-api/2.0/mlflow/gateway-proxy` },
      config: { scope: 'read', errors: mlflowErrorBody },
      handler: (_, reply) => reply.header('content-type', 'application/json').send('{"endpoints":[]}'),
    });
  }
}

/** As MLflow's server answers that was started without workspaces: its clients go by the status. */
function addWorkspaces(shell: Shell, prefix: string): void {
  for (const root of ['api', 'ajax-api']) {
    for (const path of ['/workspaces', '/workspaces/:workspace_name']) {
      const url = `${prefix}/${root}/3.0/mlflow${path}`;
      shell.route({
        ...{ method: [...verbs], url, config: { scope: 'read', errors: mlflowErrorBody } },
        handler: (_, reply) =>
          reply
            .code(503)
            .type('text/plain; charset=utf-8')
            .send(`Endpoint: ${url} disabled because the server is running without workspaces support.`),
      });
    }
  }
}
