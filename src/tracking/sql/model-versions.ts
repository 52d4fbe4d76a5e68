import { modelVersionRules, type ModelVersion, type Stage, type Tag } from '../../mlflow/index.ts';
import { noFiles, versionCreated, versionTagDeleted, versionTagSet, withVersion } from '../rules/index.ts';
import type { RegistryStore } from '../store.ts';
import type { NewModelVersion, Transition } from '../types.ts';
import type { Context } from './context.ts';
import { findLoggedModel } from './logged-model-rows.ts';
import {
  needModel,
  needVersion,
  newestOfStages,
  recordPromotion,
  touchModel,
  toVersion,
  toVersions,
  type VersionRow,
} from './registry-rows.ts';
import { pageOf, simpleSearch, type SearchTable } from './search/simple-search.ts';
import { sql } from './sql.ts';
import { originOf } from './version-source.ts';
import { tell } from './webhooks.ts';
import { all, get, run, type Work } from './work.ts';

const searched: SearchTable = {
  table: 'model_versions',
  columns: {
    name: 't.name',
    run_id: 't.run_id',
    source_path: 't.source',
    version_number: 't.version',
    creation_timestamp: 't.creation_time',
    last_updated_timestamp: 't.last_updated_time',
  },
  tags: { table: 'model_version_tags', join: 'x.name = t.name AND x.version = t.version' },
  tie: ['t.name ASC', 't.version DESC'],
};

type VersionHalf = Pick<
  RegistryStore,
  | 'getLatestVersions'
  | 'createModelVersion'
  | 'getModelVersion'
  | 'updateModelVersion'
  | 'deleteModelVersion'
  | 'transitionStage'
  | 'getDownloadUri'
  | 'searchModelVersions'
  | 'setModelVersionTag'
  | 'deleteModelVersionTag'
>;

export function modelVersionsOf(c: Context): VersionHalf {
  return {
    getLatestVersions: (name, wanted = []) =>
      c.read(function* () {
        yield* needModel(name);
        const only = new Set(wanted);
        const rows = yield* newestOfStages(name);
        return yield* toVersions(rows.filter((row) => only.size === 0 || only.has(row.stage)));
      }),
    createModelVersion: (version) => c.writeAlone(() => create(version)),
    getModelVersion: (name, version) =>
      c.read(function* () {
        return yield* toVersion(yield* needVersion(name, version));
      }),
    updateModelVersion: (name, version, description) =>
      c.writeAlone(function* () {
        const row = yield* needVersion(name, version);
        yield* run(
          sql`UPDATE model_versions SET description = ${description}, last_updated_time = ${Date.now()}
            WHERE name = ${name} AND version = ${row.version}`,
        );
        return yield* toVersion(yield* needVersion(name, version));
      }),
    deleteModelVersion: (name, version) =>
      c.writeAlone(function* () {
        const row = yield* needVersion(name, version);
        yield* run(sql`DELETE FROM model_versions WHERE name = ${name} AND version = ${row.version}`);
        yield* touchModel(name, Date.now());
        yield* recordPromotion({ name, version: row.version, kind: 'delete', from: row.stage, to: '' });
      }),
    transitionStage: (name, version, transition) => c.writeAlone(() => transitionTo(name, version, transition)),
    getDownloadUri: (name, version) =>
      c.read(function* () {
        const row = yield* needVersion(name, version);
        if (row.location === '') throw noFiles(name, version);
        return row.location;
      }),
    searchModelVersions: (search) =>
      c.read(function* () {
        const { maxResults = 200_000 } = search;
        const query = { ...search, maxResults, where: sql`1 = 1` };
        const fallback = ['t.last_updated_time DESC', 't.name ASC', 't.version DESC'];
        return yield* pageOf(yield* simpleSearch<VersionRow>(searched, modelVersionRules, query, fallback), toVersion);
      }),
    setModelVersionTag: (name, version, tag) =>
      c.writeAlone(function* () {
        yield* putTag(yield* needVersion(name, version), tag);
        yield* tell(versionTagSet(name, version, tag));
      }),
    deleteModelVersionTag: (name, version, key) =>
      c.writeAlone(function* () {
        const row = yield* needVersion(name, version);
        yield* run(
          sql`DELETE FROM model_version_tags WHERE name = ${name} AND version = ${row.version} AND key = ${key}`,
        );
        yield* tell(versionTagDeleted(name, version, key));
      }),
  };
}

function* create(wanted: NewModelVersion): Work<ModelVersion> {
  const { name, source, userId = '', description = '', runLink = '' } = wanted;
  const model = yield* needModel(name);
  const origin = yield* originOf(wanted);
  const version = model.last_version + 1;
  const now = Date.now();
  yield* run(
    sql`INSERT INTO model_versions (name, version, creation_time, last_updated_time, user_id, stage, description, source,
      location, run_id, run_link, model_id) VALUES (${name}, ${version}, ${now}, ${now}, ${userId}, 'None', ${description},
      ${source}, ${origin.location}, ${origin.runId}, ${runLink}, ${origin.modelId})`,
  );
  yield* run(
    sql`UPDATE registered_models SET last_version = ${version}, last_updated_time = ${now} WHERE name = ${name}`,
  );
  const row = yield* needVersion(name, String(version));
  for (const tag of wanted.tags ?? []) yield* putTag(row, tag);
  if (origin.modelId !== undefined) yield* tellLoggedModel(origin.modelId, name, version);
  yield* recordPromotion({ name, version, kind: 'register', from: '', to: 'None', by: userId });
  yield* tell(versionCreated(wanted, String(version)));
  return yield* toVersion(row);
}

/** MLflow's clients read from the logged model which versions were made of it. */
function* tellLoggedModel(modelId: string, name: string, version: number): Work<void> {
  const model = yield* findLoggedModel(modelId);
  if (model === undefined) return;
  const tag = yield* get<Tag>(
    sql`SELECT key, value FROM logged_model_tags WHERE model = ${model.n} AND key = 'mlflow.modelVersions'`,
  );
  yield* run(
    sql`INSERT INTO logged_model_tags (model, key, value)
      VALUES (${model.n}, 'mlflow.modelVersions', ${withVersion(tag?.value, name, version)})
      ON CONFLICT (model, key) DO UPDATE SET value = excluded.value`,
  );
}

function* putTag(row: VersionRow, { key, value }: Tag): Work<void> {
  yield* run(
    sql`INSERT INTO model_version_tags (name, version, key, value) VALUES (${row.name}, ${row.version}, ${key}, ${value})
      ON CONFLICT (name, version, key) DO UPDATE SET value = excluded.value`,
  );
}

function* transitionTo(name: string, version: string, transition: Transition): Work<ModelVersion> {
  const { stage, by, why } = transition;
  const row = yield* needVersion(name, version);
  const now = Date.now();
  function* move(from: VersionRow, to: Stage): Work<void> {
    yield* run(
      sql`UPDATE model_versions SET stage = ${to}, last_updated_time = ${now}
        WHERE name = ${name} AND version = ${from.version}`,
    );
    if (from.stage === to) return;
    yield* recordPromotion({ name, version: from.version, kind: 'stage', from: from.stage, to, by, why });
  }
  if (transition.archiveExisting === true) {
    const others = yield* all<VersionRow>(
      sql`SELECT * FROM model_versions WHERE name = ${name} AND stage = ${stage} AND version <> ${row.version}`,
    );
    for (const other of others) yield* move(other, 'Archived');
  }
  yield* move(row, stage);
  yield* touchModel(name, now);
  return yield* toVersion(yield* needVersion(name, version));
}
