import * as fs from 'node:fs';

import { MlopsError } from '../../base/index.ts';
import { monitorGauges, type Alert, type DriftReport } from '../../monitor/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { privateFolder } from '../../trust/index.ts';
import { driftOfModel } from '../monitor/model-drift.ts';
import type { MonitorFacts } from '../monitor/routes.ts';
import { findMonitorSettings, monitorFile } from '../monitor/settings.ts';
import { openPlace, ownPlace, trackingPlace } from '../places/tracking-home.ts';
import { lastLook } from './last-look.ts';
import { AlertBook } from './alert-book.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Alerts of the project around a folder; none where nothing was recorded. No store is made. */
export async function knownAlerts(cwd: string, env: Env): Promise<readonly Alert[]> {
  const place = trackingPlace(cwd, env);
  const isServer = place.given && /^https?:/i.test(place.uri);
  const own = isServer ? ownPlace(cwd, env) : place;
  if (!own.given && !fs.existsSync(own.uri)) return [];
  const store = await openPlace(own, { create: false });
  try {
    return await new AlertBook(store, own.root, privateFolder(own.root)).alerts();
  } finally {
    await store.close();
  }
}

/** The gauges of the project around a folder. */
export async function gaugesOf(cwd: string, env: Env, alerts = () => knownAlerts(cwd, env)): Promise<string> {
  const { root } = trackingPlace(cwd, env);
  return monitorGauges(lastLook(privateFolder(root)), await alerts(), Date.now());
}

/** A drift that was asked for is computed at most this often, in milliseconds. */
const freshFor = 30_000;

export interface FactsPlace {
  readonly cwd: string;
  readonly env: Env;
  readonly log: string;
  readonly openStore: () => Promise<TrackingStore>;
  /** Keeps the alerts; that of the project unless given. */
  readonly alertStore?: TrackingStore | undefined;
}

/** What a server tells of a project beside the statistics of its log. */
export function monitorFacts({
  cwd,
  env,
  log,
  openStore,
  alertStore,
}: FactsPlace): MonitorFacts & { gauges(): Promise<string> } {
  const known = new Map<string, { readonly at: number; readonly report: Promise<DriftReport | undefined> }>();
  const { root } = trackingPlace(cwd, env);
  const alerts = (): Promise<readonly Alert[]> =>
    alertStore === undefined ? knownAlerts(cwd, env) : new AlertBook(alertStore, root, privateFolder(root)).alerts();
  return {
    alerts,
    gauges: () => gaugesOf(cwd, env, alerts),
    async drift(only) {
      const found = findMonitorSettings([cwd, root]);
      const models = [...(found?.settings.models ?? [])].filter(([, { reference }]) => reference !== undefined);
      const wanted = models.filter(([name]) => only === undefined || name === only);
      if (found === undefined || wanted.length === 0) {
        const what = only === undefined ? 'no model' : `no model '${only}'`;
        throw new MlopsError('resource_missing', `${monitorFile} names ${what} with a reference`, {
          hint: 'models: {NAME: {reference: train.csv}} says what its inputs should look like',
        });
      }
      const places = {
        cwd: found.root,
        log,
        withStore: async <Value>(work: (store: TrackingStore) => Promise<Value>) => work(await openStore()),
      };
      return Promise.all(
        wanted.map(async ([model]) => {
          const now = Date.now();
          let one = known.get(model);
          if (one === undefined || now - one.at > freshFor || now < one.at) {
            one = { at: now, report: driftOfModel(model, found.settings, places, now) };
            known.set(model, one);
            one.report.catch(() => known.delete(model));
          }
          return { model, computed_at: new Date(one.at).toISOString(), ...(await one.report) };
        }),
      );
    },
  };
}
