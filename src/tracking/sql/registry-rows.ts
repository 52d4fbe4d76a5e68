import type { ModelVersion, RegisteredModel, Stage, Tag } from '../../mlflow/index.ts';
import { noModel, noVersion } from '../rules/index.ts';
import { sql } from './sql.ts';
import { all, get, run, type Work } from './work.ts';

export interface ModelRow {
  readonly name: string;
  readonly creation_time: number;
  readonly last_updated_time: number;
  readonly description: string;
  readonly last_version: number;
}

export interface VersionRow {
  readonly name: string;
  readonly version: number;
  readonly creation_time: number;
  readonly last_updated_time: number;
  readonly user_id: string;
  readonly stage: string;
  readonly description: string;
  readonly source: string;
  readonly location: string;
  readonly run_id: string;
  readonly run_link: string;
  readonly model_id: string | null;
}

export function* needModel(name: string): Work<ModelRow> {
  const row = yield* get<ModelRow>(sql`SELECT * FROM registered_models WHERE name = ${name}`);
  if (row === undefined) throw noModel(name);
  return row;
}

export function* needVersion(name: string, version: string): Work<VersionRow> {
  const row = yield* get<VersionRow>(
    sql`SELECT * FROM model_versions WHERE name = ${name} AND version = ${Number(version)}`,
  );
  if (row === undefined) throw noVersion(name, version);
  return row;
}

export function* toVersion(row: VersionRow): Work<ModelVersion> {
  const { name, version } = row;
  const tags = yield* all<Tag>(
    sql`SELECT key, value FROM model_version_tags WHERE name = ${name} AND version = ${version} ORDER BY key`,
  );
  const aliases = yield* all<{ alias: string }>(
    sql`SELECT alias FROM model_aliases WHERE name = ${name} AND version = ${version} ORDER BY alias`,
  );
  return {
    name,
    version: String(version),
    creationTime: row.creation_time,
    lastUpdatedTime: row.last_updated_time,
    userId: row.user_id,
    stage: row.stage as Stage,
    description: row.description,
    source: row.source,
    runId: row.run_id,
    runLink: row.run_link,
    modelId: row.model_id ?? undefined,
    status: 'READY',
    statusMessage: '',
    tags,
    aliases: aliases.map(({ alias }) => alias),
  };
}

export function* toVersions(rows: readonly VersionRow[]): Work<ModelVersion[]> {
  const versions: ModelVersion[] = [];
  for (const row of rows) versions.push(yield* toVersion(row));
  return versions;
}

/** The newest version of each stage, in the order in which the stages came to be used. */
export function newestOfStages(name: string): Work<readonly VersionRow[]> {
  return all<VersionRow>(
    sql`SELECT v.* FROM model_versions v JOIN
      (SELECT stage, max(version) AS version, min(version) AS first FROM model_versions WHERE name = ${name} GROUP BY stage) m
      ON v.name = ${name} AND v.version = m.version ORDER BY m.first`,
  );
}

export function* toModel(row: ModelRow): Work<RegisteredModel> {
  const { name } = row;
  const aliases = yield* all<{ alias: string; version: number }>(
    sql`SELECT alias, version FROM model_aliases WHERE name = ${name} ORDER BY alias`,
  );
  return {
    name,
    creationTime: row.creation_time,
    lastUpdatedTime: row.last_updated_time,
    description: row.description,
    latestVersions: yield* toVersions(yield* newestOfStages(name)),
    tags: yield* all<Tag>(sql`SELECT key, value FROM registered_model_tags WHERE name = ${name} ORDER BY key`),
    aliases: aliases.map(({ alias, version }) => ({ alias, version: String(version) })),
  };
}

export function* touchModel(name: string, now: number): Work<void> {
  yield* run(sql`UPDATE registered_models SET last_updated_time = ${now} WHERE name = ${name}`);
}

/** Adds a line to the audit trail. */
export function* recordPromotion(entry: {
  readonly name: string;
  readonly version: number;
  readonly kind: string;
  readonly from: string;
  readonly to: string;
  readonly by?: string | undefined;
  readonly why?: string | undefined;
}): Work<void> {
  const { name, version, kind, from, to, by = '', why = '' } = entry;
  yield* run(
    sql`INSERT INTO promotions (name, version, kind, "from", "to", "by", "at", why)
      VALUES (${name}, ${version}, ${kind}, ${from}, ${to}, ${by}, ${Date.now()}, ${why})`,
  );
}
