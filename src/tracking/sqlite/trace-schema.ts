/** The second migration. */
export const traceSchema = `
CREATE TABLE traces (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
  experiment INTEGER NOT NULL REFERENCES experiments ON DELETE CASCADE, request_time INTEGER NOT NULL,
  duration INTEGER, state TEXT NOT NULL, client_request_id TEXT, request_preview TEXT, response_preview TEXT);
CREATE INDEX traces_by_time ON traces (experiment, request_time DESC);
CREATE TABLE trace_tags (
  trace INTEGER NOT NULL REFERENCES traces ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (trace, key)) WITHOUT ROWID;
CREATE TABLE trace_metadata (
  trace INTEGER NOT NULL REFERENCES traces ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (trace, key)) WITHOUT ROWID;
CREATE TABLE trace_assessments (
  trace INTEGER NOT NULL REFERENCES traces ON DELETE CASCADE, id TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (trace, id));
CREATE TABLE trace_spans (
  trace INTEGER NOT NULL REFERENCES traces ON DELETE CASCADE, id TEXT NOT NULL, start INTEGER NOT NULL,
  body TEXT NOT NULL, PRIMARY KEY (trace, id));
`;

/** A trace may be part of several runs, and a client links one before it has arrived. */
export const traceLinkSchema = `
CREATE TABLE trace_links (trace TEXT NOT NULL, run TEXT NOT NULL, PRIMARY KEY (trace, run)) WITHOUT ROWID;
CREATE INDEX trace_links_by_run ON trace_links (run);
`;
