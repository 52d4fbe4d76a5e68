import { among, raw, sql } from './sql.ts';
import { all, allApart, runApart, type Work } from './work.ts';

interface Row {
  readonly id: number;
  readonly name: string;
}

/** Names of metrics, params and tags as small numbers. They are never removed, so what was seen stays true. */
export class Keys {
  readonly #numbers = new Map<string, number>();
  readonly #names = new Map<number, string>();

  /** A name that was made by a request that failed may not exist. */
  forget(): void {
    this.#numbers.clear();
    this.#names.clear();
  }

  /** Makes the names that are new; at the beginning of a write, because they stay when it is undone. */
  *make(names: Iterable<string>): Work<void> {
    const unseen = this.#unknown(names);
    if (unseen.length === 0) return;
    this.#remember(yield* allApart<Row>(sql`SELECT id, name FROM keys WHERE ${among(raw('name'), unseen)}`));
    const missing = this.#unknown(names);
    if (missing.length === 0) return;
    // In one order for all, so that two that make the same names do not wait for each other.
    for (const name of missing.toSorted()) {
      yield* runApart(sql`INSERT INTO keys (name) VALUES (${name}) ON CONFLICT (name) DO NOTHING`);
    }
    this.#remember(yield* allApart<Row>(sql`SELECT id, name FROM keys WHERE ${among(raw('name'), missing)}`));
  }

  /** Learns the numbers of those names that exist. */
  *find(names: Iterable<string>): Work<void> {
    const missing = this.#unknown(names);
    if (missing.length === 0) return;
    this.#remember(yield* all<Row>(sql`SELECT id, name FROM keys WHERE ${among(raw('name'), missing)}`));
  }

  /** Learns the names of numbers. */
  *load(numbers: Iterable<number>): Work<void> {
    const missing = [...new Set(numbers)].filter((number) => !this.#names.has(number));
    if (missing.length === 0) return;
    this.#remember(yield* all<Row>(sql`SELECT id, name FROM keys WHERE ${among(raw('id'), missing)}`));
  }

  /** The number of a name that was made or found; -1, which none has, when it does not exist. */
  number(name: string): number {
    return this.#numbers.get(name) ?? -1;
  }

  /** The name of a number that was loaded. */
  name(number: number): string {
    const name = this.#names.get(number);
    if (name === undefined) throw new Error(`key ${number} is not in the table of keys`);
    return name;
  }

  #unknown(names: Iterable<string>): string[] {
    const missing = new Set<string>();
    for (const name of names) if (!this.#numbers.has(name)) missing.add(name);
    return [...missing];
  }

  #remember(rows: readonly Row[]): void {
    for (const { id, name } of rows) {
      this.#numbers.set(name, id);
      this.#names.set(id, name);
    }
  }
}
