/** The tenth migration: evaluation datasets, scorers, issues, label schemas, review queues. */
export const evaluationSchema = `
CREATE TABLE evaluation_datasets (
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, digest TEXT NOT NULL, schema TEXT,
  profile TEXT, created_time INTEGER NOT NULL, last_update_time INTEGER NOT NULL, created_by TEXT, last_updated_by TEXT);
CREATE TABLE evaluation_dataset_tags (
  dataset INTEGER NOT NULL REFERENCES evaluation_datasets ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (dataset, key)) WITHOUT ROWID;
CREATE TABLE evaluation_dataset_experiments (
  dataset INTEGER NOT NULL REFERENCES evaluation_datasets ON DELETE CASCADE, experiment TEXT NOT NULL,
  PRIMARY KEY (dataset, experiment)) WITHOUT ROWID;
CREATE INDEX evaluation_datasets_by_experiment ON evaluation_dataset_experiments (experiment);
CREATE TABLE evaluation_records (
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  dataset INTEGER NOT NULL REFERENCES evaluation_datasets ON DELETE CASCADE, inputs_hash TEXT NOT NULL,
  body TEXT NOT NULL, UNIQUE (dataset, inputs_hash));
CREATE INDEX evaluation_records_by_dataset ON evaluation_records (dataset, n);

CREATE TABLE scorers (
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  experiment INTEGER NOT NULL REFERENCES experiments ON DELETE CASCADE, name TEXT NOT NULL, online_id TEXT,
  sample_rate REAL, filter TEXT, UNIQUE (experiment, name));
CREATE TABLE scorer_versions (
  scorer INTEGER NOT NULL REFERENCES scorers ON DELETE CASCADE, version INTEGER NOT NULL, body TEXT NOT NULL,
  creation_time INTEGER NOT NULL, PRIMARY KEY (scorer, version));

CREATE TABLE issues (
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  experiment INTEGER NOT NULL REFERENCES experiments ON DELETE CASCADE, name TEXT NOT NULL, description TEXT NOT NULL,
  status TEXT NOT NULL, severity TEXT, severity_rank INTEGER NOT NULL, root_causes TEXT NOT NULL,
  categories TEXT NOT NULL, source_run_id TEXT, created_by TEXT, created_time INTEGER NOT NULL,
  last_updated_time INTEGER NOT NULL);
CREATE INDEX issues_by_rank ON issues (experiment, severity_rank DESC, n DESC);

CREATE TABLE label_schemas (
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  experiment INTEGER NOT NULL REFERENCES experiments ON DELETE CASCADE, name TEXT NOT NULL, body TEXT NOT NULL,
  UNIQUE (experiment, name));
CREATE TABLE review_queues (
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  experiment INTEGER NOT NULL REFERENCES experiments ON DELETE CASCADE, name_key TEXT NOT NULL, body TEXT NOT NULL,
  UNIQUE (experiment, name_key));
CREATE TABLE review_queue_items (
  queue INTEGER NOT NULL REFERENCES review_queues ON DELETE CASCADE, item TEXT NOT NULL, status TEXT NOT NULL,
  completed_by TEXT, completed_time INTEGER, created_time INTEGER NOT NULL, last_updated_time INTEGER NOT NULL,
  PRIMARY KEY (queue, item)) WITHOUT ROWID;
CREATE INDEX review_queues_by_item ON review_queue_items (item);
`;
