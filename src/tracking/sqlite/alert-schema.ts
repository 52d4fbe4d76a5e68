/** The eighth migration: what `monitor watch` knows from one look to the next. */
export const alertSchema = `
CREATE TABLE alerts (
  id TEXT PRIMARY KEY, project TEXT NOT NULL, state TEXT NOT NULL, updated_time INTEGER NOT NULL, body TEXT NOT NULL)
  WITHOUT ROWID;
CREATE INDEX alerts_by_project ON alerts (project, updated_time);
CREATE TABLE silences (
  id TEXT PRIMARY KEY, project TEXT NOT NULL, until INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX silences_by_project ON silences (project, until);
`;
