import { isMlopsError } from '../../base/index.ts';
import type { Request } from '../../http/index.ts';
import { decodeOnce, readArtifactName } from '../../mlflow/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { denied, inExperiment, ofExperiment, orDenied, type Gate, type Tier } from './needs.ts';

/** What a rule is told. The store is not guarded. */
export interface Asked {
  readonly request: Request;
  readonly gate: Gate;
  readonly store: TrackingStore;
}

/**
 * Who may call a route: `open` anybody, `signed` every user, `store` every user, and the guarded store decides about
 * what the route asks of it, `admin` administrators; else what a function decides, which throws `forbidden`.
 */
export type Rule = 'open' | 'signed' | 'store' | 'admin' | ((asked: Asked) => void | Promise<void>);

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function queryOf({ query }: Request): Readonly<Record<string, unknown>> {
  return query as Record<string, unknown>;
}

/** Files below `EXPERIMENT/` belong to the experiment, those of its runs, models and traces to these. */
function artifact(action: 'read' | 'update' | 'manage'): Rule {
  return ({ request, gate }) => {
    const path = artifactPath(request);
    const [, experiment, rest = ''] = /^(\d+)(?:\/(.*))?$/s.exec(path) ?? [];
    if (experiment === undefined) {
      // Listing of the root shows nothing but ids; all else there belongs to nobody.
      if (action === 'read' && path === '') return gate.readsAll('experiment') ? undefined : refuse();
      return gate.need({ type: 'experiment', id: '*', action });
    }
    const tiers = tiersOf(rest, action === 'manage');
    if (tiers.length === 0) return gate.need(ofExperiment(experiment, action));
    for (const tier of tiers) {
      const [base, ...more] = inExperiment(tier, experiment, 'read');
      if (base !== undefined) gate.need(base);
      for (const requirement of more) gate.need({ ...requirement, action });
    }
  };
}

function refuse(): never {
  throw denied();
}

/** The name of the file as the proxy will read it, so that no other spelling gets by. */
function artifactPath(request: Request): string {
  const [target = ''] = (request.raw.url ?? '').split('?', 1);
  const [, verb, rest] =
    /\/mlflow-artifacts\/(?:mpu\/(create|complete|abort)|artifacts|presigned)(?:\/(.*))?$/s.exec(target) ?? [];
  const given = rest === undefined ? text(queryOf(request)['path']) : decodeOnce(rest);
  try {
    const { stored, others } = readArtifactName(given);
    // A name with two readings in different experiments is nobody's.
    const [head] = stored.split('/', 1);
    if (others.some((other) => other.split('/', 1)[0] !== head)) throw denied();
    return stored;
  } catch (error) {
    // The proxy refuses it in its own words.
    if (isMlopsError(error, 'forbidden') || verb !== undefined) throw denied();
    return given;
  }
}

function tiersOf(rest: string, recursive: boolean): readonly Tier[] {
  const segments = rest.split('/').filter((segment) => segment !== '');
  const [first = ''] = segments;
  if (segments.length === 0) return recursive ? ['run', 'trace', 'logged_model'] : [];
  if (first === 'models') return ['logged_model'];
  if (first === 'traces') return ['trace'];
  if (segments[1] === 'artifacts' || /^[0-9a-f]{32}$/.test(first)) return ['run'];
  return recursive ? ['run'] : [];
}

const uploadToRun: Rule = async ({ request, gate, store }) => {
  const query = queryOf(request);
  const id = text(query['run_id']) === '' ? text(query['run_uuid']) : text(query['run_id']);
  const { info } = await orDenied(store.getRun(id));
  gate.need(...inExperiment('run', info.experimentId, 'update'));
};

/** Statistics of one model, or of all. */
const monitor: Rule = ({ request, gate }) => {
  const model = text(queryOf(request)['model']);
  if (model !== '') return gate.need({ type: 'registered_model', id: model, action: 'read' });
  if (!gate.readsAll('registered_model')) throw denied();
};

/** Records name their models; labels name predictions only, whose models are not looked for. */
const record: Rule = ({ request, gate }) => {
  const models = new Set<string>();
  try {
    const body: unknown = JSON.parse(Buffer.isBuffer(request.body) ? request.body.toString('utf8') : 'null');
    const inside = (body as { predictions?: unknown } | null)?.predictions ?? body;
    for (const one of [inside].flat()) models.add(text((one as { model?: unknown } | null)?.model));
  } catch {
    // The route says what is wrong with it.
  }
  for (const name of models) gate.need({ type: 'registered_model', id: name === '' ? '*' : name, action: 'use' });
};

const rules = new Map<string, Rule>();

function put(rule: Rule, list: string): void {
  for (const line of list.trim().split('\n')) rules.set(line.trim(), rule);
}

put(
  'open',
  `GET /health
  GET /version
  GET /api/3.0/mlflow/server-info
  GET /api/3.0/mlflow/ui-telemetry
  POST /api/3.0/mlflow/ui-telemetry
  GET /login
  POST /login
  POST /logout
  GET /login/oidc
  GET /login/oidc/callback`,
);
put(
  'store',
  `POST /api/2.0/mlflow/experiments/create
  GET /api/2.0/mlflow/experiments/get
  GET /api/2.0/mlflow/experiments/get-by-name
  GET /api/2.0/mlflow/experiments/search
  POST /api/2.0/mlflow/experiments/search
  POST /api/2.0/mlflow/experiments/update
  POST /api/2.0/mlflow/experiments/delete
  POST /api/2.0/mlflow/experiments/restore
  POST /api/2.0/mlflow/experiments/set-experiment-tag
  POST /api/2.0/mlflow/experiments/delete-experiment-tag
  POST /api/2.0/mlflow/experiments/search-datasets
  POST /api/2.0/mlflow/runs/create
  GET /api/2.0/mlflow/runs/get
  POST /api/2.0/mlflow/runs/update
  POST /api/2.0/mlflow/runs/delete
  POST /api/2.0/mlflow/runs/restore
  POST /api/2.0/mlflow/runs/search
  POST /api/2.0/mlflow/runs/log-metric
  POST /api/2.0/mlflow/runs/log-parameter
  POST /api/2.0/mlflow/runs/set-tag
  POST /api/2.0/mlflow/runs/delete-tag
  POST /api/2.0/mlflow/runs/log-batch
  POST /api/2.0/mlflow/runs/log-inputs
  POST /api/2.0/mlflow/runs/outputs
  POST /api/2.0/mlflow/runs/log-model
  GET /api/2.0/mlflow/metrics/get-history
  GET /api/2.0/mlflow/metrics/get-history-bulk
  GET /api/2.0/mlflow/metrics/get-history-bulk-interval
  POST /api/2.0/mlflow/logged-models
  POST /api/2.0/mlflow/logged-models/search
  GET /api/2.0/mlflow/logged-models/:model_id
  PATCH /api/2.0/mlflow/logged-models/:model_id
  DELETE /api/2.0/mlflow/logged-models/:model_id
  PATCH /api/2.0/mlflow/logged-models/:model_id/tags
  DELETE /api/2.0/mlflow/logged-models/:model_id/tags/:key
  POST /api/2.0/mlflow/logged-models/:model_id/params
  GET /api/2.0/mlflow/logged-models/:model_id/artifacts/directories
  GET /api/2.0/mlflow/logged-models/:model_id/artifacts/files
  POST /api/2.0/mlflow/registered-models/create
  GET /api/2.0/mlflow/registered-models/get
  PATCH /api/2.0/mlflow/registered-models/update
  POST /api/2.0/mlflow/registered-models/rename
  DELETE /api/2.0/mlflow/registered-models/delete
  GET /api/2.0/mlflow/registered-models/search
  GET /api/2.0/mlflow/registered-models/get-latest-versions
  POST /api/2.0/mlflow/registered-models/get-latest-versions
  POST /api/2.0/mlflow/registered-models/set-tag
  DELETE /api/2.0/mlflow/registered-models/delete-tag
  POST /api/2.0/mlflow/registered-models/alias
  DELETE /api/2.0/mlflow/registered-models/alias
  GET /api/2.0/mlflow/registered-models/alias
  POST /api/2.0/mlflow/model-versions/create
  GET /api/2.0/mlflow/model-versions/get
  PATCH /api/2.0/mlflow/model-versions/update
  DELETE /api/2.0/mlflow/model-versions/delete
  POST /api/2.0/mlflow/model-versions/transition-stage
  GET /api/2.0/mlflow/model-versions/get-download-uri
  GET /api/2.0/mlflow/model-versions/search
  POST /api/2.0/mlflow/model-versions/set-tag
  DELETE /api/2.0/mlflow/model-versions/delete-tag
  GET /api/2.0/mlflow/artifacts/list
  POST /api/2.0/mlflow/mlops-studies/read
  POST /api/2.0/mlflow/mlops-studies/write
  POST /api/2.0/mlflow/mlops-traffic/read
  POST /api/2.0/mlflow/mlops-traffic/write
  POST /api/2.0/mlflow/artifacts/presigned-upload-url
  POST /api/2.0/mlflow/artifacts/presigned-download-url
  POST /api/2.0/mlflow/runs/create-promptlab-run
  POST /api/3.0/mlflow/traces/metrics
  POST /api/3.0/mlflow/traces/calculate-filter-correlation
  POST /api/3.0/mlflow/traces
  POST /api/3.0/mlflow/traces/search
  GET /api/3.0/mlflow/traces/get
  GET /api/3.0/mlflow/traces/batchGet
  GET /api/3.0/mlflow/traces/batchGetInfos
  POST /api/3.0/mlflow/traces/batchGetInfos
  GET /api/3.0/mlflow/traces/:trace_id
  PATCH /api/2.0/mlflow/traces/:trace_id/tags
  DELETE /api/2.0/mlflow/traces/:trace_id/tags
  POST /api/2.0/mlflow/traces/delete-traces
  POST /api/2.0/mlflow/traces/link-to-run
  POST /api/2.0/mlflow/traces/link-prompts
  PATCH /api/3.0/mlflow/traces/:trace_id/tags
  DELETE /api/3.0/mlflow/traces/:trace_id/tags
  POST /api/3.0/mlflow/traces/delete-traces
  POST /api/3.0/mlflow/traces/link-to-run
  POST /api/3.0/mlflow/traces/link-prompts
  POST /api/3.0/mlflow/traces/:trace_id/assessments
  GET /api/3.0/mlflow/traces/:trace_id/assessments/:assessment_id
  PATCH /api/3.0/mlflow/traces/:trace_id/assessments/:assessment_id
  DELETE /api/3.0/mlflow/traces/:trace_id/assessments/:assessment_id
  POST /api/2.0/mlflow/traces
  PATCH /api/2.0/mlflow/traces/:request_id
  GET /api/2.0/mlflow/traces/:request_id/info
  GET /api/2.0/mlflow/traces
  POST /v1/traces
  POST /graphql
  GET /graphql
  GET /get-artifact
  GET /api/2.0/mlflow/get-artifact
  GET /model-versions/get-artifact
  GET /api/2.0/mlflow/get-trace-artifact
  GET /api/3.0/mlflow/get-trace-artifact
  GET /
  GET /experiments/:id
  GET /experiments/:id/runs/:run
  GET /experiments/:id/models/:model
  GET /models
  GET /models/:name
  GET /models/:name/versions/:version`,
);
put(
  'admin',
  `POST /api/2.0/mlflow/webhooks
  GET /api/2.0/mlflow/webhooks
  GET /api/2.0/mlflow/webhooks/:webhook_id
  PATCH /api/2.0/mlflow/webhooks/:webhook_id
  DELETE /api/2.0/mlflow/webhooks/:webhook_id
  POST /api/2.0/mlflow/webhooks/:webhook_id/test`,
);
put(
  artifact('read'),
  `GET /api/2.0/mlflow-artifacts/artifacts
  GET /api/2.0/mlflow-artifacts/artifacts/*
  GET /api/2.0/mlflow-artifacts/presigned/*`,
);
put(
  artifact('update'),
  `PUT /api/2.0/mlflow-artifacts/artifacts/*
  POST /api/2.0/mlflow-artifacts/mpu/create
  POST /api/2.0/mlflow-artifacts/mpu/create/*
  POST /api/2.0/mlflow-artifacts/mpu/complete
  POST /api/2.0/mlflow-artifacts/mpu/complete/*
  POST /api/2.0/mlflow-artifacts/mpu/abort
  POST /api/2.0/mlflow-artifacts/mpu/abort/*`,
);
put(artifact('manage'), 'DELETE /api/2.0/mlflow-artifacts/artifacts/*');
// The id of an upload is a secret of who began it.
put('signed', 'PUT /api/2.0/mlflow-artifacts/mpu/part/:id/:part');
put(uploadToRun, 'POST /api/2.0/mlflow/upload-artifact');
put(
  monitor,
  `GET /monitor/stats
  GET /monitor/performance
  GET /monitor/drift
  GET /monitor/health
  GET /metrics`,
);
put(
  record,
  `POST /predictions
  POST /predictions/labels
  POST /feedback`,
);

/** Families of routes: files of the web UI, those that go to the guarded store, and those that say what is not served. */
const families: readonly (readonly [Rule, RegExp])[] = [
  ['open', /^GET \/static\//],
  ['store', /^\w+ \/api\/2\.0\/mlflow\/mlops-ui\//],
  ['signed', /^GET \/(?:experiments|models)\/\*$/],
  ['store', /^\w+ \/api\/3\.0\/mlflow\/(?:datasets|scorers|issues|label-schemas|review-queues)(?:\/(?!invoke)|$)/],
  [
    'signed',
    /^\w+ \/api\/3\.0\/mlflow\/(?:workspaces|gateway|demo|jobs|prompt-optimization|mcp-servers|assistant)(?:\/|$)/,
  ],
  ['signed', /^\w+ \/api\/3\.0\/(?:jobs|mlflow\/(?:scorer\/invoke|genai\/evaluate|issues\/invoke))(?:\/|$)/],
  ['signed', /^\w+ \/api\/2\.0\/mlflow\/(?:get-online-trace-details|unified-traces|gateway-proxy)(?:\/|$)/],
  ['signed', /^\w+ \/gateway(?:\/|$)/],
];

/** Puts further routes into the table. */
export function addRule(rule: Rule, routes: readonly string[]): void {
  for (const route of routes) rules.set(route, rule);
}

/** The rule of a route by its pattern; undefined when nobody made one, and then it is for administrators. */
export function ruleOf(method: string, pattern: string, prefix: string): Rule | undefined {
  const below = prefix !== '' && pattern.startsWith(prefix) ? pattern.slice(prefix.length) : pattern;
  const path = below.replace(/^\/ajax-api\//, '/api/');
  const route = `${method === 'HEAD' ? 'GET' : method} ${path === '' ? '/' : path}`;
  return rules.get(route) ?? families.find(([, pattern]) => pattern.test(route))?.[0];
}
