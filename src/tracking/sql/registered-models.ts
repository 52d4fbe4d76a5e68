import { registeredModelRules, type RegisteredModel, type Tag } from '../../mlflow/index.ts';
import {
  aliasDeleted,
  aliasSet,
  modelCreated,
  modelTagDeleted,
  modelTagSet,
  modelTaken,
  noAlias,
  registeredKind,
} from '../rules/index.ts';
import type { RegistryStore } from '../store.ts';
import type { Motive, Promotion } from '../types.ts';
import type { Context } from './context.ts';
import { needModel, needVersion, recordPromotion, toModel, toVersion, type ModelRow } from './registry-rows.ts';
import { pageOf, simpleSearch, type SearchTable } from './search/simple-search.ts';
import { sql } from './sql.ts';
import { endTraffic, renameTraffic } from './operations/traffic.ts';
import { tell } from './webhooks.ts';
import { all, get, run, type Work } from './work.ts';

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

export function registeredModelsOf(c: Context): ModelHalf {
  return {
    createRegisteredModel: (name, options = {}) => c.writeAlone(() => create(name, options)),
    getRegisteredModel: (name) =>
      c.read(function* () {
        return yield* toModel(yield* needModel(name));
      }),
    updateRegisteredModel: (name, description) =>
      c.writeAlone(function* () {
        yield* needModel(name);
        yield* run(
          sql`UPDATE registered_models SET description = ${description}, last_updated_time = ${Date.now()}
            WHERE name = ${name}`,
        );
        return yield* toModel(yield* needModel(name));
      }),
    renameRegisteredModel: (name, newName) => c.writeAlone(() => rename(name, newName)),
    deleteRegisteredModel: (name) =>
      c.writeAlone(function* () {
        const { last_version: version } = yield* needModel(name);
        yield* run(sql`DELETE FROM registered_models WHERE name = ${name}`);
        yield* recordPromotion({ name, version, kind: 'delete', from: 'all versions', to: '' });
        yield* endTraffic(name);
      }),
    searchRegisteredModels: (search) =>
      c.read(function* () {
        const { maxResults = 100 } = search;
        const query = { ...search, maxResults, where: sql`1 = 1` };
        return yield* pageOf(
          yield* simpleSearch<ModelRow>(searched, registeredModelRules, query, ['t.name ASC']),
          toModel,
        );
      }),
    setRegisteredModelTag: (name, tag) =>
      c.writeAlone(function* () {
        yield* needModel(name);
        yield* putTag(name, tag);
        yield* tell(modelTagSet(name, tag));
      }),
    deleteRegisteredModelTag: (name, key) =>
      c.writeAlone(function* () {
        yield* needModel(name);
        yield* run(sql`DELETE FROM registered_model_tags WHERE name = ${name} AND key = ${key}`);
        yield* tell(modelTagDeleted(name, key));
      }),
    setAlias: (name, alias, version, motive = {}) => c.writeAlone(() => setAlias(name, alias, version, motive)),
    deleteAlias: (name, alias, motive = {}) =>
      c.writeAlone(function* () {
        yield* needModel(name);
        yield* tell(aliasDeleted(name, alias));
        const row = yield* aliasRow(name, alias);
        if (row === undefined) return;
        yield* run(sql`DELETE FROM model_aliases WHERE name = ${name} AND alias = ${alias}`);
        yield* recordPromotion({ name, version: row.version, kind: 'alias', from: alias, to: '', ...motive });
      }),
    getVersionByAlias: (name, alias) =>
      c.read(function* () {
        yield* needModel(name);
        const row = alias.toLowerCase() === 'latest' ? yield* newest(name) : yield* aliasRow(name, alias);
        if (row === undefined) throw noAlias(alias);
        return yield* toVersion(yield* needVersion(name, String(row.version)));
      }),
    promotions: (name, version) => c.read(() => promotions(name, version)),
  };
}

function* create(
  name: string,
  { tags = [], description = '' }: { readonly tags?: readonly Tag[]; readonly description?: string },
): Work<RegisteredModel> {
  if ((yield* get(sql`SELECT 1 FROM registered_models WHERE name = ${name}`)) !== undefined) {
    const old = yield* all<Tag>(sql`SELECT key, value FROM registered_model_tags WHERE name = ${name}`);
    throw modelTaken(name, registeredKind(old), registeredKind(tags));
  }
  const now = Date.now();
  yield* run(
    sql`INSERT INTO registered_models (name, creation_time, last_updated_time, description)
      VALUES (${name}, ${now}, ${now}, ${description})`,
  );
  for (const tag of tags) yield* putTag(name, tag);
  yield* tell(modelCreated(name, tags, description));
  return yield* toModel(yield* needModel(name));
}

function* putTag(name: string, { key, value }: Tag): Work<void> {
  yield* run(
    sql`INSERT INTO registered_model_tags (name, key, value) VALUES (${name}, ${key}, ${value})
      ON CONFLICT (name, key) DO UPDATE SET value = excluded.value`,
  );
}

function* rename(name: string, newName: string): Work<RegisteredModel> {
  yield* needModel(name);
  const taken = newName !== name && (yield* get(sql`SELECT 1 FROM registered_models WHERE name = ${newName}`));
  if (taken !== false && taken !== undefined) throw modelTaken(newName);
  const now = Date.now();
  yield* run(sql`UPDATE registered_models SET name = ${newName}, last_updated_time = ${now} WHERE name = ${name}`);
  yield* run(sql`UPDATE model_versions SET last_updated_time = ${now} WHERE name = ${newName}`);
  yield* run(sql`UPDATE promotions SET name = ${newName} WHERE name = ${name}`);
  yield* renameTraffic(name, newName);
  return yield* toModel(yield* needModel(newName));
}

function* setAlias(name: string, alias: string, version: string, motive: Motive): Work<void> {
  yield* needModel(name);
  const row = yield* needVersion(name, version);
  const before = yield* aliasRow(name, alias);
  yield* run(
    sql`INSERT INTO model_aliases (name, alias, version) VALUES (${name}, ${alias}, ${row.version})
      ON CONFLICT (name, alias) DO UPDATE SET version = excluded.version`,
  );
  yield* tell(aliasSet(name, alias, version));
  if (before?.version === row.version) return;
  const from = before === undefined ? '' : `version ${before.version}`;
  yield* recordPromotion({
    name,
    version: row.version,
    kind: 'alias',
    from,
    to: alias,
    by: motive.by,
    why: motive.why,
  });
}

function aliasRow(name: string, alias: string): Work<{ version: number } | undefined> {
  return get(sql`SELECT version FROM model_aliases WHERE name = ${name} AND alias = ${alias}`);
}

function newest(name: string): Work<{ version: number } | undefined> {
  return get(sql`SELECT version FROM model_versions WHERE name = ${name} ORDER BY version DESC LIMIT 1`);
}

function* promotions(name: string, version: string | undefined): Work<Promotion[]> {
  const rows = yield* all<Omit<Promotion, 'version'> & { version: number }>(
    sql`SELECT name, version, kind, "from", "to", "by", "at", why FROM promotions WHERE name = ${name} ORDER BY n`,
  );
  return rows
    .map((row) => ({ ...row, version: String(row.version) }))
    .filter((row) => version === undefined || row.version === version);
}
