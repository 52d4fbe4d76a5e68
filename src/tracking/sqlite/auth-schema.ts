/** Users, roles with what they are granted, tokens, and the log of what was done. */
export const authSchema = `
CREATE TABLE auth_users (
  id INTEGER PRIMARY KEY AUTOINCREMENT, username TEXT NOT NULL UNIQUE, password_hash TEXT NOT NULL,
  is_admin INTEGER NOT NULL, kind TEXT NOT NULL, failures INTEGER NOT NULL DEFAULT 0,
  locked_until INTEGER NOT NULL DEFAULT 0);
CREATE TABLE auth_roles (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, workspace TEXT NOT NULL, description TEXT,
  UNIQUE (workspace, name));
CREATE TABLE auth_grants (
  id INTEGER PRIMARY KEY AUTOINCREMENT, role_id INTEGER NOT NULL REFERENCES auth_roles ON DELETE CASCADE,
  resource_type TEXT NOT NULL, resource_pattern TEXT NOT NULL, permission TEXT NOT NULL,
  UNIQUE (role_id, resource_type, resource_pattern));
CREATE INDEX auth_grants_by_resource ON auth_grants (resource_type, resource_pattern);
CREATE TABLE auth_members (
  id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL REFERENCES auth_users ON DELETE CASCADE,
  role_id INTEGER NOT NULL REFERENCES auth_roles ON DELETE CASCADE, UNIQUE (user_id, role_id));
CREATE INDEX auth_members_by_role ON auth_members (role_id);
CREATE TABLE auth_tokens (
  id TEXT PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES auth_users ON DELETE CASCADE, name TEXT NOT NULL,
  kind TEXT NOT NULL, hash TEXT NOT NULL, scopes TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL,
  last_used INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX auth_tokens_by_user ON auth_tokens (user_id);
CREATE TABLE auth_revision (n INTEGER NOT NULL);
INSERT INTO auth_revision (n) VALUES (0);
CREATE TABLE audit (
  n INTEGER PRIMARY KEY AUTOINCREMENT, "at" INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
  target TEXT NOT NULL, "from" TEXT NOT NULL, result TEXT NOT NULL);
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
`;
