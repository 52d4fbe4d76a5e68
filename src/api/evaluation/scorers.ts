import {
  checkLength,
  checkScorer,
  invalid,
  listToJson,
  onlineScoringToJson,
  parseFilter,
  scorerToJson,
  traceRules,
  type Fields,
  type Json,
} from '../../mlflow/index.ts';
import type { EvaluationStore, ExperimentStore } from '../../tracking/index.ts';
import { done } from '../experiments.ts';
import type { ApiRoute } from '../route.ts';

/** Judges of traces that clients register: they are kept and given back, never run here. */
export function scorerRoutes(store: EvaluationStore, experiments: ExperimentStore): readonly ApiRoute[] {
  const version = '3.0';
  return [
    { method: 'POST', path: '/scorers/register', version, answer: (fields) => register(store, fields) },
    {
      ...{ method: 'GET', path: '/scorers/list', version, lists: ['experiment_ids'] },
      answer: (fields) => list(store, experiments, fields),
    },
    {
      ...{ method: 'GET', path: '/scorers/versions', version },
      answer: async (fields) => ({
        scorers: listToJson(await store.scorerVersions(experimentOf(fields), fields.need('name')), scorerToJson),
      }),
    },
    {
      ...{ method: 'GET', path: '/scorers/get', version },
      answer: async (fields) => {
        const scorer = await store.getScorer(experimentOf(fields), fields.need('name'), fields.integer('version'));
        return { scorer: scorerToJson(scorer) };
      },
    },
    {
      ...{ method: 'DELETE', path: '/scorers/delete', version },
      answer: done((fields) =>
        store.deleteScorer(experimentOf(fields), fields.need('name'), fields.integer('version')),
      ),
    },
    { method: 'PUT', path: '/scorers/online-config', version, answer: (fields) => setOnline(store, fields) },
    {
      ...{ method: 'GET', path: '/scorers/online-configs', version, lists: ['scorer_ids'] },
      answer: async (fields) => {
        const ids = fields.texts('scorer_ids');
        if (ids.length === 0) throw fields.missing('scorer_ids');
        return { configs: (await store.onlineScoring(ids)).map(onlineScoringToJson) };
      },
    },
  ];
}

/** @throws MlopsError `invalid_value` for a text that is no id. */
export function experimentOf(fields: Fields): string {
  const id = fields.need('experiment_id');
  if (/^-?\d{1,18}$/.test(id)) return id;
  throw invalid(`Invalid experiment ID '${id}'. Experiment ID must be a valid integer.`);
}

async function register(store: EvaluationStore, fields: Fields): Promise<Json> {
  const [experiment, name, body] = [experimentOf(fields), fields.need('name'), fields.need('serialized_scorer')];
  checkScorer(name, body);
  checkLength('name', name, 256);
  const scorer = await store.registerScorer(experiment, name, body);
  return {
    version: scorer.version,
    scorer_id: scorer.scorerId,
    experiment_id: scorer.experimentId,
    name: scorer.name,
    serialized_scorer: scorer.body,
    creation_time: scorer.creationTime,
  };
}

async function list(store: EvaluationStore, experiments: ExperimentStore, fields: Fields): Promise<Json> {
  const several = fields.has('experiment_ids');
  const single = fields.filled('experiment_id');
  if (several && single !== undefined) {
    throw invalid("Cannot specify both 'experiment_id' and 'experiment_ids'.");
  }
  if (single !== undefined) {
    const { lifecycle } = await experiments.getExperiment(single);
    if (lifecycle !== 'active') {
      throw invalid(`The experiment ${single} must be in the 'active' state. Current state is deleted.`);
    }
  }
  const scorers = await store.listScorers(
    single === undefined ? (several ? fields.texts('experiment_ids') : undefined) : [single],
  );
  return { scorers: listToJson(scorers, scorerToJson) };
}

async function setOnline(store: EvaluationStore, fields: Fields): Promise<Json> {
  const [experiment, name] = [experimentOf(fields), fields.need('name')];
  const sampleRate = fields.double('sample_rate');
  if (sampleRate === undefined) throw fields.missing('sample_rate');
  if (!(sampleRate >= 0 && sampleRate <= 1)) {
    throw invalid(`sample_rate must be between 0.0 and 1.0, got ${sampleRate}`);
  }
  const filter = fields.text('filter_string');
  parseFilter(filter, traceRules);
  return { config: onlineScoringToJson(await store.setOnlineScoring(experiment, name, { sampleRate, filter })) };
}
