import { MlopsError } from '../../base/index.ts';
import type { Outbox } from '../../deliver/index.ts';
import type { AlertStore } from '../alert-store.ts';
import type { DutyStore } from '../duty-store.ts';
import type { Importer } from '../importer.ts';

/** What MLflow's protocol has no calls for: only the store itself does it. */
export function unserved(url: string): {
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
