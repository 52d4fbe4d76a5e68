import type { Connection } from './connection.ts';

/** Names of metrics, params and tags as small numbers. They are never removed, so what was seen stays true. */
export interface Keys {
  /** The number of a name, made when it is new. Inside a write only. */
  number(name: string): number;
  /** The number of a name that may not exist. */
  find(name: string): number | undefined;
  name(number: number): string;
}

export function openKeys(connection: Connection): Keys {
  const numbers = new Map<string, number>();
  const names = new Map<number, string>();
  // A name that was made by a request that failed does not exist.
  connection.onRollback(() => {
    numbers.clear();
    names.clear();
  });
  const remember = (name: string, id: number): number => {
    numbers.set(name, id);
    names.set(id, name);
    return id;
  };
  const find = (name: string): number | undefined => {
    const known = numbers.get(name);
    if (known !== undefined) return known;
    const row = connection.sql<{ id: number }>('SELECT id FROM keys WHERE name = ?').get(name);
    return row === undefined ? undefined : remember(name, row.id);
  };
  return {
    find,
    number(name) {
      const known = find(name);
      if (known !== undefined) return known;
      return remember(name, Number(connection.sql('INSERT INTO keys (name) VALUES (?)').run(name).lastInsertRowid));
    },
    name(number) {
      const known = names.get(number);
      if (known !== undefined) return known;
      const row = connection.sql<{ name: string }>('SELECT name FROM keys WHERE id = ?').get(number);
      if (row === undefined) throw new Error(`key ${number} is not in the table of keys`);
      remember(row.name, number);
      return row.name;
    },
  };
}
