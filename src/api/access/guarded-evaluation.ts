import type { ReviewQueue, ScorerVersion } from '../../mlflow/index.ts';
import type { EvaluationStore } from '../../tracking/index.ts';
import { caller, denied, isAdmin, newIn, ofExperiment, orDenied, type Gate } from './needs.ts';

type Half<Key extends keyof EvaluationStore> = Pick<EvaluationStore, Key>;
type Act = 'read' | 'update' | 'delete' | 'manage';

/** Datasets, scorers, issues, questions and queues: each lies in an experiment, and a scorer can be granted alone. */
export function guardedEvaluation(store: EvaluationStore, gate: Gate): EvaluationStore {
  const issue = async (id: string, action: Act): Promise<void> =>
    gate.need(ofExperiment((await orDenied(store.getIssue(id))).experimentId, action));
  return {
    ...guardedDatasets(store, gate),
    ...guardedScorers(store, gate),
    createIssue: async (given) => {
      gate.need(ofExperiment(given.experimentId, 'update'));
      return store.createIssue(given);
    },
    getIssue: async (id) => {
      await issue(id, 'read');
      return store.getIssue(id);
    },
    updateIssue: async (id, change) => {
      await issue(id, 'update');
      return store.updateIssue(id, change);
    },
    searchIssues: async (search) => {
      if (!isAdmin() && (search.experimentId ?? '') === '') throw denied();
      if (search.experimentId !== undefined) gate.need(ofExperiment(search.experimentId, 'read'));
      return store.searchIssues(search);
    },
    ...guardedQuestions(store, gate),
    ...guardedQueues(store, gate),
  };
}

function guardedDatasets(
  store: EvaluationStore,
  gate: Gate,
): Half<
  | 'createDataset'
  | 'getDataset'
  | 'deleteDataset'
  | 'searchEvaluationDatasets'
  | 'setDatasetTags'
  | 'deleteDatasetTag'
  | 'datasetExperiments'
  | 'addDatasetToExperiments'
  | 'removeDatasetFromExperiments'
  | 'putRecords'
  | 'listRecords'
  | 'deleteRecords'
> {
  /** A dataset of no experiment is nobody's. */
  const needAll = (ids: readonly string[], action: Act): void => {
    if (isAdmin()) return;
    if (ids.length === 0) throw denied();
    gate.need(...ids.map((id) => ofExperiment(id, action)));
  };
  const need = async (id: string, action: Act): Promise<void> =>
    isAdmin() ? undefined : needAll(await orDenied(store.datasetExperiments(id)), action);
  return {
    createDataset: async (dataset) => {
      needAll(dataset.experimentIds, 'update');
      return store.createDataset(dataset);
    },
    getDataset: async (id) => {
      await need(id, 'read');
      return store.getDataset(id);
    },
    deleteDataset: async (id) => {
      await need(id, 'delete');
      return store.deleteDataset(id);
    },
    searchEvaluationDatasets: async (search) => {
      needAll(search.experimentIds, 'read');
      return store.searchEvaluationDatasets(search);
    },
    setDatasetTags: async (id, tags) => {
      await need(id, 'update');
      return store.setDatasetTags(id, tags);
    },
    deleteDatasetTag: async (id, key) => {
      await need(id, 'update');
      return store.deleteDatasetTag(id, key);
    },
    datasetExperiments: async (id) => {
      await need(id, 'read');
      return store.datasetExperiments(id);
    },
    addDatasetToExperiments: async (id, ids) => {
      await need(id, 'update');
      needAll(ids, 'update');
      return store.addDatasetToExperiments(id, ids);
    },
    removeDatasetFromExperiments: async (id, ids) => {
      await need(id, 'update');
      return store.removeDatasetFromExperiments(id, ids);
    },
    putRecords: async (id, records) => {
      await need(id, 'update');
      return store.putRecords(id, records);
    },
    listRecords: async (id, query) => {
      await need(id, 'read');
      return store.listRecords(id, query);
    },
    deleteRecords: async (id, records) => {
      await need(id, 'update');
      return store.deleteRecords(id, records);
    },
  };
}

function scorerKey(experimentId: string, name: string): { readonly type: 'scorer'; readonly id: string } {
  return { type: 'scorer', id: `${experimentId}/${encodeURIComponent(name)}` };
}

function guardedScorers(
  store: EvaluationStore,
  gate: Gate,
): Half<
  | 'registerScorer'
  | 'listScorers'
  | 'scorerVersions'
  | 'getScorer'
  | 'deleteScorer'
  | 'setOnlineScoring'
  | 'onlineScoring'
> {
  const mayRead = (experimentId: string, name: string): boolean => {
    const key = scorerKey(experimentId, name);
    return gate.may(
      { ...key, action: 'read' },
      { type: 'scorer_version', id: '*', action: 'not_denied', inherits: [key] },
    );
  };
  const needRead = (experimentId: string, name: string): void => {
    if (!mayRead(experimentId, name)) throw denied();
  };
  const shown = (scorers: readonly ScorerVersion[]): readonly ScorerVersion[] =>
    isAdmin() ? scorers : scorers.filter(({ experimentId, name }) => mayRead(experimentId, name));
  return {
    registerScorer: async (experimentId, name, body) => {
      const key = scorerKey(experimentId, name);
      gate.need(
        ofExperiment(experimentId, 'update'),
        { ...key, action: 'not_denied' },
        { type: 'scorer_version', id: '*', action: 'not_denied' },
      );
      const made = await store.registerScorer(experimentId, name, body);
      await gate.own(key.type, key.id);
      return made;
    },
    listScorers: async (ids) => {
      for (const id of ids ?? []) gate.need(ofExperiment(id, 'read'));
      const found = shown(await store.listScorers(ids));
      return found.filter(({ experimentId }) => gate.canRead('experiment', experimentId));
    },
    scorerVersions: async (experimentId, name) => {
      needRead(experimentId, name);
      return store.scorerVersions(experimentId, name);
    },
    getScorer: async (experimentId, name, version) => {
      needRead(experimentId, name);
      return store.getScorer(experimentId, name, version);
    },
    deleteScorer: async (experimentId, name, version) => {
      const key = scorerKey(experimentId, name);
      gate.need(
        { ...key, action: version === undefined ? 'delete' : 'read' },
        { type: 'scorer_version', id: '*', action: 'delete', inherits: [key] },
      );
      await store.deleteScorer(experimentId, name, version);
      if (version === undefined) await gate.gone(key.type, key.id);
    },
    setOnlineScoring: async (experimentId, name, config) => {
      gate.need(ofExperiment(experimentId, 'update'));
      return store.setOnlineScoring(experimentId, name, config);
    },
    onlineScoring: async (ids) => {
      const found = await store.onlineScoring(ids);
      for (const { experimentId } of found) gate.need(ofExperiment(experimentId, 'read'));
      return found;
    },
  };
}

function guardedQuestions(
  store: EvaluationStore,
  gate: Gate,
): Half<
  | 'createLabelSchema'
  | 'getLabelSchema'
  | 'getLabelSchemaByName'
  | 'listLabelSchemas'
  | 'updateLabelSchema'
  | 'deleteLabelSchema'
> {
  const need = async (id: string, action: Act): Promise<void> =>
    gate.need(ofExperiment((await orDenied(store.getLabelSchema(id))).experimentId, action));
  return {
    createLabelSchema: async (schema) => {
      gate.need(ofExperiment(schema.experimentId, 'manage'));
      return store.createLabelSchema(schema);
    },
    getLabelSchema: async (id) => {
      await need(id, 'read');
      return store.getLabelSchema(id);
    },
    getLabelSchemaByName: async (experimentId, name) => {
      gate.need(ofExperiment(experimentId, 'read'));
      return store.getLabelSchemaByName(experimentId, name);
    },
    listLabelSchemas: async (experimentId, query) => {
      gate.need(ofExperiment(experimentId, 'read'));
      return store.listLabelSchemas(experimentId, query);
    },
    updateLabelSchema: async (id, change) => {
      await need(id, 'manage');
      return store.updateLabelSchema(id, change);
    },
    deleteLabelSchema: async (id) => {
      await need(id, 'manage');
      return store.deleteLabelSchema(id);
    },
  };
}

/** Queues are for those who are asked, for who made them, and for who manages the experiment. */
function guardedQueues(
  store: EvaluationStore,
  gate: Gate,
): Half<
  | 'createReviewQueue'
  | 'getReviewQueue'
  | 'getReviewQueueByName'
  | 'listReviewQueues'
  | 'updateReviewQueue'
  | 'deleteReviewQueue'
  | 'addReviewItems'
  | 'removeReviewItems'
  | 'listReviewItems'
  | 'setReviewStatus'
> {
  const may = ({ experimentId: id }: Pick<ReviewQueue, 'experimentId'>, action: Act): boolean =>
    gate.may({ type: 'review_queue', id: '*', action, inherits: [{ type: 'experiment', id }] });
  const isMember = ({ users }: ReviewQueue): boolean =>
    users.some((user) => user.toLowerCase() === caller().user.username.toLowerCase());
  const owns = (queue: ReviewQueue): boolean =>
    may(queue, 'manage') || (may(queue, 'update') && queue.createdBy === caller().user.username);
  const sees = (queue: ReviewQueue): boolean => may(queue, 'read') && (isMember(queue) || owns(queue));
  const need = async (id: string, rule: (queue: ReviewQueue) => boolean): Promise<void> => {
    if (!isAdmin() && !rule(await orDenied(store.getReviewQueue(id)))) throw denied();
  };
  return {
    createReviewQueue: async (queue) => {
      gate.need(...newIn('review_queue', queue.experimentId));
      return store.createReviewQueue({ ...queue, createdBy: caller().user.username });
    },
    getReviewQueue: async (id) => {
      await need(id, sees);
      return store.getReviewQueue(id);
    },
    getReviewQueueByName: async (experimentId, name) => {
      if (!may({ experimentId }, 'read')) throw denied();
      const queue = await store.getReviewQueueByName(experimentId, name);
      if (!isAdmin() && !sees(queue)) throw denied();
      return queue;
    },
    listReviewQueues: async (experimentId, query) => {
      gate.need(ofExperiment(experimentId, 'read'));
      const page = await store.listReviewQueues(experimentId, query);
      return isAdmin() ? page : { ...page, items: page.items.filter(sees) };
    },
    updateReviewQueue: async (id, change) => {
      await need(id, (queue) => (change.owner === undefined ? owns(queue) : may(queue, 'manage')));
      return store.updateReviewQueue(id, change);
    },
    deleteReviewQueue: async (id) => {
      await need(id, owns);
      return store.deleteReviewQueue(id);
    },
    addReviewItems: async (id, items) => {
      await need(id, (queue) => may(queue, 'update'));
      return store.addReviewItems(id, items);
    },
    removeReviewItems: async (id, items) => {
      await need(id, owns);
      return store.removeReviewItems(id, items);
    },
    listReviewItems: async (id, query) => {
      await need(id, sees);
      return store.listReviewItems(id, query);
    },
    setReviewStatus: async (id, item, status) => {
      await need(id, (queue) => may(queue, 'update') && isMember(queue));
      return store.setReviewStatus(id, item, status, caller().user.username);
    },
  };
}
