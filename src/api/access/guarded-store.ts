import type { Doorkeeper } from '../../auth/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { guardedEvaluation } from './guarded-evaluation.ts';
import { guardedStudies, guardedTraffic } from './guarded-others.ts';
import { guardedRegistry } from './guarded-registry.ts';
import { guardedExperiments, guardedLoggedModels, guardedRuns, Homes } from './guarded-tracking.ts';
import { guardedTraces } from './guarded-traces.ts';
import { Gate } from './needs.ts';

/**
 * A store that does for the caller of a request what they may do, and throws MlopsError `forbidden` for all else:
 * whatever way a route takes to experiments, runs, models and traces, it comes through here. Artifacts are asked for
 * by an address that a run, a model or a version gave, or by the proxy, whose paths `route-rules.ts` judges; webhooks are
 * for administrators, there too.
 */
export function guardedStore(store: TrackingStore, door: Doorkeeper): TrackingStore {
  const gate = new Gate(door);
  const where = {
    runs: new Homes(async (id) => (await store.getRun(id)).info.experimentId),
    models: new Homes(async (id) => (await store.getLoggedModel(id)).experimentId),
  };
  return {
    ...store,
    ...guardedExperiments(store, gate),
    ...guardedRuns(store, gate, where),
    ...guardedLoggedModels(store, gate, where),
    ...guardedRegistry(store, gate, where),
    traces: guardedTraces(store.traces, gate, where),
    ...(store.evaluation === undefined ? {} : { evaluation: guardedEvaluation(store.evaluation, gate) }),
    studies: guardedStudies(store.studies, gate, where),
    traffic: guardedTraffic(store.traffic, gate),
  };
}
