import { MlopsError } from '../../base/index.ts';
import type { Outbox } from '../../deliver/index.ts';
import type { AlertStore } from '../alert-store.ts';
import type { DutyStore } from '../duty-store.ts';
import type { Importer } from '../importer.ts';
import type { TraceStore } from '../trace-store.ts';
import type { WebhookStore } from '../webhook-store.ts';

/** What MLflow's protocol has no calls for, or calls that only a tracing client makes: only the store itself does it. */
export function unserved(url: string): {
  readonly traces: TraceStore;
  readonly webhooks: WebhookStore;
  readonly outbox: Outbox;
  readonly duties: DutyStore;
  readonly alerts: AlertStore;
  readonly importer: Importer;
  backup(): Promise<never>;
  restore(): Promise<never>;
  problems(): Promise<never>;
} {
  const refuse = async (): Promise<never> => {
    throw new MlopsError('not_implemented', `the tracking server ${url} cannot be asked for that`, {
      hint: "run the command where the server's store is, with its --backend-store-uri",
    });
  };
  return {
    traces: {
      putTrace: refuse,
      logSpans: refuse,
      hasTrace: refuse,
      getTraceInfo: refuse,
      getTrace: refuse,
      searchTraces: refuse,
      setTraceTag: refuse,
      deleteTraceTag: refuse,
      linkTraces: refuse,
      traceLinks: refuse,
      putAssessment: refuse,
      deleteAssessment: refuse,
      deleteTraces: refuse,
    },
    webhooks: {
      createWebhook: refuse,
      getWebhook: refuse,
      listWebhooks: refuse,
      updateWebhook: refuse,
      deleteWebhook: refuse,
    },
    outbox: { post: refuse, isDue: refuse, claim: refuse, renew: refuse, settle: refuse, postpone: refuse },
    duties: { takeDuty: refuse, leaveDuty: refuse },
    alerts: {
      listAlerts: refuse,
      changeAlerts: refuse,
      listSilences: refuse,
      putSilence: refuse,
      forgetSilence: refuse,
    },
    importer: { experiment: refuse, run: refuse, loggedModel: refuse, registeredModel: refuse },
    backup: refuse,
    restore: refuse,
    problems: refuse,
  };
}
