import type { AuthStore } from '../../auth/index.ts';
import type { Importer } from '../importer.ts';
import type { ExperimentStore, LoggedModelStore, RegistryStore, RunStore } from '../store.ts';
import type { Outbox } from '../../deliver/index.ts';
import type { AlertStore } from '../alert-store.ts';
import type { ArtifactSums } from '../artifact-sums.ts';
import type { DutyStore } from '../duty-store.ts';
import type { EvaluationStore } from '../evaluation-store.ts';
import type { TraceStore } from '../trace-store.ts';
import type { TrafficStore } from '../traffic-store.ts';
import type { WebhookStore } from '../webhook-store.ts';
import type { TrialStore } from '../../tune/index.ts';
import type { Context } from './context.ts';
import { alertsOf } from './operations/alerts.ts';
import { artifactSumsOf } from './operations/artifact-sums.ts';
import { dutiesOf } from './operations/duties.ts';
import { evaluationDatasetsOf } from './evaluation/datasets.ts';
import { issuesOf } from './evaluation/issues.ts';
import { reviewsOf } from './evaluation/review-queues.ts';
import { scorersOf } from './evaluation/scorers.ts';
import { authOf } from './operations/auth.ts';
import { experimentsOf } from './experiments.ts';
import { importerOf } from './importer.ts';
import { loggedModelsOf } from './logged-models.ts';
import { modelVersionsOf } from './model-versions.ts';
import { outboxOf } from './outbox.ts';
import { registeredModelsOf } from './registered-models.ts';
import { runsOf } from './runs.ts';
import { sql } from './sql.ts';
import { studiesOf } from './studies.ts';
import { tracesOf } from './traces.ts';
import { trafficOf } from './operations/traffic.ts';
import { webhooksOf } from './webhooks.ts';
import { get, run, type Work } from './work.ts';

export interface SqlHalves extends ExperimentStore, RunStore, LoggedModelStore, RegistryStore {
  readonly importer: Importer;
  readonly traces: TraceStore;
  readonly webhooks: WebhookStore;
  readonly evaluation: EvaluationStore;
  readonly sums: ArtifactSums;
  readonly studies: TrialStore;
  readonly outbox: Outbox;
  readonly duties: DutyStore;
  readonly alerts: AlertStore;
  readonly traffic: TrafficStore;
  readonly auth: AuthStore;
}

/** All that a tracking store does with SQL, for any kind of database. */
export function sqlHalves(c: Context): SqlHalves {
  return {
    ...experimentsOf(c),
    ...runsOf(c),
    ...loggedModelsOf(c),
    ...registeredModelsOf(c),
    ...modelVersionsOf(c),
    importer: importerOf(c),
    traces: tracesOf(c),
    webhooks: webhooksOf(c),
    evaluation: { ...evaluationDatasetsOf(c), ...scorersOf(c), ...issuesOf(c), ...reviewsOf(c) },
    sums: artifactSumsOf(c),
    studies: studiesOf(c),
    outbox: outboxOf(c),
    duties: dutiesOf(c),
    alerts: alertsOf(c),
    traffic: trafficOf(c),
    auth: authOf(c),
  };
}

/** Experiment 0 is there from the start. */
export function* makeDefaultExperiment(artifactRoot: string): Work<void> {
  if ((yield* get(sql`SELECT 1 FROM experiments WHERE n = 0`)) !== undefined) return;
  const now = Date.now();
  const location = artifactRoot === 'mlflow-artifacts:' ? 'mlflow-artifacts:/0' : `${artifactRoot}/0`;
  yield* run(
    sql`INSERT INTO experiments (n, id, name, artifact_location, creation_time, last_update_time)
      VALUES (0, '0', 'Default', ${location}, ${now}, ${now}) ON CONFLICT DO NOTHING`,
  );
}
