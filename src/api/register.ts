import type { Shell } from '../http/index.ts';
import type { TrackingStore } from '../tracking/index.ts';
import { addArtifactFiles, artifactRoutes } from './artifacts.ts';
import { addArtifactProxy } from './artifact-proxy.ts';
import type { ArtifactLimits } from './checked-artifacts.ts';
import { datasetRoutes } from './evaluation/datasets.ts';
import { issueRoutes } from './evaluation/issues.ts';
import { labelSchemaRoutes } from './evaluation/label-schemas.ts';
import { promptLabRoutes } from './evaluation/prompt-lab.ts';
import { reviewQueueRoutes } from './evaluation/review-queues.ts';
import { scorerRoutes } from './evaluation/scorers.ts';
import { traceMetricRoutes } from './evaluation/trace-metrics.ts';
import { addUnserved } from './evaluation/unserved.ts';
import { experimentRoutes } from './experiments.ts';
import { loggedModelRoutes } from './logged-models.ts';
import { metricRoutes } from './metrics.ts';
import { modelVersionRoutes } from './model-versions.ts';
import { registeredModelRoutes } from './registered-models.ts';
import { presignedRoutes } from './presigned.ts';
import { studyRoutes } from './studies.ts';
import { trafficRoutes } from './traffic.ts';
import { addRoutes, type ApiRoute } from './route.ts';
import { runRoutes, type ShapeRun } from './runs.ts';
import { addOtlp } from './otlp.ts';
import { traceRoutes } from './traces.ts';
import { oldTraceRoutes } from './traces-v2.ts';
import { addGraphql } from './graphql/register.ts';
import { openDeliveries, type DeliveryOptions } from './webhooks/deliver.ts';
import { webhookRoutes } from './webhooks/routes.ts';
import { withDeliveries } from './webhooks/wake.ts';
import { addServerFacts } from './server-facts.ts';
import { uiRoutes } from './ui/routes.ts';

export interface MlflowApiOptions {
  readonly store: TrackingStore;
  /** Path that precedes all routes: `/mlflow`. Default ''. */
  readonly prefix?: string | undefined;
  /** Whether clients may keep artifacts here. Default true. */
  readonly serveArtifacts?: boolean | undefined;
  readonly artifactLimits?: ArtifactLimits | undefined;
  readonly shapeRun?: ShapeRun | undefined;
  /** How webhooks are delivered; without it there are none. */
  readonly webhooks?: DeliveryOptions | undefined;
}

/** Puts MLflow's REST protocol over a tracking store on a shell. The caller listens and closes the store. */
export function registerMlflowApi(shell: Shell, options: MlflowApiOptions): void {
  const { store, prefix = '', serveArtifacts = true } = options;
  // Some clients send the fields of a GET in a body.
  shell.addHttpMethod('GET', { hasBody: true, overrideExisting: true });
  const direct =
    serveArtifacts && store.kind !== 'remote' && store.artifacts('mlflow-artifacts:/').direct !== undefined;
  addServerFacts(shell, prefix, store, direct);
  refuseWithoutStore(shell, store);
  addRoutes(shell, prefix, withWebhooks(shell, routesOf(store, options.shapeRun), options));
  addRoutes(shell, prefix, traceRoutes(store.traces));
  addRoutes(shell, prefix, oldTraceRoutes(store.traces));
  addRoutes(shell, prefix, evaluationRoutes(store));
  addUnserved(shell, prefix);
  addOtlp(shell, prefix, store.traces);
  addGraphql(shell, prefix, store);
  addArtifactFiles(shell, prefix, store);
  addArtifactProxy(shell, prefix, store, serveArtifacts, options.artifactLimits);
}

/** What cannot be kept is not taken, and what is no longer at its place is not shown as if it were. */
function refuseWithoutStore(shell: Shell, store: TrackingStore): void {
  if (store.checkHere === undefined) return;
  shell.addHook('preHandler', (request, _reply, done) => {
    if ((request.routeOptions.config.scope ?? 'public') !== 'public') store.checkHere?.();
    done();
  });
}

function withWebhooks(
  shell: Shell,
  routes: readonly ApiRoute[],
  { store, webhooks: options }: MlflowApiOptions,
): readonly ApiRoute[] {
  const { webhooks } = store;
  // A server behind this one tells its own webhooks.
  if (options === undefined || store.kind === 'remote') return routes;
  const deliveries = openDeliveries(store, options);
  shell.addHook('onClose', async () => deliveries.close());
  return [...withDeliveries(routes, deliveries), ...webhookRoutes(webhooks, options, deliveries)];
}

/** How answers are judged; a server over another server has only what traces say together. */
function evaluationRoutes(store: TrackingStore): readonly ApiRoute[] {
  const { evaluation, traces } = store;
  const own = [...traceMetricRoutes(traces), ...promptLabRoutes(store)];
  if (evaluation === undefined) return own;
  return [
    ...own,
    ...datasetRoutes(evaluation),
    ...scorerRoutes(evaluation, store),
    ...issueRoutes(evaluation),
    ...labelSchemaRoutes(evaluation),
    ...reviewQueueRoutes(evaluation),
  ];
}

function routesOf(store: TrackingStore, shape: ShapeRun | undefined): readonly ApiRoute[] {
  return [
    ...experimentRoutes(store),
    ...runRoutes(store, shape),
    ...metricRoutes(store),
    ...loggedModelRoutes(store),
    ...registeredModelRoutes(store),
    ...modelVersionRoutes(store),
    ...artifactRoutes(store),
    ...presignedRoutes(store),
    ...studyRoutes(store),
    ...trafficRoutes(store),
    ...uiRoutes(store),
  ];
}
