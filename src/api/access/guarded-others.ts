import { isMlopsError } from '../../base/index.ts';
import type { TrackingStore, TrafficStore } from '../../tracking/index.ts';
import type { Where } from './guarded-tracking.ts';
import { denied, inExperiment, isAdmin, type Gate } from './needs.ts';

type TrialStore = TrackingStore['studies'];

/** A study belongs to the run that holds its trials; one without a run is everybody's. */
export function guardedStudies(store: TrialStore, gate: Gate, { runs }: Where): TrialStore {
  const needRun = async (runId: string, action: 'read' | 'update'): Promise<void> => {
    if (runId === '' || isAdmin()) return;
    gate.need(...inExperiment('run', await runs.of(runId), action));
  };
  const need = async (name: string, action: 'read' | 'update'): Promise<void> =>
    needRun((await store.getStudy(name))?.runId ?? '', action);
  return {
    createStudy: async (study) => {
      await needRun(study.runId, 'update');
      return store.createStudy(study);
    },
    getStudy: async (name) => {
      await need(name, 'read');
      return store.getStudy(name);
    },
    listStudies: async () => {
      const shown = [];
      for (const study of await store.listStudies()) {
        try {
          await needRun(study.runId, 'read');
          shown.push(study);
        } catch (error) {
          if (!isMlopsError(error, 'forbidden')) throw error;
        }
      }
      return shown;
    },
    updateStudy: async (name, change) => {
      await need(name, 'update');
      if (change.runId !== undefined) await needRun(change.runId, 'update');
      return store.updateStudy(name, change);
    },
    claimStudy: async (name, seen, owner, beat) => {
      await need(name, 'update');
      return store.claimStudy(name, seen, owner, beat);
    },
    deleteStudy: async (name) => {
      await need(name, 'update');
      return store.deleteStudy(name);
    },
    putTrials: async (name, trials) => {
      await need(name, 'update');
      return store.putTrials(name, trials);
    },
    swapTrial: async (name, trial, seen) => {
      await need(name, 'update');
      return store.swapTrial(name, trial, seen);
    },
    listTrials: async (name, query) => {
      await need(name, 'read');
      return store.listTrials(name, query);
    },
    summary: async (name) => {
      await need(name, 'read');
      return store.summary(name);
    },
  };
}

/** Rules of traffic belong to their model. */
export function guardedTraffic(store: TrafficStore, gate: Gate): TrafficStore {
  const canRead = (model: string): boolean => gate.canRead('registered_model', model);
  return {
    lastChange: async () => store.lastChange(),
    listRules: async () => (await store.listRules()).filter(({ model }) => canRead(model)),
    history: async (model) => {
      gate.need({ type: 'registered_model', id: model, action: 'read' });
      return store.history(model);
    },
    change: async (change, seen) => {
      gate.need({ type: 'registered_model', id: change.model, action: 'update' });
      return store.change(change, seen);
    },
    // Servers of models count for all models that they serve.
    putCounts: async (counts) => store.putCounts(counts),
    listCounts: async (rule) => {
      const known = (await store.listRules()).find(({ n }) => n === rule);
      if (!isAdmin() && (known === undefined || !canRead(known.model))) throw denied();
      return store.listCounts(rule);
    },
  };
}
