import type { ModelVersion, RegisteredModel, Stage, Tag } from '../../mlflow/index.ts';
import { noModel, noVersion } from '../rules/index.ts';
import type { Connection } from './connection.ts';

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

export function needModel(c: Connection, name: string): ModelRow {
  const row = c.sql<ModelRow>('SELECT * FROM registered_models WHERE name = ?').get(name);
  if (row === undefined) throw noModel(name);
  return row;
}

export function needVersion(c: Connection, name: string, version: string): VersionRow {
  const row = c
    .sql<VersionRow>('SELECT * FROM model_versions WHERE name = ? AND version = ?')
    .get(name, Number(version));
  if (row === undefined) throw noVersion(name, version);
  return row;
}

export function toVersion(c: Connection, row: VersionRow): ModelVersion {
  return {
    name: row.name,
    version: String(row.version),
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
    tags: c
      .sql<Tag>('SELECT key, value FROM model_version_tags WHERE name = ? AND version = ? ORDER BY key')
      .all(row.name, row.version),
    aliases: c
      .sql<{ alias: string }>('SELECT alias FROM model_aliases WHERE name = ? AND version = ? ORDER BY alias')
      .all(row.name, row.version)
      .map(({ alias }) => alias),
  };
}

export function toModel(c: Connection, row: ModelRow): RegisteredModel {
  const newest = c
    .sql<VersionRow>(
      `SELECT v.* FROM model_versions v JOIN
       (SELECT stage, max(version) AS version, min(version) AS first FROM model_versions WHERE name = ? GROUP BY stage) m
       ON v.name = ? AND v.version = m.version ORDER BY m.first`,
    )
    .all(row.name, row.name);
  return {
    name: row.name,
    creationTime: row.creation_time,
    lastUpdatedTime: row.last_updated_time,
    description: row.description,
    latestVersions: newest.map((version) => toVersion(c, version)),
    tags: c.sql<Tag>('SELECT key, value FROM registered_model_tags WHERE name = ? ORDER BY key').all(row.name),
    aliases: c
      .sql<{ alias: string; version: number }>('SELECT alias, version FROM model_aliases WHERE name = ? ORDER BY alias')
      .all(row.name)
      .map(({ alias, version }) => ({ alias, version: String(version) })),
  };
}

export function touchModel(c: Connection, name: string, now: number): void {
  c.sql('UPDATE registered_models SET last_updated_time = ? WHERE name = ?').run(now, name);
}

/** Adds a line to the audit trail. */
export function recordPromotion(
  c: Connection,
  entry: { name: string; version: number; kind: string; from: string; to: string; by?: string; why?: string },
): void {
  c.sql(
    'INSERT INTO promotions (name, version, kind, "from", "to", "by", "at", why) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  ).run(entry.name, entry.version, entry.kind, entry.from, entry.to, entry.by ?? '', Date.now(), entry.why ?? '');
}
