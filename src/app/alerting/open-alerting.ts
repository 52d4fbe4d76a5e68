import { MlopsError } from '../../base/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { makePrivateFolder, privateFolder } from '../../trust/index.ts';
import type { ObservePlaces } from '../monitor/observe.ts';
import { findMonitorSettings, monitorFile, type FoundSettings } from '../monitor/settings.ts';
import { trafficFacts } from '../traffic/alarm.ts';
import { openPlace, ownPlace, trackingPlace } from '../places/tracking-home.ts';
import { AlertBook } from './alert-book.ts';
import type { Channel } from './channel.ts';
import { openChannels } from './open-channels.ts';

export interface AlertingPlace {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder of the prediction log. */
  readonly log: string;
  /** A file instead of the `monitor.yaml` of the project. */
  readonly config?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Everything that looks and alerts need, open. */
export interface Alerting {
  readonly root: string;
  /** The private folder. */
  readonly folder: string;
  readonly store: TrackingStore;
  readonly remote: boolean;
  readonly places: ObservePlaces;
  readonly book: AlertBook;
  /** @throws MlopsError `usage` where there is no `monitor.yaml`. */
  settings(): FoundSettings;
  channels(): Channel[];
  close(): Promise<void>;
}

/**
 * Opens the store of a project for its alerts. A store behind a tracking server keeps none: the project's own does then.
 * @throws MlopsError as `openPlace`.
 */
export async function openAlerting({ cwd, env, log, config, signal }: AlertingPlace): Promise<Alerting> {
  const place = trackingPlace(cwd, env);
  const folder = privateFolder(place.root);
  makePrivateFolder(folder);
  const store = await openPlace(place, { signal });
  const own = store.kind === 'remote' ? await openPlace(ownPlace(cwd, env)) : store;
  const found = (): FoundSettings => {
    const settings = findMonitorSettings([cwd, place.root], config);
    if (settings !== undefined) return settings;
    throw new MlopsError('usage', `there is no ${monitorFile} in '${place.root}'`, {
      hint: 'docs/monitoring.md shows one: `mlops docs monitoring`',
    });
  };
  return {
    root: place.root,
    folder,
    store,
    remote: place.given,
    book: new AlertBook(own, place.root, folder),
    places: {
      cwd: place.root,
      log,
      store,
      withStore: (work) => work(store),
      traffic: (model) => trafficFacts(store, model),
    },
    settings: found,
    channels() {
      const { settings, root } = found();
      return openChannels(settings.alerts.channels, { root, env });
    },
    async close() {
      await store.close();
      if (own !== store) await own.close();
    },
  };
}
