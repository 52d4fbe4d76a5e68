/** Studies of hyper-parameters and their trials; `tune` knows what is in `spec` and `body`, both JSON. */
export const studySchema = `
CREATE TABLE studies (
  n INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, spec TEXT NOT NULL, state TEXT NOT NULL,
  reason TEXT NOT NULL, owner TEXT NOT NULL, beat INTEGER NOT NULL, run_id TEXT NOT NULL, creation_time INTEGER NOT NULL);
CREATE TABLE trials (
  study INTEGER NOT NULL REFERENCES studies ON DELETE CASCADE, number INTEGER NOT NULL, state TEXT NOT NULL, loss REAL,
  start_time INTEGER NOT NULL, end_time INTEGER, body TEXT NOT NULL, PRIMARY KEY (study, number));
CREATE INDEX trials_by_loss ON trials (study, state, loss, number);
CREATE INDEX trials_by_start ON trials (study, start_time);
CREATE INDEX trials_by_end ON trials (study, end_time);
`;
