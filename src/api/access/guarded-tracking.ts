import type { ExperimentStore, LoggedModelStore, RunStore } from '../../tracking/index.ts';
import { denied, inExperiment, isAdmin, newIn, ofExperiment, orDenied, type Gate, type Tier } from './needs.ts';
import { readable } from './readable.ts';

/** Experiments to which runs and models belong: that never changes, so it is asked once. */
export class Homes {
  readonly #find: (id: string) => Promise<string>;
  readonly #known = new Map<string, string>();

  constructor(find: (id: string) => Promise<string>) {
    this.#find = find;
  }

  async of(id: string): Promise<string> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const found = await orDenied(this.#find(id));
    if (this.#known.size > 20_000) this.#known.clear();
    this.#known.set(id, found);
    return found;
  }
}

export interface Where {
  readonly runs: Homes;
  readonly models: Homes;
}

const within: readonly Tier[] = [
  'run',
  'trace',
  'logged_model',
  'assessment',
  'review_queue',
  'scorer',
  'scorer_version',
];

export function guardedExperiments(store: ExperimentStore, gate: Gate): ExperimentStore {
  const remove = (id: string): void =>
    gate.need(
      ofExperiment(id, 'delete'),
      ...within.map((type) => ({ type, id: '*', action: 'delete' as const, inherits: [{ type: 'experiment', id }] })),
    );
  return {
    createExperiment: async (experiment) => {
      gate.need({ type: 'experiment', id: '*', action: 'not_denied' });
      const id = await store.createExperiment(experiment);
      await gate.own('experiment', id);
      return id;
    },
    getExperiment: async (id) => {
      gate.need(ofExperiment(id, 'read'));
      return store.getExperiment(id);
    },
    getExperimentByName: async (name) => {
      const found = await store.getExperimentByName(name);
      if (found !== undefined) gate.need(ofExperiment(found.id, 'read'));
      return found;
    },
    searchExperiments: async (search) =>
      isAdmin()
        ? store.searchExperiments(search)
        : readable(
            search,
            (page) => store.searchExperiments({ ...search, ...page }),
            ({ id }) => gate.canRead('experiment', id),
          ),
    renameExperiment: async (id, name) => {
      gate.need(ofExperiment(id, 'update'));
      return store.renameExperiment(id, name);
    },
    deleteExperiment: async (id) => {
      remove(id);
      return store.deleteExperiment(id);
    },
    restoreExperiment: async (id) => {
      remove(id);
      return store.restoreExperiment(id);
    },
    setExperimentTag: async (id, tag) => {
      gate.need(ofExperiment(id, 'update'));
      return store.setExperimentTag(id, tag);
    },
    deleteExperimentTag: async (id, key) => {
      gate.need(ofExperiment(id, 'update'));
      return store.deleteExperimentTag(id, key);
    },
    searchDatasets: async (ids) => {
      for (const id of ids) gate.need(...inExperiment('run', id, 'read'));
      return store.searchDatasets(ids);
    },
  };
}

export function guardedRuns(store: RunStore, gate: Gate, { runs, models }: Where): RunStore {
  const need = async (id: string, action: 'read' | 'update' | 'delete'): Promise<void> =>
    gate.need(...inExperiment('run', await runs.of(id), action));
  const needModels = async (ids: Iterable<string>, action: 'read' | 'update'): Promise<void> => {
    for (const id of new Set(ids)) {
      if (id !== '') gate.need(...inExperiment('logged_model', await models.of(id), action));
    }
  };
  const showsRuns = (id: string): boolean =>
    gate.canRead('experiment', id) && gate.may({ type: 'run', id: '*', action: 'not_denied' });
  return {
    createRun: async (run) => {
      gate.need(...newIn('run', run.experimentId));
      return store.createRun(run);
    },
    getRun: async (id) => {
      await need(id, 'read');
      return store.getRun(id);
    },
    updateRun: async (id, change) => {
      await need(id, 'update');
      return store.updateRun(id, change);
    },
    deleteRun: async (id) => {
      await need(id, 'delete');
      return store.deleteRun(id);
    },
    restoreRun: async (id) => {
      await need(id, 'delete');
      return store.restoreRun(id);
    },
    searchRuns: async (search) =>
      store.searchRuns({ ...search, experimentIds: search.experimentIds.filter(showsRuns) }),
    runsOverview: async (ids, deleted) => store.runsOverview(ids.filter(showsRuns), deleted),
    experimentActivity: async () =>
      (await store.experimentActivity()).filter(({ experimentId }) => showsRuns(experimentId)),
    logBatch: async (id, batch) => {
      await need(id, 'update');
      await needModels(
        (batch.metrics ?? []).flatMap(({ modelId }) => modelId ?? []),
        'update',
      );
      return store.logBatch(id, batch);
    },
    setTag: async (id, tag) => {
      await need(id, 'update');
      return store.setTag(id, tag);
    },
    deleteTag: async (id, key) => {
      await need(id, 'update');
      return store.deleteTag(id, key);
    },
    logInputs: async (id, datasets, modelIds = []) => {
      await need(id, 'update');
      await needModels(modelIds, 'update');
      return store.logInputs(id, datasets, modelIds);
    },
    logOutputs: async (id, outputs) => {
      await need(id, 'update');
      await needModels(
        outputs.map(({ modelId }) => modelId),
        'update',
      );
      return store.logOutputs(id, outputs);
    },
    metricHistory: async (id, key, query) => {
      await need(id, 'read');
      return store.metricHistory(id, key, query);
    },
    historyColumns: async (id, key, query) => {
      await need(id, 'read');
      return store.historyColumns(id, key, query);
    },
    sampleMetric: async (id, key, sample) => {
      await need(id, 'read');
      return store.sampleMetric(id, key, sample);
    },
    purge: async (query) => {
      if (!isAdmin()) throw denied();
      return store.purge(query);
    },
  };
}

export function guardedLoggedModels(store: LoggedModelStore, gate: Gate, { runs, models }: Where): LoggedModelStore {
  const need = async (id: string, action: 'read' | 'update' | 'delete'): Promise<void> =>
    gate.need(...inExperiment('logged_model', await models.of(id), action));
  return {
    createLoggedModel: async (model) => {
      gate.need(...newIn('logged_model', model.experimentId));
      const { sourceRunId = '' } = model;
      if (sourceRunId !== '') gate.need(...inExperiment('run', await runs.of(sourceRunId), 'read'));
      return store.createLoggedModel(model);
    },
    getLoggedModel: async (id) => {
      await need(id, 'read');
      return store.getLoggedModel(id);
    },
    finalizeLoggedModel: async (id, status) => {
      await need(id, 'update');
      return store.finalizeLoggedModel(id, status);
    },
    deleteLoggedModel: async (id) => {
      await need(id, 'delete');
      return store.deleteLoggedModel(id);
    },
    setLoggedModelTags: async (id, tags) => {
      await need(id, 'update');
      return store.setLoggedModelTags(id, tags);
    },
    deleteLoggedModelTag: async (id, key) => {
      await need(id, 'delete');
      return store.deleteLoggedModelTag(id, key);
    },
    logLoggedModelParams: async (id, params) => {
      await need(id, 'update');
      return store.logLoggedModelParams(id, params);
    },
    searchLoggedModels: async (search) => {
      const experimentIds = search.experimentIds.filter(
        (id) => gate.canRead('experiment', id) && gate.may({ type: 'logged_model', id: '*', action: 'not_denied' }),
      );
      if (experimentIds.length === 0 && search.experimentIds.length > 0) return { items: [] };
      return store.searchLoggedModels({ ...search, experimentIds });
    },
  };
}
