import * as fs from 'node:fs';

import { groupBy, MlopsError, openDatabase, type Database } from '../../base/index.ts';
import { optunaStates, type OptunaStudy, type OptunaTrial } from './optuna-study.ts';

const stateNames = ['RUNNING', 'COMPLETE', 'PRUNED', 'FAIL', 'WAITING'];
const directionNames = ['NOT_SET', 'MINIMIZE', 'MAXIMIZE'];

/**
 * The studies of an SQLite file of Optuna's (schema 12, since Optuna 3).
 * @throws MlopsError `invalid_value` for another file.
 */
export function readDatabase(file: string): readonly OptunaStudy[] {
  const db = openDatabase(file, { migrations: [], readonly: true, keepJournal: true, anyVersion: true });
  try {
    const tables = new Set(db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all() as string[]);
    if (!tables.has('study_directions') || !tables.has('trial_values')) {
      throw new MlopsError('invalid_value', `'${file}' is no database of Optuna's, or of one before version 3`, {
        hint: 'optuna storage upgrade --storage sqlite:///FILE brings an old one up to date',
      });
    }
    const studies = all<{ study_id: number; study_name: string }>(db, 'SELECT * FROM studies ORDER BY study_id');
    return studies.map(({ study_id: id, study_name: name }) => ({
      name,
      directions: all<{ direction: string }>(
        db,
        'SELECT direction FROM study_directions WHERE study_id = ? ORDER BY objective',
        id,
      ).map(({ direction }) => directionNames.indexOf(direction)),
      trials: readTrials(db, id),
    }));
  } finally {
    db.close();
  }
}

function all<Row>(db: Database, sql: string, ...values: readonly unknown[]): Row[] {
  return db.prepare(sql).all(...values) as Row[];
}

function readTrials(db: Database, study: number): OptunaTrial[] {
  const of = <Row extends { readonly trial_id: number }>(table: string, order: string): Map<number, Row[]> => {
    const rows = all<Row>(
      db,
      `SELECT t.* FROM ${table} t JOIN trials USING (trial_id) WHERE study_id = ? ORDER BY t.${order}`,
      study,
    );
    return groupBy(rows, (row) => row.trial_id);
  };
  type Attribute = { trial_id: number; key: string; value_json: string };
  const params = of<{ trial_id: number; param_name: string; param_value: number; distribution_json: string }>(
    'trial_params',
    'param_id',
  );
  const values = of<{ trial_id: number; value: number | null; value_type: string }>('trial_values', 'objective');
  const steps = of<{
    trial_id: number;
    step: number;
    intermediate_value: number | null;
    intermediate_value_type: string;
  }>('trial_intermediate_values', 'step');
  const user = of<Attribute>('trial_user_attributes', 'trial_user_attribute_id');
  const system = of<Attribute>('trial_system_attributes', 'trial_system_attribute_id');
  const record = (rows: readonly Attribute[] = []): Record<string, unknown> =>
    Object.fromEntries(rows.map(({ key, value_json: json }) => [key, JSON.parse(json) as unknown]));
  const trials = all<{
    trial_id: number;
    number: number;
    state: string;
    datetime_start: string | null;
    datetime_complete: string | null;
  }>(db, 'SELECT * FROM trials WHERE study_id = ? ORDER BY number', study);
  return trials.map(({ trial_id: id, number, state, datetime_start: start, datetime_complete: end }) => ({
    number,
    state: stateNames.indexOf(state),
    params: new Map(
      (params.get(id) ?? []).map((row) => [
        row.param_name,
        { value: row.param_value, distribution: row.distribution_json },
      ]),
    ),
    values: (values.get(id) ?? []).map((row) => readReal(row.value, row.value_type)),
    intermediate: new Map(
      (steps.get(id) ?? []).map((row) => [row.step, readReal(row.intermediate_value, row.intermediate_value_type)]),
    ),
    userAttributes: record(user.get(id)),
    systemAttributes: record(system.get(id)),
    startedAt: readTime(start),
    endedAt: readTime(end),
  }));
}

function readReal(value: number | null, type: string): number {
  if (type === 'INF_POS') return Infinity;
  if (type === 'INF_NEG') return -Infinity;
  return value ?? Number.NaN;
}

function writeReal(value: number): readonly [number | null, string] {
  if (Number.isNaN(value)) return [null, 'NAN'];
  if (value === Infinity) return [null, 'INF_POS'];
  return value === -Infinity ? [null, 'INF_NEG'] : [value, 'FINITE'];
}

/** SQLAlchemy's text of a local time. */
function readTime(text: string | null): number | undefined {
  const time = text === null ? Number.NaN : Date.parse(text.replace(' ', 'T'));
  return Number.isNaN(time) ? undefined : time;
}

function writeTime(time: number | undefined): string | null {
  if (time === undefined) return null;
  const local = new Date(time - new Date(time).getTimezoneOffset() * 60_000);
  return local.toISOString().replace('T', ' ').replace('Z', '000');
}

/** Makes an SQLite file with one study, as Optuna 3 to 5 make it. @throws MlopsError `resource_exists`. */
export function writeDatabase(file: string, study: OptunaStudy): void {
  if (fs.existsSync(file))
    throw new MlopsError('resource_exists', `'${file}' is there already`, { hint: 'name another file' });
  const db = openDatabase(file, { migrations: [], keepJournal: true, anyVersion: true });
  try {
    db.exec(schema);
    db.transaction(() => insertStudy(db, study))();
  } finally {
    db.close();
  }
}

function insertStudy(db: Database, study: OptunaStudy): void {
  db.prepare('INSERT INTO studies VALUES (1, ?)').run(study.name);
  const direction = db.prepare('INSERT INTO study_directions (direction, study_id, objective) VALUES (?, 1, ?)');
  for (const [i, each] of study.directions.entries()) direction.run(directionNames[each], i);
  const trial = db.prepare('INSERT INTO trials VALUES (?, ?, 1, ?, ?, ?)');
  const param = db.prepare(
    'INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)',
  );
  const value = db.prepare('INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, ?, ?, ?)');
  const step = db.prepare(
    'INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type) VALUES (?, ?, ?, ?)',
  );
  const attribute = (kind: 'user' | 'system') =>
    db.prepare(`INSERT INTO trial_${kind}_attributes (trial_id, key, value_json) VALUES (?, ?, ?)`);
  const [user, system] = [attribute('user'), attribute('system')];
  for (const each of study.trials) {
    const id = each.number + 1;
    trial.run(
      id,
      each.number,
      stateNames[each.state] ?? stateNames[optunaStates.FAILED],
      writeTime(each.startedAt),
      writeTime(each.endedAt),
    );
    for (const [name, { value: number, distribution }] of each.params) param.run(id, name, number, distribution);
    for (const [i, number] of each.values.entries()) value.run(id, i, ...writeReal(number));
    for (const [at, number] of each.intermediate) step.run(id, at, ...writeReal(number));
    for (const [key, item] of Object.entries(each.userAttributes)) user.run(id, key, JSON.stringify(item));
    for (const [key, item] of Object.entries(each.systemAttributes)) system.run(id, key, JSON.stringify(item));
  }
}

/** What `optuna create-study --storage sqlite:///FILE` of Optuna 5.0.0 makes. */
const schema = `
CREATE TABLE studies (study_id INTEGER NOT NULL, study_name VARCHAR(512) NOT NULL, PRIMARY KEY (study_id));
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE TABLE version_info (version_info_id INTEGER NOT NULL, schema_version INTEGER, library_version VARCHAR(256),
  PRIMARY KEY (version_info_id), CHECK (version_info_id=1));
CREATE TABLE study_directions (study_direction_id INTEGER NOT NULL, direction VARCHAR(8) NOT NULL,
  study_id INTEGER NOT NULL, objective INTEGER NOT NULL, PRIMARY KEY (study_direction_id), UNIQUE (study_id, objective),
  FOREIGN KEY(study_id) REFERENCES studies (study_id));
CREATE TABLE study_user_attributes (study_user_attribute_id INTEGER NOT NULL, study_id INTEGER, "key" VARCHAR(512),
  value_json TEXT, PRIMARY KEY (study_user_attribute_id), UNIQUE (study_id, "key"),
  FOREIGN KEY(study_id) REFERENCES studies (study_id));
CREATE TABLE study_system_attributes (study_system_attribute_id INTEGER NOT NULL, study_id INTEGER, "key" VARCHAR(512),
  value_json TEXT, PRIMARY KEY (study_system_attribute_id), UNIQUE (study_id, "key"),
  FOREIGN KEY(study_id) REFERENCES studies (study_id));
CREATE TABLE trials (trial_id INTEGER NOT NULL, number INTEGER, study_id INTEGER, state VARCHAR(8) NOT NULL,
  datetime_start DATETIME, datetime_complete DATETIME, PRIMARY KEY (trial_id),
  FOREIGN KEY(study_id) REFERENCES studies (study_id));
CREATE INDEX ix_trials_study_id ON trials (study_id);
CREATE TABLE trial_user_attributes (trial_user_attribute_id INTEGER NOT NULL, trial_id INTEGER, "key" VARCHAR(512),
  value_json TEXT, PRIMARY KEY (trial_user_attribute_id), UNIQUE (trial_id, "key"),
  FOREIGN KEY(trial_id) REFERENCES trials (trial_id));
CREATE TABLE trial_system_attributes (trial_system_attribute_id INTEGER NOT NULL, trial_id INTEGER, "key" VARCHAR(512),
  value_json TEXT, PRIMARY KEY (trial_system_attribute_id), UNIQUE (trial_id, "key"),
  FOREIGN KEY(trial_id) REFERENCES trials (trial_id));
CREATE TABLE trial_params (param_id INTEGER NOT NULL, trial_id INTEGER, param_name VARCHAR(512), param_value FLOAT,
  distribution_json TEXT, PRIMARY KEY (param_id), UNIQUE (trial_id, param_name),
  FOREIGN KEY(trial_id) REFERENCES trials (trial_id));
CREATE TABLE trial_values (trial_value_id INTEGER NOT NULL, trial_id INTEGER NOT NULL, objective INTEGER NOT NULL,
  value FLOAT, value_type VARCHAR(7) NOT NULL, PRIMARY KEY (trial_value_id), UNIQUE (trial_id, objective),
  FOREIGN KEY(trial_id) REFERENCES trials (trial_id));
CREATE TABLE trial_intermediate_values (trial_intermediate_value_id INTEGER NOT NULL, trial_id INTEGER NOT NULL,
  step INTEGER NOT NULL, intermediate_value FLOAT, intermediate_value_type VARCHAR(7) NOT NULL,
  PRIMARY KEY (trial_intermediate_value_id), UNIQUE (trial_id, step), FOREIGN KEY(trial_id) REFERENCES trials (trial_id));
CREATE TABLE trial_heartbeats (trial_heartbeat_id INTEGER NOT NULL, trial_id INTEGER NOT NULL,
  heartbeat DATETIME NOT NULL, PRIMARY KEY (trial_heartbeat_id), UNIQUE (trial_id),
  FOREIGN KEY(trial_id) REFERENCES trials (trial_id));
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
INSERT INTO version_info VALUES (1, 12, '5.0.0');
INSERT INTO alembic_version VALUES ('v3.2.0.a');
`;
