import { registeredModelRules, type RegisteredModel, type Tag } from '../../mlflow/index.ts';
import { modelTaken, noAlias } from '../rules/index.ts';
import type { RegistryStore } from '../store.ts';
import type { Motive, Promotion } from '../types.ts';
import type { Connection } from './connection.ts';
import {
  needModel,
  needVersion,
  recordPromotion,
  toModel,
  toVersion,
  type ModelRow,
  type VersionRow,
} from './registry-rows.ts';
import { pageOf, simpleSearch, type SearchTable } from './simple-search.ts';

const searched: SearchTable = {
  table: 'registered_models',
  columns: { name: 't.name', timestamp: 't.creation_time', last_updated_timestamp: 't.last_updated_time' },
  // What MLflow calls `timestamp` here is the time of the last change.
  orderColumns: { timestamp: 't.last_updated_time' },
  tags: { table: 'registered_model_tags', join: 'x.name = t.name' },
};

type ModelHalf = Pick<
  RegistryStore,
  | 'createRegisteredModel'
  | 'getRegisteredModel'
  | 'updateRegisteredModel'
  | 'renameRegisteredModel'
  | 'deleteRegisteredModel'
  | 'searchRegisteredModels'
  | 'setRegisteredModelTag'
  | 'deleteRegisteredModelTag'
  | 'setAlias'
  | 'deleteAlias'
  | 'getVersionByAlias'
  | 'promotions'
>;

export function registeredModelsOf(c: Connection): ModelHalf {
  return {
    createRegisteredModel: (name, options = {}) => c.write(() => create(c, name, options)),
    getRegisteredModel: async (name) => toModel(c, needModel(c, name)),
    updateRegisteredModel: (name, description) =>
      c.write(() => {
        needModel(c, name);
        c.sql('UPDATE registered_models SET description = ?, last_updated_time = ? WHERE name = ?').run(
          description,
          Date.now(),
          name,
        );
        return toModel(c, needModel(c, name));
      }),
    renameRegisteredModel: (name, newName) => c.write(() => rename(c, name, newName)),
    deleteRegisteredModel: (name) =>
      c.write(() => {
        const { last_version: version } = needModel(c, name);
        c.sql('DELETE FROM registered_models WHERE name = ?').run(name);
        recordPromotion(c, { name, version, kind: 'delete', from: 'all versions', to: '' });
      }),
    searchRegisteredModels: async (search) => {
      const { maxResults = 100 } = search;
      const query = { ...search, maxResults, where: '1' };
      const rows = simpleSearch<ModelRow>(c, searched, registeredModelRules, query, ['t.name ASC']);
      return pageOf(rows, (row) => toModel(c, row));
    },
    setRegisteredModelTag: (name, tag) =>
      c.write(() => {
        needModel(c, name);
        putTag(c, name, tag);
      }),
    deleteRegisteredModelTag: (name, key) =>
      c.write(() => {
        needModel(c, name);
        c.sql('DELETE FROM registered_model_tags WHERE name = ? AND key = ?').run(name, key);
      }),
    setAlias: (name, alias, version, motive = {}) => c.write(() => setAlias(c, name, alias, version, motive)),
    deleteAlias: (name, alias, motive = {}) =>
      c.write(() => {
        needModel(c, name);
        const row = aliasRow(c, name, alias);
        if (row === undefined) return;
        c.sql('DELETE FROM model_aliases WHERE name = ? AND alias = ?').run(name, alias);
        recordPromotion(c, { name, version: row.version, kind: 'alias', from: alias, to: '', ...defined(motive) });
      }),
    getVersionByAlias: async (name, alias) => {
      needModel(c, name);
      const row = alias.toLowerCase() === 'latest' ? newest(c, name) : aliasRow(c, name, alias);
      if (row === undefined) throw noAlias(alias);
      return toVersion(c, needVersion(c, name, String(row.version)));
    },
    promotions: async (name, version) => promotions(c, name, version),
  };
}

export function defined(motive: Motive): { by?: string; why?: string } {
  return {
    ...(motive.by === undefined ? {} : { by: motive.by }),
    ...(motive.why === undefined ? {} : { why: motive.why }),
  };
}

function create(
  c: Connection,
  name: string,
  options: { tags?: readonly Tag[]; description?: string },
): RegisteredModel {
  if (c.sql('SELECT 1 FROM registered_models WHERE name = ?').get(name) !== undefined) throw modelTaken(name);
  const now = Date.now();
  c.sql('INSERT INTO registered_models (name, creation_time, last_updated_time, description) VALUES (?, ?, ?, ?)').run(
    name,
    now,
    now,
    options.description ?? '',
  );
  for (const tag of options.tags ?? []) putTag(c, name, tag);
  return toModel(c, needModel(c, name));
}

function putTag(c: Connection, name: string, { key, value }: Tag): void {
  c.sql(
    'INSERT INTO registered_model_tags (name, key, value) VALUES (?, ?, ?) ON CONFLICT (name, key) DO UPDATE SET value = excluded.value',
  ).run(name, key, value);
}

function rename(c: Connection, name: string, newName: string): RegisteredModel {
  needModel(c, name);
  if (newName !== name && c.sql('SELECT 1 FROM registered_models WHERE name = ?').get(newName) !== undefined) {
    throw modelTaken(newName);
  }
  const now = Date.now();
  c.sql('UPDATE registered_models SET name = ?, last_updated_time = ? WHERE name = ?').run(newName, now, name);
  c.sql('UPDATE model_versions SET last_updated_time = ? WHERE name = ?').run(now, newName);
  c.sql('UPDATE promotions SET name = ? WHERE name = ?').run(newName, name);
  return toModel(c, needModel(c, newName));
}

function setAlias(c: Connection, name: string, alias: string, version: string, motive: Motive): void {
  needModel(c, name);
  const row = needVersion(c, name, version);
  const before = aliasRow(c, name, alias);
  c.sql(
    'INSERT INTO model_aliases (name, alias, version) VALUES (?, ?, ?) ON CONFLICT (name, alias) DO UPDATE SET version = excluded.version',
  ).run(name, alias, row.version);
  if (before?.version === row.version) return;
  const from = before === undefined ? '' : `version ${before.version}`;
  recordPromotion(c, { name, version: row.version, kind: 'alias', from, to: alias, ...defined(motive) });
}

function aliasRow(c: Connection, name: string, alias: string): { version: number } | undefined {
  return c.sql<{ version: number }>('SELECT version FROM model_aliases WHERE name = ? AND alias = ?').get(name, alias);
}

function newest(c: Connection, name: string): Pick<VersionRow, 'version'> | undefined {
  return c
    .sql<{ version: number }>('SELECT version FROM model_versions WHERE name = ? ORDER BY version DESC LIMIT 1')
    .get(name);
}

function promotions(c: Connection, name: string, version: string | undefined): Promotion[] {
  const rows = c
    .sql<Omit<Promotion, 'version'> & { version: number }>(
      'SELECT name, version, kind, "from", "to", "by", "at", why FROM promotions WHERE name = ? ORDER BY n',
    )
    .all(name);
  return rows
    .map((row) => ({ ...row, version: String(row.version) }))
    .filter((row) => version === undefined || row.version === version);
}
