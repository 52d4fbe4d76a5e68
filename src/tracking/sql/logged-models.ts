import { randomUUID } from 'node:crypto';

import type { LoggedModel, Param, Tag } from '../../mlflow/index.ts';
import { joinUri } from '../artifacts/location.ts';
import { changedModelParam, noLoggedModelTag } from '../rules/index.ts';
import type { LoggedModelStore } from '../store.ts';
import type { NewLoggedModel } from '../types.ts';
import type { Context } from './context.ts';
import { activeExperiment } from './experiments.ts';
import { anyLoggedModel, needLoggedModel, toLoggedModel } from './logged-model-rows.ts';
import { searchLoggedModels } from './search/search-logged-models.ts';
import { raw, sql } from './sql.ts';
import { get, one, run, type Work } from './work.ts';

/** The logged-model half of the store. */
export function loggedModelsOf(c: Context): LoggedModelStore {
  return {
    createLoggedModel: (model) => c.write(() => create(c, model)),
    getLoggedModel: (id) =>
      c.read(function* () {
        return yield* toLoggedModel(c, yield* needLoggedModel(id));
      }),
    finalizeLoggedModel: (id, status) =>
      c.write(function* () {
        const { n } = yield* needLoggedModel(id);
        yield* run(sql`UPDATE logged_models SET status = ${status}, last_updated_time = ${Date.now()} WHERE n = ${n}`);
        return yield* toLoggedModel(c, yield* needLoggedModel(id));
      }),
    deleteLoggedModel: (id) =>
      c.write(function* () {
        const now = Date.now();
        const { n, lifecycle } = yield* anyLoggedModel(id);
        if (lifecycle === 1) return;
        yield* run(
          sql`UPDATE logged_models SET lifecycle = 1, deleted_time = ${now}, last_updated_time = ${now} WHERE n = ${n}`,
        );
      }),
    setLoggedModelTags: (id, tags) =>
      c.write(function* () {
        const { n } = yield* needLoggedModel(id);
        for (const tag of tags) yield* putPair('logged_model_tags', n, tag);
      }),
    deleteLoggedModelTag: (id, key) =>
      c.write(function* () {
        const { n } = yield* needLoggedModel(id);
        const gone = yield* run(sql`DELETE FROM logged_model_tags WHERE model = ${n} AND key = ${key}`);
        if (gone === 0) throw noLoggedModelTag(id, key);
      }),
    logLoggedModelParams: (id, params) =>
      c.write(function* () {
        const { n } = yield* needLoggedModel(id);
        for (const param of params) yield* addParam(id, n, param);
      }),
    searchLoggedModels: (search) => c.read(() => searchLoggedModels(c, search)),
  };
}

function* create(c: Context, wanted: NewLoggedModel): Work<LoggedModel> {
  const { name = '', modelType = '', sourceRunId = '', params = [], tags = [] } = wanted;
  const experiment = yield* activeExperiment(wanted.experimentId);
  const id = `m-${randomUUID().replaceAll('-', '')}`;
  const uri = joinUri(experiment.artifact_location, `models/${id}/artifacts`);
  const now = Date.now();
  const { n } = yield* one<{ n: number }>(
    sql`INSERT INTO logged_models (id, experiment, name, artifact_uri, creation_time, last_updated_time, status, model_type,
      source_run_id) VALUES (${id}, ${experiment.n}, ${name}, ${uri}, ${now}, ${now}, 'LOGGED_MODEL_PENDING', ${modelType},
      ${sourceRunId}) RETURNING n`,
  );
  for (const param of params) yield* putPair('logged_model_params', n, param);
  for (const tag of tags) yield* putPair('logged_model_tags', n, tag);
  return yield* toLoggedModel(c, yield* needLoggedModel(id));
}

/** A param of a model is written once; the same value again does no harm. */
function* addParam(id: string, model: number, { key, value }: Param): Work<void> {
  const old = yield* get<{ value: string }>(
    sql`SELECT value FROM logged_model_params WHERE model = ${model} AND key = ${key}`,
  );
  if (old !== undefined && old.value !== value) throw changedModelParam(id, { key, old: old.value });
  yield* putPair('logged_model_params', model, { key, value });
}

function* putPair(table: 'logged_model_tags' | 'logged_model_params', model: number, { key, value }: Tag): Work<void> {
  yield* run(
    sql`INSERT INTO ${raw(table)} (model, key, value) VALUES (${model}, ${key}, ${value})
      ON CONFLICT (model, key) DO UPDATE SET value = excluded.value`,
  );
}
