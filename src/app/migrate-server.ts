import type { Metric } from '../mlflow/index.ts';
import type { ImportedVersion, TrackingStore } from '../tracking/index.ts';
import type { MigrationSource, SourceRun, SourceTrace } from './migrate-source.ts';
import { versionsOf } from './resolve-model.ts';
import { everything } from './tracking-home.ts';

/** A running server, or any other store, read through its port. */
export function serverSource(store: TrackingStore): MigrationSource {
  return {
    name: store.url,
    experiments: () => everything((pageToken) => store.searchExperiments({ view: 'ALL', pageToken })),
    runs: (experimentId) => runsOf(store, experimentId),
    loggedModels: (experimentId) =>
      everything((pageToken) =>
        store.searchLoggedModels({ experimentIds: [experimentId], maxResults: 100, pageToken }),
      ),
    models: async () => {
      const models = await everything((pageToken) => store.searchRegisteredModels({ maxResults: 1000, pageToken }));
      return Promise.all(
        models.map(async (model) => {
          const versions: ImportedVersion[] = [];
          for (const version of await versionsOf(store, model.name)) {
            versions.push({ ...version, location: await store.getDownloadUri(model.name, version.version) });
          }
          return { model, versions };
        }),
      );
    },
    traces: (experimentId) => tracesOf(store, experimentId),
    artifacts: (uri) => store.artifacts(uri),
    leftBehind: async () => [],
    close: () => store.close(),
  };
}

async function* tracesOf({ traces }: TrackingStore, experimentId: string): AsyncIterable<SourceTrace> {
  if (traces === undefined) return;
  let pageToken: string | undefined;
  do {
    const page = await traces.searchTraces({ experimentIds: [experimentId], maxResults: 500, pageToken });
    for (const info of page.items) yield { info };
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
}

async function* runsOf(store: TrackingStore, experimentId: string): AsyncIterable<SourceRun> {
  let pageToken: string | undefined;
  do {
    const page = await store.searchRuns({ experimentIds: [experimentId], view: 'ALL', maxResults: 500, pageToken });
    for (const run of page.items) {
      const points: Metric[] = [];
      for (const { key } of run.metrics) {
        points.push(
          ...(await everything((token) =>
            store.metricHistory(run.info.id, key, { maxResults: 25_000, pageToken: token }),
          )),
        );
      }
      yield { run, points };
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
}
