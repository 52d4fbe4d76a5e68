/** The ninth migration: rules that divide the requests for a model, and what was counted under them. */
export const trafficSchema = `
CREATE TABLE traffic (
  n INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL, kind TEXT NOT NULL, "at" INTEGER NOT NULL,
  "by" TEXT NOT NULL, why TEXT NOT NULL, body TEXT);
CREATE INDEX traffic_by_model ON traffic (model, n);
CREATE TABLE traffic_counts (
  rule INTEGER NOT NULL, holder TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (rule, holder)) WITHOUT ROWID;
`;
