import { modelVersionRules, type ModelVersion, type Stage, type Tag } from '../../mlflow/index.ts';
import { noFiles, withVersion } from '../rules/index.ts';
import type { RegistryStore } from '../store.ts';
import type { NewModelVersion, Transition } from '../types.ts';
import type { Connection } from './connection.ts';
import { findLoggedModel } from './logged-model-rows.ts';
import { defined } from './registered-models.ts';
import { needModel, needVersion, recordPromotion, touchModel, toVersion, type VersionRow } from './registry-rows.ts';
import { pageOf, simpleSearch, type SearchTable } from './simple-search.ts';
import { originOf } from './version-source.ts';

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

export function modelVersionsOf(c: Connection): VersionHalf {
  return {
    getLatestVersions: async (name, wanted = []) => latest(c, name, wanted),
    createModelVersion: (version) => c.write(() => create(c, version)),
    getModelVersion: async (name, version) => toVersion(c, needVersion(c, name, version)),
    updateModelVersion: (name, version, description) =>
      c.write(() => {
        const row = needVersion(c, name, version);
        c.sql('UPDATE model_versions SET description = ?, last_updated_time = ? WHERE name = ? AND version = ?').run(
          description,
          Date.now(),
          name,
          row.version,
        );
        return toVersion(c, needVersion(c, name, version));
      }),
    deleteModelVersion: (name, version) =>
      c.write(() => {
        const row = needVersion(c, name, version);
        c.sql('DELETE FROM model_versions WHERE name = ? AND version = ?').run(name, row.version);
        touchModel(c, name, Date.now());
        recordPromotion(c, { name, version: row.version, kind: 'delete', from: row.stage, to: '' });
      }),
    transitionStage: (name, version, transition) => c.write(() => transitionTo(c, name, version, transition)),
    getDownloadUri: async (name, version) => {
      const row = needVersion(c, name, version);
      if (row.location === '') throw noFiles(name, version);
      return row.location;
    },
    searchModelVersions: async (search) => {
      const { maxResults = 200_000 } = search;
      const tieBreak = ['t.name ASC', 't.version DESC'];
      const query = { ...search, maxResults, where: '1', tieBreak };
      const fallback = ['t.last_updated_time DESC', ...tieBreak];
      const rows = simpleSearch<VersionRow>(c, searched, modelVersionRules, query, fallback);
      return pageOf(rows, (row) => toVersion(c, row));
    },
    setModelVersionTag: (name, version, tag) => c.write(() => putTag(c, needVersion(c, name, version), tag)),
    deleteModelVersionTag: (name, version, key) =>
      c.write(() => {
        const row = needVersion(c, name, version);
        c.sql('DELETE FROM model_version_tags WHERE name = ? AND version = ? AND key = ?').run(name, row.version, key);
      }),
  };
}

function create(c: Connection, wanted: NewModelVersion): ModelVersion {
  const { name, source } = wanted;
  const model = needModel(c, name);
  const origin = originOf(c, wanted);
  const version = model.last_version + 1;
  const now = Date.now();
  c.sql(
    `INSERT INTO model_versions (name, version, creation_time, last_updated_time, user_id, stage, description, source,
     location, run_id, run_link, model_id) VALUES (?, ?, ?, ?, ?, 'None', ?, ?, ?, ?, ?, ?)`,
  ).run(
    name,
    version,
    now,
    now,
    wanted.userId ?? '',
    wanted.description ?? '',
    source,
    origin.location,
    origin.runId,
    wanted.runLink ?? '',
    origin.modelId ?? null,
  );
  c.sql('UPDATE registered_models SET last_version = ?, last_updated_time = ? WHERE name = ?').run(version, now, name);
  const row = needVersion(c, name, String(version));
  for (const tag of wanted.tags ?? []) putTag(c, row, tag);
  if (origin.modelId !== undefined) tellLoggedModel(c, origin.modelId, name, version);
  recordPromotion(c, { name, version, kind: 'register', from: '', to: 'None', by: wanted.userId ?? '' });
  return toVersion(c, row);
}

/** MLflow's clients read from the logged model which versions were made of it. */
function tellLoggedModel(c: Connection, modelId: string, name: string, version: number): void {
  const model = findLoggedModel(c, modelId);
  if (model === undefined) return;
  const tag = c
    .sql<Tag>(`SELECT key, value FROM logged_model_tags WHERE model = ? AND key = 'mlflow.modelVersions'`)
    .get(model.n);
  c.sql(
    `INSERT INTO logged_model_tags (model, key, value) VALUES (?, 'mlflow.modelVersions', ?)
     ON CONFLICT (model, key) DO UPDATE SET value = excluded.value`,
  ).run(model.n, withVersion(tag?.value, name, version));
}

function putTag(c: Connection, row: VersionRow, { key, value }: Tag): void {
  c.sql(
    `INSERT INTO model_version_tags (name, version, key, value) VALUES (?, ?, ?, ?)
     ON CONFLICT (name, version, key) DO UPDATE SET value = excluded.value`,
  ).run(row.name, row.version, key, value);
}

function latest(c: Connection, name: string, wanted: readonly string[]): ModelVersion[] {
  needModel(c, name);
  const only = new Set(wanted);
  const rows = c
    .sql<VersionRow>(
      `SELECT v.* FROM model_versions v JOIN
       (SELECT stage, max(version) AS version, min(version) AS first FROM model_versions WHERE name = ? GROUP BY stage) m
       ON v.name = ? AND v.version = m.version ORDER BY m.first`,
    )
    .all(name, name);
  return rows.filter((row) => only.size === 0 || only.has(row.stage)).map((row) => toVersion(c, row));
}

function transitionTo(c: Connection, name: string, version: string, transition: Transition): ModelVersion {
  const { stage } = transition;
  const row = needVersion(c, name, version);
  const now = Date.now();
  const move = (one: VersionRow, to: Stage): void => {
    c.sql('UPDATE model_versions SET stage = ?, last_updated_time = ? WHERE name = ? AND version = ?').run(
      to,
      now,
      name,
      one.version,
    );
    if (one.stage === to) return;
    recordPromotion(c, { name, version: one.version, kind: 'stage', from: one.stage, to, ...defined(transition) });
  };
  if (transition.archiveExisting === true) {
    const others = c
      .sql<VersionRow>('SELECT * FROM model_versions WHERE name = ? AND stage = ? AND version <> ?')
      .all(name, stage, row.version);
    for (const other of others) move(other, 'Archived');
  }
  move(row, stage);
  touchModel(c, name, now);
  return toVersion(c, needVersion(c, name, version));
}
