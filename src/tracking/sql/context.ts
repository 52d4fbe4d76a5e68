import { Keys } from './keys.ts';
import { sql, type Dialect } from './sql.ts';
import { get, type Work } from './work.ts';

/** Runs work on one database. */
export interface Driver {
  readonly dialect: Dialect;
  /** Runs work that only reads, in one snapshot. */
  read<Value>(work: () => Work<Value>): Promise<Value>;
  /**
   * Runs work in a transaction; resolves when that is committed. It may be begun again from the start when it
   * collided with another.
   *
   * @param way `serial`: as if it ran alone, where the order of two matters: numbers of versions, stages. `once`: one
   *   statement that may be sent again, which is its own transaction.
   */
  write<Value>(work: () => Work<Value>, way?: 'serial' | 'once'): Promise<Value>;
  /** Told whenever written rows were taken back, for caches of them. */
  onRollback(listener: () => void): void;
}

/** What the halves of a store share. */
export class Context {
  readonly keys: Keys = new Keys();
  readonly artifactRoot: string;
  readonly #driver: Driver;
  readonly #experimentIds = new Map<number, string>();

  /** @param artifactRoot where experiments without a location of their own keep artifacts. */
  constructor(driver: Driver, artifactRoot: string) {
    this.#driver = driver;
    this.artifactRoot = artifactRoot;
    driver.onRollback(() => {
      this.keys.forget();
      this.#experimentIds.clear();
    });
  }

  get dialect(): Dialect {
    return this.#driver.dialect;
  }

  read<Value>(work: () => Work<Value>): Promise<Value> {
    return this.#driver.read(work);
  }

  write<Value>(work: () => Work<Value>): Promise<Value> {
    return this.#driver.write(work);
  }

  /** As if it ran alone. */
  writeAlone<Value>(work: () => Work<Value>): Promise<Value> {
    return this.#driver.write(work, 'serial');
  }

  /** One statement that may be sent again: what it adds is there once however often. */
  writeOnce<Value>(work: () => Work<Value>): Promise<Value> {
    return this.#driver.write(work, 'once');
  }

  /** The id by which the outside knows experiment `n`. Ids never change, so those that were read are kept. */
  *experimentId(n: number): Work<string> {
    const known = this.#experimentIds.get(n);
    if (known !== undefined) return known;
    const row = yield* get<{ id: string }>(sql`SELECT id FROM experiments WHERE n = ${n}`);
    if (row !== undefined) this.#experimentIds.set(n, row.id);
    return row?.id ?? '';
  }
}

export function* experimentNumber(id: string): Work<number | undefined> {
  return (yield* get<{ n: number }>(sql`SELECT n FROM experiments WHERE id = ${id}`))?.n;
}

/** The numbers of those of these experiments that exist, in the order of their ids, each once. */
export function* experimentNumbers(ids: readonly string[]): Work<number[]> {
  const found: number[] = [];
  for (const id of new Set(ids)) {
    const n = yield* experimentNumber(id);
    if (n !== undefined) found.push(n);
  }
  return found;
}
