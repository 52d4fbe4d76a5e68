/**
 * SQL as values: a tagged template whose `${}` are bound, never pasted, unless they are pieces of SQL themselves.
 * A query is written once; `compile` gives its text for SQLite or PostgreSQL. Where the two differ, `either` says so
 * on the spot.
 */
export type Dialect = 'sqlite' | 'postgres';

export class Sql {
  readonly strings: readonly string[];
  readonly parts: readonly unknown[];

  constructor(strings: readonly string[], parts: readonly unknown[]) {
    this.strings = strings;
    this.parts = parts;
  }
}

class Either {
  readonly sqlite: Sql;
  readonly postgres: Sql;

  constructor(sqlite: Sql, postgres: Sql) {
    this.sqlite = sqlite;
    this.postgres = postgres;
  }
}

class Among {
  readonly expression: Sql;
  readonly values: readonly unknown[];
  readonly negated: boolean;

  constructor(expression: Sql, values: readonly unknown[], negated: boolean) {
    this.expression = expression;
    this.values = values;
    this.negated = negated;
  }
}

/** Values of `${}` are bound; pieces of SQL are put in. */
export function sql(strings: TemplateStringsArray, ...parts: readonly unknown[]): Sql {
  return new Sql(strings, parts);
}

/** Text of this program as SQL: a name of a table, an operator. Never anything that came from outside. */
export function raw(text: string): Sql {
  return new Sql([text], []);
}

export const nothing: Sql = raw('');

/** What SQLite and PostgreSQL say differently. */
export function either(sqlite: Sql, postgres: Sql): Sql {
  return new Sql(['', ''], [new Either(sqlite, postgres)]);
}

/** `expression` is one of `values`, however many they are: one text for all lengths. */
export function among(expression: Sql, values: readonly unknown[], negated = false): Sql {
  return new Sql(['', ''], [new Among(expression, values, negated)]);
}

export function join(pieces: readonly Sql[], separator: string): Sql {
  if (pieces.length === 0) return nothing;
  return new Sql(['', ...pieces.slice(1).map(() => separator), ''], pieces);
}

/** All of these hold; no conditions hold always. */
export function allOf(conditions: readonly Sql[]): Sql {
  return conditions.length === 0 ? raw('1 = 1') : join(conditions, ' AND ');
}

export interface Compiled {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Texts of templates without pieces, which are most. */
const texts: Readonly<Record<Dialect, WeakMap<readonly string[], string>>> = {
  sqlite: new WeakMap(),
  postgres: new WeakMap(),
};

const isPiece = (part: unknown): boolean => part instanceof Sql || part instanceof Either || part instanceof Among;

export function compile(query: Sql, dialect: Dialect): Compiled {
  const { strings, parts } = query;
  if (parts.some(isPiece)) {
    const out: Writer = { text: '', values: [], dialect };
    write(query, out);
    return { text: out.text, values: out.values };
  }
  let text = texts[dialect].get(strings);
  if (text === undefined) {
    text = strings.reduce((before, after, i) => before + placeholder(dialect, i) + after);
    texts[dialect].set(strings, text);
  }
  return { text, values: parts.map(bindable) };
}

interface Writer {
  text: string;
  readonly values: unknown[];
  readonly dialect: Dialect;
}

function write({ strings, parts }: Sql, out: Writer): void {
  for (const [i, string] of strings.entries()) {
    out.text += string;
    if (i >= parts.length) return;
    const part = parts[i];
    if (part instanceof Sql) write(part, out);
    else if (part instanceof Either) write(part[out.dialect], out);
    else if (part instanceof Among) writeAmong(part, out);
    else bind(part, out);
  }
}

function writeAmong({ expression, values, negated }: Among, out: Writer): void {
  write(expression, out);
  if (out.dialect === 'sqlite') {
    out.text += negated ? ' NOT IN (SELECT value FROM json_each(' : ' IN (SELECT value FROM json_each(';
    bind(JSON.stringify(values), out);
    out.text += '))';
  } else {
    out.text += negated ? ' <> ALL(' : ' = ANY(';
    bind(values, out);
    out.text += ')';
  }
}

function bind(value: unknown, out: Writer): void {
  out.text += placeholder(out.dialect, out.values.length + 1);
  out.values.push(bindable(value));
}

function placeholder(dialect: Dialect, number: number): string {
  return dialect === 'sqlite' ? '?' : `$${number}`;
}

function bindable(value: unknown): unknown {
  return value === undefined ? null : value;
}
