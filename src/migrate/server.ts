import { isMlopsError } from '../base/index.ts';
import { everything, type Metric, type RegisteredModel, type SpanJson } from '../mlflow/index.ts';
import { versionsOf, type ImportedVersion, type TraceStore, type TrackingStore } from '../tracking/index.ts';
import type { MigrationSource, SourceRun, SourceTrace } from './source.ts';

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
      // Servers list prompts, which are models to the registry, only for those who ask for them.
      const models = await everything((pageToken) => store.searchRegisteredModels({ maxResults: 1000, pageToken }));
      const names = new Set(models.map((model) => model.name));
      const prompts = await everything((pageToken) =>
        store.searchRegisteredModels({ filter: arePrompts, maxResults: 1000, pageToken }),
      );
      const all = [...models, ...prompts.filter((prompt) => !names.has(prompt.name))];
      return Promise.all(all.map(async (model) => ({ model, versions: await versionsWithFiles(store, model) })));
    },
    traces: (experimentId) => tracesOf(store, experimentId),
    artifacts: (uri) => store.artifacts(uri),
    leftBehind: async () => [],
    close: () => store.close(),
  };
}

const isPrompt = 'mlflow.prompt.is_prompt';
const arePrompts = `tags.\`${isPrompt}\` = 'true'`;

async function versionsWithFiles(store: TrackingStore, model: RegisteredModel): Promise<ImportedVersion[]> {
  const prompt = model.tags.some((tag) => tag.key === isPrompt && tag.value.toLowerCase() === 'true');
  const found = await versionsOf(store, model.name, prompt ? arePrompts : undefined);
  const versions: ImportedVersion[] = [];
  for (const version of found) {
    // A prompt has no files.
    const location = prompt ? '' : await store.getDownloadUri(model.name, version.version);
    versions.push({ ...version, location });
  }
  return versions;
}

async function* tracesOf(store: TrackingStore, experimentId: string): AsyncIterable<SourceTrace> {
  const { traces } = store;
  if (!(await keepsTraces(traces, experimentId))) return;
  const links = new Map<string, string[]>();
  for (const { traceId, runId } of await traces.traceLinks(experimentId)) {
    links.set(traceId, [...(links.get(traceId) ?? []), runId]);
  }
  let pageToken: string | undefined;
  do {
    const page = await traces.searchTraces({ experimentIds: [experimentId], maxResults: 500, pageToken });
    for (const info of page.items) {
      yield { info, spans: await spansOf(traces, info.id), runs: links.get(info.id) };
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
}

/** Servers before 3.0 do not know the calls. */
async function keepsTraces(traces: TraceStore, experimentId: string): Promise<boolean> {
  try {
    return (await traces.searchTraces({ experimentIds: [experimentId], maxResults: 1 })).items.length > 0;
  } catch (error) {
    if (isMlopsError(error, 'not_implemented') || isMlopsError(error, 'resource_missing')) return false;
    throw error;
  }
}

/** Older clients kept the spans as a file, which comes with the artifacts; MLflow's server refuses to answer with those. */
async function spansOf(traces: TraceStore, id: string): Promise<readonly SpanJson[]> {
  try {
    return (await traces.getTrace(id)).spans;
  } catch (error) {
    if (isMlopsError(error) && error.code !== 'tracking_unreachable') return [];
    throw error;
  }
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
