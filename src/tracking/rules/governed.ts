import {
  checkAlias,
  checkAliasForm,
  checkLoggedModelName,
  checkModelName,
  checkRegistryTag,
  checkRunId,
  checkTag,
  checkExperimentTag,
  checkWebhookName,
  invalid,
  loggedModelStatuses,
  missing,
  randomRunName,
  runStatuses,
} from '../../mlflow/index.ts';
import type { ExperimentStore, LoggedModelStore, RegistryStore, RunStore, TrackingStore } from '../store.ts';
import type { TraceStore } from '../trace-store.ts';
import type { WebhookStore } from '../webhook-store.ts';
import { checkNewExperiment, checkNewName, plainExperimentId } from './experiments.ts';
import { pageSizes } from './pages.ts';
import { checkedBatch, checkInputs, nameRun } from './runs.ts';
import { readSource } from './source.ts';
import { canonicalStage, checkArchiving, versionNumber } from './versions.ts';

/**
 * A store behind MLflow's rules: what is wrong by itself is refused before the store is asked, defaults are filled
 * in, values come in the form in which they are kept. A kind that is opened behind this has only SQL to do, and
 * what it refuses for the sake of stored state it refuses with `errors.ts`.
 */
export function governed(store: TrackingStore): TrackingStore {
  return {
    ...store,
    ...experimentRules(store),
    ...runRules(store),
    ...loggedModelRules(store),
    ...registryRules(store),
    traces: traceRules(store.traces),
    webhooks: webhookRules(store.webhooks),
  };
}

function experimentRules(store: ExperimentStore): Partial<ExperimentStore> {
  return {
    createExperiment: async (experiment) => {
      checkNewExperiment(experiment);
      return store.createExperiment(experiment);
    },
    getExperiment: async (id) => store.getExperiment(plainExperimentId(id)),
    searchExperiments: async (search) =>
      store.searchExperiments({ ...search, maxResults: pageSizes.experiments(search.maxResults) }),
    renameExperiment: async (id, name) => {
      const plain = plainExperimentId(id);
      checkNewName(name);
      return store.renameExperiment(plain, name);
    },
    deleteExperiment: async (id) => store.deleteExperiment(plainExperimentId(id)),
    restoreExperiment: async (id) => store.restoreExperiment(plainExperimentId(id)),
    setExperimentTag: async (id, tag) => {
      const checked = checkExperimentTag(tag);
      return store.setExperimentTag(plainExperimentId(id), checked);
    },
    deleteExperimentTag: async (id, key) => store.deleteExperimentTag(plainExperimentId(id), key),
  };
}

function runRules(store: RunStore): Partial<RunStore> {
  return {
    createRun: async (run) => store.createRun(nameRun({ ...run, experimentId: plainExperimentId(run.experimentId) })),
    updateRun: async (id, change) => {
      if (change.status !== undefined && !runStatuses.includes(change.status)) {
        throw invalid(`Invalid run status '${change.status as string}'`);
      }
      return store.updateRun(id, change);
    },
    searchRuns: async (search) => {
      const maxResults = pageSizes.runs(search.maxResults);
      return store.searchRuns({ ...search, maxResults, experimentIds: search.experimentIds.map(plainExperimentId) });
    },
    logBatch: async (id, batch) => {
      checkRunId(id);
      return store.logBatch(id, checkedBatch(batch));
    },
    setTag: async (id, tag) => store.setTag(id, checkTag(tag)),
    logInputs: async (id, datasets, modelIds) => {
      checkRunId(id);
      checkInputs(datasets);
      return store.logInputs(id, datasets, modelIds);
    },
    metricHistory: async (id, key, query = {}) =>
      store.metricHistory(id, key, { ...query, maxResults: pageSizes.history(query.maxResults) }),
    historyColumns: async (id, key, query = {}) =>
      store.historyColumns(id, key, { ...query, maxResults: pageSizes.history(query.maxResults) }),
  };
}

function loggedModelRules(store: LoggedModelStore): Partial<LoggedModelStore> {
  return {
    createLoggedModel: async (model) => {
      const experimentId = plainExperimentId(model.experimentId);
      const name = model.name ?? '';
      checkLoggedModelName(name);
      return store.createLoggedModel({ ...model, experimentId, name: name === '' ? randomRunName() : name });
    },
    finalizeLoggedModel: async (id, status) => {
      if (!loggedModelStatuses.includes(status)) throw invalid(`Invalid model status: '${status as string}'.`);
      return store.finalizeLoggedModel(id, status);
    },
    searchLoggedModels: async (search) => {
      const maxResults = pageSizes.loggedModels(search.maxResults);
      if (search.experimentIds.length === 0) throw invalid('experiment_ids must be a non-empty list');
      return store.searchLoggedModels({ ...search, maxResults });
    },
  };
}

function registryRules(store: RegistryStore): Partial<RegistryStore> {
  return {
    createRegisteredModel: async (name, options = {}) => {
      checkModelName(name);
      const tags = (options.tags ?? []).map(checkRegistryTag);
      return store.createRegisteredModel(name, { ...options, tags });
    },
    renameRegisteredModel: async (name, newName) => {
      if (newName === '') throw missing('new_name');
      checkModelName(newName);
      return store.renameRegisteredModel(name, newName);
    },
    searchRegisteredModels: async (search) =>
      store.searchRegisteredModels({ ...search, maxResults: pageSizes.registeredModels(search.maxResults) }),
    setRegisteredModelTag: async (name, tag) => store.setRegisteredModelTag(name, checkRegistryTag(tag)),
    setAlias: async (name, alias, version, motive) => {
      checkAlias(alias);
      versionNumber(name, version);
      return store.setAlias(name, alias, version, motive);
    },
    getVersionByAlias: async (name, alias) => {
      checkAliasForm(alias);
      return store.getVersionByAlias(name, alias);
    },
    getLatestVersions: async (name, stages = []) => store.getLatestVersions(name, stages.map(canonicalStage)),
    createModelVersion: async (version) => {
      checkModelName(version.name);
      if (version.source === '') throw missing('source');
      const tags = (version.tags ?? []).map(checkRegistryTag);
      readSource(version);
      return store.createModelVersion({ ...version, tags });
    },
    getModelVersion: async (name, version) => {
      versionNumber(name, version);
      return store.getModelVersion(name, version);
    },
    updateModelVersion: async (name, version, description) => {
      versionNumber(name, version);
      return store.updateModelVersion(name, version, description);
    },
    deleteModelVersion: async (name, version) => {
      versionNumber(name, version);
      return store.deleteModelVersion(name, version);
    },
    transitionStage: async (name, version, transition) => {
      const stage = canonicalStage(transition.stage);
      if (transition.archiveExisting === true) checkArchiving(stage);
      versionNumber(name, version);
      return store.transitionStage(name, version, { ...transition, stage });
    },
    getDownloadUri: async (name, version) => {
      versionNumber(name, version);
      return store.getDownloadUri(name, version);
    },
    searchModelVersions: async (search) =>
      store.searchModelVersions({ ...search, maxResults: pageSizes.versions(search.maxResults) }),
    setModelVersionTag: async (name, version, tag) => {
      const checked = checkRegistryTag(tag);
      versionNumber(name, version);
      return store.setModelVersionTag(name, version, checked);
    },
    deleteModelVersionTag: async (name, version, key) => {
      versionNumber(name, version);
      return store.deleteModelVersionTag(name, version, key);
    },
  };
}

/** What MLflow keeps of a trace's tag. */
const longestTraceTag = 4096;

function traceRules(traces: TraceStore): TraceStore {
  return {
    ...traces,
    putTrace: async (trace) => traces.putTrace({ ...trace, experimentId: plainExperimentId(trace.experimentId) }),
    logSpans: async (id, spans) => traces.logSpans(plainExperimentId(id), spans),
    searchTraces: async (search) => traces.searchTraces({ ...search, maxResults: pageSizes.traces(search.maxResults) }),
    setTraceTag: async (id, tag) => {
      const { key, value } = checkTag(tag);
      return traces.setTraceTag(id, { key, value: value.slice(0, longestTraceTag) });
    },
    deleteTraces: async (deletion) => {
      if (deletion.ids === undefined && deletion.until === undefined) {
        throw invalid('Either `max_timestamp_millis` or `trace_ids` must be specified.');
      }
      return traces.deleteTraces(deletion);
    },
  };
}

function webhookRules(webhooks: WebhookStore): WebhookStore {
  return {
    ...webhooks,
    createWebhook: async (webhook) => {
      checkWebhookName(webhook.name);
      return webhooks.createWebhook(webhook);
    },
    updateWebhook: async (id, change) => {
      if (change.name !== undefined) checkWebhookName(change.name);
      return webhooks.updateWebhook(id, change);
    },
    listWebhooks: async (query) =>
      webhooks.listWebhooks({ ...query, maxResults: pageSizes.webhooks(query.maxResults) }),
  };
}
