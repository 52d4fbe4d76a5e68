import type { Trace, TraceInfo } from '../../mlflow/index.ts';
import type { TraceStore } from '../../tracking/index.ts';
import { Homes, type Where } from './guarded-tracking.ts';
import { inExperiment, newIn, ofExperiment, type Gate } from './needs.ts';

export function guardedTraces(store: TraceStore, gate: Gate, { runs }: Where): TraceStore {
  const homes = new Homes(async (id) => (await store.getTraceInfo(id)).experimentId);
  const need = async (id: string, action: 'read' | 'update'): Promise<void> =>
    gate.need(...inExperiment('trace', await homes.of(id), action));
  const shown = <Of extends TraceInfo>(info: Of): Of =>
    info.assessments.length === 0 ||
    gate.may({
      ...{ type: 'assessment', id: '*', action: 'read' },
      inherits: [{ type: 'experiment', id: info.experimentId }],
    })
      ? info
      : { ...info, assessments: [] };
  return {
    putTrace: async (trace) => {
      gate.need(...newIn('trace', trace.experimentId));
      // A trace that is there already may lie in another experiment.
      if (await store.hasTrace(trace.id)) await need(trace.id, 'update');
      return store.putTrace(trace);
    },
    logSpans: async (experimentId, spans) => {
      gate.need(...newIn('trace', experimentId));
      for (const id of new Set(spans.map(({ traceId }) => `tr-${traceId}`))) {
        if (await store.hasTrace(id)) await need(id, 'update');
      }
      return store.logSpans(experimentId, spans);
    },
    hasTrace: async (id) => store.hasTrace(id),
    getTraceInfo: async (id) => {
      await need(id, 'read');
      return shown(await store.getTraceInfo(id));
    },
    getTrace: async (id) => {
      await need(id, 'read');
      const trace = await store.getTrace(id);
      return { ...trace, info: shown(trace.info) } satisfies Trace;
    },
    searchTraces: async (search) => {
      for (const id of search.experimentIds) gate.need(...inExperiment('trace', id, 'read'));
      const page = await store.searchTraces(search);
      return { ...page, items: page.items.map(shown) };
    },
    setTraceTag: async (id, tag) => {
      await need(id, 'update');
      return store.setTraceTag(id, tag);
    },
    deleteTraceTag: async (id, key) => {
      await need(id, 'update');
      return store.deleteTraceTag(id, key);
    },
    linkTraces: async (ids, runId) => {
      gate.need(...inExperiment('run', await runs.of(runId), 'update'));
      for (const id of ids) if (await store.hasTrace(id)) await need(id, 'read');
      return store.linkTraces(ids, runId);
    },
    traceLinks: async (experimentId) => {
      gate.need(...inExperiment('trace', experimentId, 'read'));
      return store.traceLinks(experimentId);
    },
    putAssessment: async (id, assessmentId, assessment) => {
      const experiment = await homes.of(id);
      gate.need(...inExperiment('trace', experiment, 'read'), { type: 'assessment', id: '*', action: 'not_denied' });
      if (!gate.may(ofExperiment(experiment, 'update'))) gate.need({ type: 'trace', id: '*', action: 'update' });
      return store.putAssessment(id, assessmentId, assessment);
    },
    deleteAssessment: async (id, assessmentId) => {
      const experiment = await homes.of(id);
      gate.need(...inExperiment('trace', experiment, 'read'), {
        ...{ type: 'assessment', id: '*', action: 'delete' },
        inherits: [{ type: 'experiment', id: experiment, action: 'update' }],
      });
      return store.deleteAssessment(id, assessmentId);
    },
    deleteTraces: async (deletion) => {
      const { experimentId: id } = deletion;
      gate.need(
        ofExperiment(id, 'read'),
        { type: 'trace', id: '*', action: 'delete', inherits: [{ type: 'experiment', id, action: 'delete' }] },
        { type: 'assessment', id: '*', action: 'delete', inherits: [{ type: 'experiment', id, action: 'update' }] },
      );
      return store.deleteTraces(deletion);
    },
    traceMetrics: async (query) => {
      for (const id of query.experimentIds) gate.need(...inExperiment('trace', id, 'read'));
      if (query.view === 'ASSESSMENTS') {
        for (const id of query.experimentIds) gate.need(...inExperiment('assessment', id, 'read'));
      }
      return store.traceMetrics(query);
    },
    correlateTraces: async (query) => {
      for (const id of query.experimentIds) gate.need(...inExperiment('trace', id, 'read'));
      return store.correlateTraces(query);
    },
  };
}
