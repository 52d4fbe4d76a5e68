/** The fourth migration. Events are `entity.action`, one a line: there are few webhooks. */
export const webhookSchema = `
CREATE TABLE webhooks (
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, description TEXT, url TEXT NOT NULL,
  events TEXT NOT NULL, status TEXT NOT NULL, secret TEXT,
  creation_time INTEGER NOT NULL, last_updated_time INTEGER NOT NULL);
`;
