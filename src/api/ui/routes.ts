import { doubleToJson, filterText, invalid, type Fields, type Json } from '../../mlflow/index.ts';
import { demandsGates, type TrackingStore } from '../../tracking/index.ts';
import type { ApiRoute } from '../route.ts';
import { columnsOf, tableOf, views } from './table.ts';
import type {
  Curve,
  CurvesAnswer,
  ExperimentRow,
  ExperimentsAnswer,
  FindAnswer,
  Found,
  TrailAnswer,
  WireNumber,
} from './wire.ts';

const maxRuns = 50;
const maxKeys = 60;
const maxPoints = 2000;
const foundOfKind = 6;
const searchedExperiments = 200;
const noteTag = 'mlflow.note.content';

/** What the pages in the browser ask beside MLflow's own calls. */
export function uiRoutes(store: TrackingStore): readonly ApiRoute[] {
  const route = (
    method: 'GET' | 'POST',
    path: string,
    answer: (fields: Fields) => Promise<object>,
    lists: readonly string[] = [],
  ): ApiRoute => ({
    method,
    path: `/mlops-ui/${path}`,
    ajaxOnly: true,
    compressed: true,
    scope: 'read',
    lists,
    answer: async (fields) => (await answer(fields)) as Json,
  });
  return [
    route('GET', 'experiments', (fields) => experiments(store, fields)),
    route('POST', 'runs', (fields) => tableOf(store, fields)),
    route('GET', 'columns', (fields) => columnsOf(store, fields), ['experiment_ids']),
    route('POST', 'curves', (fields) => curves(store, fields)),
    route('GET', 'find', (fields) => find(store, fields)),
    route('GET', 'trail', (fields) => trail(store, fields)),
  ];
}

async function experiments(store: TrackingStore, fields: Fields): Promise<ExperimentsAnswer> {
  const page = await store.searchExperiments({
    maxResults: 1000,
    pageToken: fields.filled('page_token'),
    view: fields.choice('view', views),
  });
  const activity = new Map((await store.experimentActivity()).map((one) => [one.experimentId, one]));
  const rows = page.items.map(({ id, name, lifecycle, creationTime, tags }): ExperimentRow => {
    const { runs = 0, running = 0, lastStart = 0 } = activity.get(id) ?? {};
    return {
      experiment_id: id,
      name,
      deleted: lifecycle === 'deleted',
      creation_time: creationTime,
      description: tags.find(({ key }) => key === noteTag)?.value.slice(0, 300) ?? '',
      tags: tags.filter(({ key }) => !key.startsWith('mlflow.')).slice(0, 20),
      runs,
      running,
      last_start: lastStart,
    };
  });
  return { experiments: rows, next_page_token: page.nextPageToken };
}

async function curves(store: TrackingStore, fields: Fields): Promise<CurvesAnswer> {
  const runIds = fields.texts('run_ids');
  const keys = fields.texts('keys');
  if (runIds.length > maxRuns) throw invalid(`curves of at most ${maxRuns} runs are given at once`);
  if (keys.length > maxKeys) throw invalid(`curves of at most ${maxKeys} metrics are given at once`);
  const limit = Math.min(Math.max(fields.integer('max_points') ?? maxPoints, 2), maxPoints);
  const start = fields.integer('start_step');
  const end = fields.integer('end_step');
  const range = start === undefined || end === undefined ? undefined : ([start, end] as const);
  const found: Curve[] = [];
  for (const run of runIds) {
    for (const key of keys) {
      const points = await store.sampleMetric(run, key, { limit, range });
      if (points.length === 0) continue;
      found.push({
        run_id: run,
        key,
        steps: points.map(({ step }) => step),
        times: points.map(({ timestamp }) => timestamp),
        values: points.map(({ value }) => doubleToJson(value) as WireNumber),
      });
    }
  }
  return { curves: found };
}

/** Runs, experiments and models with a text in their names; a run also by its whole id. */
async function find(store: TrackingStore, fields: Fields): Promise<FindAnswer> {
  const wanted = (fields.text('text') ?? '').trim().slice(0, 200);
  if (wanted === '') return { found: [] };
  const like = filterText(`%${wanted}%`);
  const named = { filter: `name ILIKE ${like}`, maxResults: foundOfKind };
  const { items: all } = await store.searchExperiments({ maxResults: searchedExperiments });
  const search = { experimentIds: all.map(({ id }) => id), maxResults: foundOfKind, only: [] };
  const byId = /^[0-9a-f]{32}$/.test(wanted) ? `attributes.run_id = '${wanted}'` : undefined;
  const runs = await store.searchRuns({ ...search, filter: byId ?? `attributes.run_name ILIKE ${like}` });
  const found = await store.searchExperiments(named);
  const models = await store.searchRegisteredModels(named);
  return {
    found: [
      ...found.items.map(({ id, name }): Found => ({ kind: 'experiment', id, name })),
      ...runs.items.map(({ info }): Found => ({
        kind: 'run',
        id: info.id,
        name: info.name,
        experiment_id: info.experimentId,
      })),
      ...models.items.map(({ name }): Found => ({ kind: 'model', id: name, name })),
    ],
  };
}

async function trail(store: TrackingStore, fields: Fields): Promise<TrailAnswer> {
  const name = fields.need('name');
  const model = await store.getRegisteredModel(name);
  const entries = await store.promotions(name, fields.filled('version'));
  return {
    trail: entries.map(({ version, kind, from, to, by, at, why }) => ({ version, kind, from, to, by, at, why })),
    gates_required: demandsGates(model.tags),
  };
}
