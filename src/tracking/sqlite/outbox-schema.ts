/** The sixth migration: what waits to be delivered, and who does the work that one process does for all. */
export const outboxSchema = `
CREATE TABLE outbox (
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, target TEXT NOT NULL,
  body TEXT NOT NULL, created_time INTEGER NOT NULL, due INTEGER NOT NULL, holder TEXT NOT NULL DEFAULT '',
  attempts INTEGER NOT NULL DEFAULT 0);
CREATE INDEX outbox_by_due ON outbox (due, n);
CREATE TABLE duties (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
`;
