import type { Migration } from '../../base/index.ts';
import { alertSchema } from './alert-schema.ts';
import { evaluationSchema } from './evaluation-schema.ts';
import { authSchema } from './auth-schema.ts';
import { outboxSchema } from './outbox-schema.ts';
import { studySchema } from './study-schema.ts';
import { traceLinkSchema, traceSchema } from './trace-schema.ts';
import { trafficSchema } from './traffic-schema.ts';
import { webhookSchema } from './webhook-schema.ts';

/**
 * The tracking schema. Names of params, metrics and tags are rows of `keys`, so that a point of a history is
 * five numbers. `latest` is the newest point of each metric of a run, `params` and `tags` carry the experiment,
 * because each search walks an index that begins with it. Indexed texts are cut to 64 characters: ordering by
 * the head and then by the text is ordering by the text.
 *
 * Ids of experiments are text, because those of MLflow's file stores exceed 2^53; `n` stands for them inside.
 *
 * A migration is never edited after release; changes are new entries.
 */
const first = `
CREATE TABLE keys (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE experiments (
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,
  artifact_location TEXT NOT NULL,
  lifecycle INTEGER NOT NULL DEFAULT 0, creation_time INTEGER NOT NULL, last_update_time INTEGER NOT NULL);
CREATE TABLE experiment_tags (
  experiment INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (experiment, key)) WITHOUT ROWID;

CREATE TABLE runs (
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, experiment INTEGER NOT NULL, name TEXT NOT NULL,
  user_id TEXT NOT NULL, status TEXT NOT NULL, start_time INTEGER NOT NULL, end_time INTEGER,
  lifecycle INTEGER NOT NULL DEFAULT 0, deleted_time INTEGER, artifact_uri TEXT NOT NULL);
CREATE INDEX runs_by_start ON runs (experiment, lifecycle, start_time DESC, id);
CREATE INDEX runs_by_end ON runs (experiment, lifecycle, end_time);
CREATE INDEX runs_by_status ON runs (experiment, lifecycle, status, start_time DESC, id);
CREATE INDEX runs_by_name ON runs (experiment, lifecycle, name);

CREATE TABLE metrics (
  run INTEGER NOT NULL, key INTEGER NOT NULL, timestamp INTEGER NOT NULL, step INTEGER NOT NULL,
  value REAL NOT NULL, is_nan INTEGER NOT NULL, PRIMARY KEY (run, key, timestamp, step, value, is_nan)) WITHOUT ROWID;
CREATE TABLE latest (
  run INTEGER NOT NULL, key INTEGER NOT NULL, experiment INTEGER NOT NULL, value REAL NOT NULL,
  is_nan INTEGER NOT NULL, step INTEGER NOT NULL, timestamp INTEGER NOT NULL, PRIMARY KEY (run, key)) WITHOUT ROWID;
CREATE INDEX latest_by_value ON latest (experiment, key, is_nan, value);
CREATE TABLE params (
  run INTEGER NOT NULL, key INTEGER NOT NULL, experiment INTEGER NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (run, key)) WITHOUT ROWID;
CREATE INDEX params_by_value ON params (experiment, key, substr(value, 1, 64));
CREATE TABLE tags (
  run INTEGER NOT NULL, key INTEGER NOT NULL, experiment INTEGER NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (run, key)) WITHOUT ROWID;
CREATE INDEX tags_by_value ON tags (experiment, key, substr(value, 1, 64));

CREATE TABLE datasets (
  id INTEGER PRIMARY KEY, experiment INTEGER NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL,
  source_type TEXT NOT NULL, source TEXT NOT NULL, schema TEXT, profile TEXT, UNIQUE (experiment, name, digest));
CREATE TABLE run_datasets (
  id INTEGER PRIMARY KEY, run INTEGER NOT NULL, dataset INTEGER NOT NULL, UNIQUE (run, dataset));
CREATE INDEX run_datasets_by_dataset ON run_datasets (dataset);
CREATE TABLE run_dataset_tags (
  input INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (input, key)) WITHOUT ROWID;
CREATE TABLE run_models (
  run INTEGER NOT NULL, role TEXT NOT NULL, model_id TEXT NOT NULL, step INTEGER NOT NULL,
  PRIMARY KEY (run, role, model_id)) WITHOUT ROWID;

CREATE TABLE logged_models (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, experiment INTEGER NOT NULL, name TEXT NOT NULL,
  artifact_uri TEXT NOT NULL, creation_time INTEGER NOT NULL, last_updated_time INTEGER NOT NULL,
  status TEXT NOT NULL, status_message TEXT, model_type TEXT NOT NULL, source_run_id TEXT NOT NULL,
  lifecycle INTEGER NOT NULL DEFAULT 0, deleted_time INTEGER);
CREATE INDEX logged_models_by_creation ON logged_models (experiment, lifecycle, creation_time DESC);
CREATE INDEX logged_models_by_run ON logged_models (source_run_id);
CREATE TABLE logged_model_params (
  model INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (model, key)) WITHOUT ROWID;
CREATE TABLE logged_model_tags (
  model INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (model, key)) WITHOUT ROWID;
CREATE TABLE logged_model_metrics (
  model INTEGER NOT NULL, key TEXT NOT NULL, run_id TEXT NOT NULL, timestamp INTEGER NOT NULL, step INTEGER NOT NULL,
  value REAL NOT NULL, is_nan INTEGER NOT NULL, dataset_name TEXT, dataset_digest TEXT);
CREATE UNIQUE INDEX logged_model_metrics_point ON logged_model_metrics (
  model, key, run_id, timestamp, step, value, is_nan, COALESCE(dataset_name, ''), COALESCE(dataset_digest, ''));

CREATE TABLE registered_models (
  name TEXT PRIMARY KEY, creation_time INTEGER NOT NULL, last_updated_time INTEGER NOT NULL,
  description TEXT NOT NULL, last_version INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE registered_model_tags (
  name TEXT NOT NULL REFERENCES registered_models ON UPDATE CASCADE ON DELETE CASCADE,
  key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name, key)) WITHOUT ROWID;
CREATE TABLE model_versions (
  name TEXT NOT NULL REFERENCES registered_models ON UPDATE CASCADE ON DELETE CASCADE,
  version INTEGER NOT NULL, creation_time INTEGER NOT NULL, last_updated_time INTEGER NOT NULL,
  user_id TEXT NOT NULL, stage TEXT NOT NULL, description TEXT NOT NULL, source TEXT NOT NULL, location TEXT NOT NULL,
  run_id TEXT NOT NULL, run_link TEXT NOT NULL, model_id TEXT, PRIMARY KEY (name, version)) WITHOUT ROWID;
CREATE INDEX model_versions_by_run ON model_versions (run_id);
CREATE TABLE model_version_tags (
  name TEXT NOT NULL, version INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (name, version, key),
  FOREIGN KEY (name, version) REFERENCES model_versions ON UPDATE CASCADE ON DELETE CASCADE) WITHOUT ROWID;
CREATE TABLE model_aliases (
  name TEXT NOT NULL, alias TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (name, alias),
  FOREIGN KEY (name, version) REFERENCES model_versions ON UPDATE CASCADE ON DELETE CASCADE) WITHOUT ROWID;
CREATE INDEX model_aliases_by_version ON model_aliases (name, version);
CREATE TABLE promotions (
  n INTEGER PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL, kind TEXT NOT NULL, "from" TEXT NOT NULL,
  "to" TEXT NOT NULL, "by" TEXT NOT NULL, "at" INTEGER NOT NULL, why TEXT NOT NULL);
CREATE INDEX promotions_by_model ON promotions (name, n);
`;

const runIndexes = `
CREATE INDEX runs_by_user ON runs (experiment, lifecycle, user_id, start_time DESC, id);
CREATE INDEX runs_by_id ON runs (experiment, lifecycle, id);
`;

/** Sizes and digests of uploaded files. */
const artifactSumSchema = `
CREATE TABLE artifact_sums (
  path TEXT PRIMARY KEY, size INTEGER NOT NULL, sha256 TEXT NOT NULL, etag TEXT NOT NULL) WITHOUT ROWID;
`;

export const migrations: readonly Migration[] = [
  { name: 'tracking', up: first },
  { name: 'traces', up: traceSchema },
  { name: 'run indexes', up: runIndexes },
  { name: 'webhooks', up: webhookSchema },
  { name: 'trace links', up: traceLinkSchema },
  { name: 'outbox', up: outboxSchema },
  { name: 'studies', up: studySchema },
  { name: 'alerts', up: alertSchema },
  { name: 'traffic', up: trafficSchema },
  { name: 'evaluation', up: evaluationSchema },
  { name: 'auth', up: authSchema },
  { name: 'artifact sums', up: artifactSumSchema },
];
