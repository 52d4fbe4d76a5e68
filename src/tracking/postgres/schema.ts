/** A numbered step of the schema; never edited after release. */
export interface Step {
  readonly name: string;
  readonly up: string;
  /**
   * The oldest schema version whose programs still work with the tables as this step leaves them: while replicas are
   * replaced one by one, old ones go on beside new ones. A step that only adds keeps the version before it.
   */
  readonly oldest: number;
}

/**
 * The tables are those of SQLite (`sqlite/schema.ts` says what is in them), in the words of PostgreSQL. Texts compare
 * by their bytes, as there. Indexed texts are cut to 64 characters, because an entry of an index has a largest size.
 */
const tracking = `
CREATE TABLE keys (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE);
CREATE SEQUENCE experiment_numbers;
CREATE TABLE experiments (
  n bigint PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE, name text COLLATE "C" NOT NULL UNIQUE,
  artifact_location text COLLATE "C" NOT NULL, lifecycle bigint NOT NULL DEFAULT 0,
  creation_time bigint NOT NULL, last_update_time bigint NOT NULL);
CREATE TABLE experiment_tags (
  experiment bigint NOT NULL, key text COLLATE "C" NOT NULL, value text COLLATE "C" NOT NULL,
  PRIMARY KEY (experiment, key));

CREATE TABLE runs (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE, experiment bigint NOT NULL,
  name text COLLATE "C" NOT NULL, user_id text COLLATE "C" NOT NULL, status text COLLATE "C" NOT NULL,
  start_time bigint NOT NULL, end_time bigint, lifecycle bigint NOT NULL DEFAULT 0, deleted_time bigint,
  artifact_uri text COLLATE "C" NOT NULL);
CREATE INDEX runs_by_start ON runs (experiment, lifecycle, start_time DESC, id);
CREATE INDEX runs_by_end ON runs (experiment, lifecycle, end_time);
CREATE INDEX runs_by_status ON runs (experiment, lifecycle, status, start_time DESC, id);
CREATE INDEX runs_by_name ON runs (experiment, lifecycle, substr(name, 1, 64));
CREATE INDEX runs_by_user ON runs (experiment, lifecycle, substr(user_id, 1, 64), start_time DESC, id);
CREATE INDEX runs_by_id ON runs (experiment, lifecycle, id);

CREATE TABLE metrics (
  run bigint NOT NULL, key bigint NOT NULL, timestamp bigint NOT NULL, step bigint NOT NULL,
  value double precision NOT NULL, is_nan bigint NOT NULL, PRIMARY KEY (run, key, timestamp, step, value, is_nan));
CREATE TABLE latest (
  run bigint NOT NULL, key bigint NOT NULL, experiment bigint NOT NULL, value double precision NOT NULL,
  is_nan bigint NOT NULL, step bigint NOT NULL, timestamp bigint NOT NULL, PRIMARY KEY (run, key)) WITH (fillfactor = 80);
CREATE INDEX latest_by_value ON latest (experiment, key, is_nan, value);
CREATE TABLE params (
  run bigint NOT NULL, key bigint NOT NULL, experiment bigint NOT NULL, value text COLLATE "C" NOT NULL,
  PRIMARY KEY (run, key));
CREATE INDEX params_by_value ON params (experiment, key, substr(value, 1, 64));
CREATE TABLE tags (
  run bigint NOT NULL, key bigint NOT NULL, experiment bigint NOT NULL, value text COLLATE "C" NOT NULL,
  PRIMARY KEY (run, key));
CREATE INDEX tags_by_value ON tags (experiment, key, substr(value, 1, 64));

CREATE TABLE datasets (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, experiment bigint NOT NULL, name text COLLATE "C" NOT NULL,
  digest text COLLATE "C" NOT NULL, source_type text COLLATE "C" NOT NULL, source text COLLATE "C" NOT NULL,
  schema text COLLATE "C", profile text COLLATE "C", UNIQUE (experiment, name, digest));
CREATE TABLE run_datasets (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, run bigint NOT NULL, dataset bigint NOT NULL, UNIQUE (run, dataset));
CREATE INDEX run_datasets_by_dataset ON run_datasets (dataset);
CREATE TABLE run_dataset_tags (
  input bigint NOT NULL, key text COLLATE "C" NOT NULL, value text COLLATE "C" NOT NULL, PRIMARY KEY (input, key));
CREATE TABLE run_models (
  run bigint NOT NULL, role text COLLATE "C" NOT NULL, model_id text COLLATE "C" NOT NULL, step bigint NOT NULL,
  PRIMARY KEY (run, role, model_id));

CREATE TABLE logged_models (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE, experiment bigint NOT NULL,
  name text COLLATE "C" NOT NULL, artifact_uri text COLLATE "C" NOT NULL, creation_time bigint NOT NULL,
  last_updated_time bigint NOT NULL, status text COLLATE "C" NOT NULL, status_message text COLLATE "C",
  model_type text COLLATE "C" NOT NULL, source_run_id text COLLATE "C" NOT NULL, lifecycle bigint NOT NULL DEFAULT 0,
  deleted_time bigint);
CREATE INDEX logged_models_by_creation ON logged_models (experiment, lifecycle, creation_time DESC, id);
CREATE INDEX logged_models_by_run ON logged_models (substr(source_run_id, 1, 64));
CREATE TABLE logged_model_params (
  model bigint NOT NULL, key text COLLATE "C" NOT NULL, value text COLLATE "C" NOT NULL, PRIMARY KEY (model, key));
CREATE TABLE logged_model_tags (
  model bigint NOT NULL, key text COLLATE "C" NOT NULL, value text COLLATE "C" NOT NULL, PRIMARY KEY (model, key));
CREATE TABLE logged_model_metrics (
  model bigint NOT NULL, key text COLLATE "C" NOT NULL, run_id text COLLATE "C" NOT NULL, timestamp bigint NOT NULL,
  step bigint NOT NULL, value double precision NOT NULL, is_nan bigint NOT NULL, dataset_name text COLLATE "C",
  dataset_digest text COLLATE "C");
CREATE UNIQUE INDEX logged_model_metrics_point ON logged_model_metrics (
  model, key, run_id, timestamp, step, value, is_nan, COALESCE(dataset_name, ''), COALESCE(dataset_digest, ''));

CREATE TABLE registered_models (
  name text COLLATE "C" PRIMARY KEY, creation_time bigint NOT NULL, last_updated_time bigint NOT NULL,
  description text COLLATE "C" NOT NULL, last_version bigint NOT NULL DEFAULT 0);
CREATE TABLE registered_model_tags (
  name text COLLATE "C" NOT NULL REFERENCES registered_models ON UPDATE CASCADE ON DELETE CASCADE,
  key text COLLATE "C" NOT NULL, value text COLLATE "C" NOT NULL, PRIMARY KEY (name, key));
CREATE TABLE model_versions (
  name text COLLATE "C" NOT NULL REFERENCES registered_models ON UPDATE CASCADE ON DELETE CASCADE,
  version bigint NOT NULL, creation_time bigint NOT NULL, last_updated_time bigint NOT NULL,
  user_id text COLLATE "C" NOT NULL, stage text COLLATE "C" NOT NULL, description text COLLATE "C" NOT NULL,
  source text COLLATE "C" NOT NULL, location text COLLATE "C" NOT NULL, run_id text COLLATE "C" NOT NULL,
  run_link text COLLATE "C" NOT NULL, model_id text COLLATE "C", PRIMARY KEY (name, version));
CREATE INDEX model_versions_by_run ON model_versions (substr(run_id, 1, 64));
CREATE TABLE model_version_tags (
  name text COLLATE "C" NOT NULL, version bigint NOT NULL, key text COLLATE "C" NOT NULL, value text COLLATE "C" NOT NULL,
  PRIMARY KEY (name, version, key),
  FOREIGN KEY (name, version) REFERENCES model_versions ON UPDATE CASCADE ON DELETE CASCADE);
CREATE TABLE model_aliases (
  name text COLLATE "C" NOT NULL, alias text COLLATE "C" NOT NULL, version bigint NOT NULL, PRIMARY KEY (name, alias),
  FOREIGN KEY (name, version) REFERENCES model_versions ON UPDATE CASCADE ON DELETE CASCADE);
CREATE INDEX model_aliases_by_version ON model_aliases (name, version);
CREATE TABLE promotions (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL, version bigint NOT NULL,
  kind text COLLATE "C" NOT NULL, "from" text COLLATE "C" NOT NULL, "to" text COLLATE "C" NOT NULL,
  "by" text COLLATE "C" NOT NULL, "at" bigint NOT NULL, why text COLLATE "C" NOT NULL);
CREATE INDEX promotions_by_model ON promotions (name, n);

CREATE TABLE traces (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE,
  experiment bigint NOT NULL REFERENCES experiments ON DELETE CASCADE, request_time bigint NOT NULL, duration bigint,
  state text COLLATE "C" NOT NULL, client_request_id text COLLATE "C", request_preview text COLLATE "C",
  response_preview text COLLATE "C");
CREATE INDEX traces_by_time ON traces (experiment, request_time DESC, n DESC);
CREATE TABLE trace_tags (
  trace bigint NOT NULL REFERENCES traces ON DELETE CASCADE, key text COLLATE "C" NOT NULL,
  value text COLLATE "C" NOT NULL, PRIMARY KEY (trace, key));
CREATE TABLE trace_metadata (
  trace bigint NOT NULL REFERENCES traces ON DELETE CASCADE, key text COLLATE "C" NOT NULL,
  value text COLLATE "C" NOT NULL, PRIMARY KEY (trace, key));
CREATE TABLE trace_assessments (
  rowid bigint GENERATED ALWAYS AS IDENTITY, trace bigint NOT NULL REFERENCES traces ON DELETE CASCADE,
  id text COLLATE "C" NOT NULL, body text COLLATE "C" NOT NULL, PRIMARY KEY (trace, id));
CREATE TABLE trace_spans (
  rowid bigint GENERATED ALWAYS AS IDENTITY, trace bigint NOT NULL REFERENCES traces ON DELETE CASCADE,
  id text COLLATE "C" NOT NULL, start bigint NOT NULL, body text COLLATE "C" NOT NULL, PRIMARY KEY (trace, id));
CREATE TABLE trace_links (
  trace text COLLATE "C" NOT NULL, run text COLLATE "C" NOT NULL, PRIMARY KEY (trace, run));
CREATE INDEX trace_links_by_run ON trace_links (run);

CREATE TABLE webhooks (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE,
  name text COLLATE "C" NOT NULL, description text COLLATE "C", url text COLLATE "C" NOT NULL,
  events text COLLATE "C" NOT NULL, status text COLLATE "C" NOT NULL, secret text COLLATE "C",
  creation_time bigint NOT NULL, last_updated_time bigint NOT NULL);

-- A text that is no JSON has no items.
CREATE FUNCTION json_list(given text) RETURNS json LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF json_typeof(given::json) = 'array' THEN RETURN given::json; END IF;
  RETURN '[]'::json;
EXCEPTION WHEN others THEN RETURN '[]'::json;
END $$;
`;

/** What waits to be delivered, and who does the work that one process does for all. */
const outbox = `
CREATE TABLE outbox (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE, kind text COLLATE "C" NOT NULL,
  target text COLLATE "C" NOT NULL, body text COLLATE "C" NOT NULL, created_time bigint NOT NULL, due bigint NOT NULL,
  holder text COLLATE "C" NOT NULL DEFAULT '', attempts bigint NOT NULL DEFAULT 0);
CREATE INDEX outbox_by_due ON outbox (due, n);
CREATE TABLE duties (name text COLLATE "C" PRIMARY KEY, holder text COLLATE "C" NOT NULL, until bigint NOT NULL);
`;

/** Studies of hyper-parameters and their trials. */
const studies = `
CREATE TABLE studies (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE,
  spec text COLLATE "C" NOT NULL, state text COLLATE "C" NOT NULL, reason text COLLATE "C" NOT NULL,
  owner text COLLATE "C" NOT NULL, beat bigint NOT NULL, run_id text COLLATE "C" NOT NULL,
  creation_time bigint NOT NULL);
CREATE TABLE trials (
  study bigint NOT NULL REFERENCES studies ON DELETE CASCADE, number bigint NOT NULL, state text COLLATE "C" NOT NULL,
  loss double precision, start_time bigint NOT NULL, end_time bigint, body text COLLATE "C" NOT NULL,
  PRIMARY KEY (study, number));
CREATE INDEX trials_by_loss ON trials (study, state, loss, number);
CREATE INDEX trials_by_start ON trials (study, start_time);
CREATE INDEX trials_by_end ON trials (study, end_time);
`;

/** What `monitor watch` knows from one look to the next. */
const alerts = `
CREATE TABLE alerts (
  id text COLLATE "C" PRIMARY KEY, project text COLLATE "C" NOT NULL, state text COLLATE "C" NOT NULL,
  updated_time bigint NOT NULL, body text COLLATE "C" NOT NULL);
CREATE INDEX alerts_by_project ON alerts (project, updated_time);
CREATE TABLE silences (
  id text COLLATE "C" PRIMARY KEY, project text COLLATE "C" NOT NULL, until bigint NOT NULL,
  body text COLLATE "C" NOT NULL);
CREATE INDEX silences_by_project ON silences (project, until);
`;

/** Rules that divide the requests for a model, and what was counted under them. */
const traffic = `
CREATE TABLE traffic (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, model text COLLATE "C" NOT NULL, kind text COLLATE "C" NOT NULL,
  "at" bigint NOT NULL, "by" text COLLATE "C" NOT NULL, why text COLLATE "C" NOT NULL, body text COLLATE "C");
CREATE INDEX traffic_by_model ON traffic (model, n);
CREATE TABLE traffic_counts (
  rule bigint NOT NULL, holder text COLLATE "C" NOT NULL, body text COLLATE "C" NOT NULL, PRIMARY KEY (rule, holder));
`;

/** Evaluation datasets, scorers, issues, label schemas, review queues. */
const evaluation = `
CREATE TABLE evaluation_datasets (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE,
  name text COLLATE "C" NOT NULL, digest text COLLATE "C" NOT NULL, schema text COLLATE "C",
  profile text COLLATE "C", created_time bigint NOT NULL, last_update_time bigint NOT NULL,
  created_by text COLLATE "C", last_updated_by text COLLATE "C");
CREATE TABLE evaluation_dataset_tags (
  dataset bigint NOT NULL REFERENCES evaluation_datasets ON DELETE CASCADE, key text COLLATE "C" NOT NULL,
  value text COLLATE "C" NOT NULL, PRIMARY KEY (dataset, key));
CREATE TABLE evaluation_dataset_experiments (
  dataset bigint NOT NULL REFERENCES evaluation_datasets ON DELETE CASCADE, experiment text COLLATE "C" NOT NULL,
  PRIMARY KEY (dataset, experiment));
CREATE INDEX evaluation_datasets_by_experiment ON evaluation_dataset_experiments (experiment);
CREATE TABLE evaluation_records (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE,
  dataset bigint NOT NULL REFERENCES evaluation_datasets ON DELETE CASCADE, inputs_hash text COLLATE "C" NOT NULL,
  body text COLLATE "C" NOT NULL, UNIQUE (dataset, inputs_hash));
CREATE INDEX evaluation_records_by_dataset ON evaluation_records (dataset, n);

CREATE TABLE scorers (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE,
  experiment bigint NOT NULL REFERENCES experiments ON DELETE CASCADE, name text COLLATE "C" NOT NULL,
  online_id text COLLATE "C", sample_rate double precision, filter text COLLATE "C", UNIQUE (experiment, name));
CREATE TABLE scorer_versions (
  scorer bigint NOT NULL REFERENCES scorers ON DELETE CASCADE, version bigint NOT NULL,
  body text COLLATE "C" NOT NULL, creation_time bigint NOT NULL, PRIMARY KEY (scorer, version));

CREATE TABLE issues (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE,
  experiment bigint NOT NULL REFERENCES experiments ON DELETE CASCADE, name text COLLATE "C" NOT NULL,
  description text COLLATE "C" NOT NULL, status text COLLATE "C" NOT NULL, severity text COLLATE "C",
  severity_rank bigint NOT NULL, root_causes text COLLATE "C" NOT NULL, categories text COLLATE "C" NOT NULL,
  source_run_id text COLLATE "C", created_by text COLLATE "C", created_time bigint NOT NULL,
  last_updated_time bigint NOT NULL);
CREATE INDEX issues_by_rank ON issues (experiment, severity_rank DESC, n DESC);

CREATE TABLE label_schemas (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE,
  experiment bigint NOT NULL REFERENCES experiments ON DELETE CASCADE, name text COLLATE "C" NOT NULL,
  body text COLLATE "C" NOT NULL, UNIQUE (experiment, name));
CREATE TABLE review_queues (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE,
  experiment bigint NOT NULL REFERENCES experiments ON DELETE CASCADE, name_key text COLLATE "C" NOT NULL,
  body text COLLATE "C" NOT NULL, UNIQUE (experiment, name_key));
CREATE TABLE review_queue_items (
  queue bigint NOT NULL REFERENCES review_queues ON DELETE CASCADE, item text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL, completed_by text COLLATE "C", completed_time bigint,
  created_time bigint NOT NULL, last_updated_time bigint NOT NULL, PRIMARY KEY (queue, item));
CREATE INDEX review_queues_by_item ON review_queue_items (item);
`;

/** Users, roles with what they are granted, tokens, and the log of what was done. */
const auth = `
CREATE TABLE auth_users (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, username text COLLATE "C" NOT NULL UNIQUE,
  password_hash text COLLATE "C" NOT NULL, is_admin bigint NOT NULL, kind text COLLATE "C" NOT NULL,
  failures bigint NOT NULL DEFAULT 0, locked_until bigint NOT NULL DEFAULT 0);
CREATE TABLE auth_roles (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL,
  workspace text COLLATE "C" NOT NULL, description text COLLATE "C", UNIQUE (workspace, name));
CREATE TABLE auth_grants (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, role_id bigint NOT NULL REFERENCES auth_roles ON DELETE CASCADE,
  resource_type text COLLATE "C" NOT NULL, resource_pattern text COLLATE "C" NOT NULL,
  permission text COLLATE "C" NOT NULL, UNIQUE (role_id, resource_type, resource_pattern));
CREATE INDEX auth_grants_by_resource ON auth_grants (resource_type, resource_pattern);
CREATE TABLE auth_members (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id bigint NOT NULL REFERENCES auth_users ON DELETE CASCADE,
  role_id bigint NOT NULL REFERENCES auth_roles ON DELETE CASCADE, UNIQUE (user_id, role_id));
CREATE INDEX auth_members_by_role ON auth_members (role_id);
CREATE TABLE auth_tokens (
  id text COLLATE "C" PRIMARY KEY, user_id bigint NOT NULL REFERENCES auth_users ON DELETE CASCADE,
  name text COLLATE "C" NOT NULL, kind text COLLATE "C" NOT NULL, hash text COLLATE "C" NOT NULL,
  scopes text COLLATE "C" NOT NULL, created bigint NOT NULL, expires bigint NOT NULL, last_used bigint NOT NULL);
CREATE INDEX auth_tokens_by_user ON auth_tokens (user_id);
CREATE TABLE auth_revision (n bigint NOT NULL);
INSERT INTO auth_revision (n) VALUES (0);
CREATE TABLE audit (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "at" bigint NOT NULL, who text COLLATE "C" NOT NULL,
  what text COLLATE "C" NOT NULL, target text COLLATE "C" NOT NULL, "from" text COLLATE "C" NOT NULL,
  result text COLLATE "C" NOT NULL);
CREATE FUNCTION audit_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the audit log is only added to'; END $$;
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_only_added();
`;

/** Sizes and digests of uploaded files. */
const artifactSums = `
CREATE TABLE artifact_sums (
  path text COLLATE "C" PRIMARY KEY, size bigint NOT NULL, sha256 text COLLATE "C" NOT NULL,
  etag text COLLATE "C" NOT NULL);
`;

export const steps: readonly Step[] = [
  { name: 'tracking', up: tracking, oldest: 1 },
  { name: 'outbox', up: outbox, oldest: 1 },
  { name: 'studies', up: studies, oldest: 1 },
  { name: 'alerts', up: alerts, oldest: 1 },
  { name: 'traffic', up: traffic, oldest: 1 },
  { name: 'evaluation', up: evaluation, oldest: 1 },
  { name: 'auth', up: auth, oldest: 1 },
  { name: 'artifact sums', up: artifactSums, oldest: 1 },
];
