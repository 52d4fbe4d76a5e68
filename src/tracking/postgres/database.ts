import { setTimeout as delay } from 'node:timers/promises';
import type { PoolClient, QueryConfig } from 'pg';

import { int64Text } from '../../mlflow/index.ts';
import type { Driver } from '../sql/context.ts';
import { compile } from '../sql/sql.ts';
import type { Insert, Query, Work } from '../sql/work.ts';
import type { Address } from './address.ts';
import { Currency } from './currency.ts';
import { packed, packedColumn, unpacked, unpackedColumn, type Packed } from './packed.ts';
import { Pool, type PoolOptions } from './pool.ts';
import { StatementTimes } from './statement-times.ts';
import { codeOf, collided, explained, gone, outdated, replanned } from './refusals.ts';

/** How often work that collided with other work is begun again. */
const mostCollisions = 8;
/** Texts that come this often are prepared, as many as this. */
const worthPreparing = 3;
const mostPrepared = 400;

type Way = 'read' | 'write' | 'serial' | 'once';

const begin: Readonly<Record<Exclude<Way, 'once'>, string>> = {
  read: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
  write: 'BEGIN ISOLATION LEVEL READ COMMITTED',
  serial: 'BEGIN ISOLATION LEVEL SERIALIZABLE',
};

/**
 * Runs work on PostgreSQL: reads in one snapshot, writes in one transaction. What collides is begun again; when the
 * server is away, work waits for it as long as `patience` allows. A promise resolves after the commit. When the
 * connection breaks while a commit is under way nobody knows whether it went through, and the caller is told 503.
 */
export class Database implements Driver {
  readonly dialect = 'postgres';
  readonly shown: string;
  readonly #pool: Pool;
  readonly #currency: Currency;
  readonly #patience: number;
  readonly #texts = new Map<string, { seen: number; readonly name: string }>();
  readonly #inserts = new WeakMap<Insert, string>();
  readonly #times = new StatementTimes();

  constructor(address: Address, options: PoolOptions = {}) {
    this.shown = address.shown;
    this.#currency = new Currency(address.shown);
    this.#patience = options.patience ?? 20_000;
    this.#pool = new Pool(address, options);
  }

  read<Value>(work: () => Work<Value>): Promise<Value> {
    return this.#persist(() => this.#attempt(work, 'read'));
  }

  write<Value>(work: () => Work<Value>, way: 'write' | 'serial' | 'once' = 'write'): Promise<Value> {
    return this.#persist(() => this.#attempt(work, way));
  }

  /** What is written apart stays when the rest is undone, so nothing that was seen ceases to be true. */
  onRollback(): void {
    // Never called.
  }

  /** What was last found of its tables. @throws MlopsError `store_version` when they are newer than this program. */
  checkCurrent(): void {
    this.#currency.checkLast();
  }

  /** Runs statements on one connection, outside of a transaction: migrations, locks, copies. */
  async withClient<Value>(act: (client: PoolClient) => Promise<Value>): Promise<Value> {
    return this.#persist(async () => {
      const client = await this.#pool.connect();
      let broken = true;
      try {
        const value = await act(client);
        broken = false;
        return value;
      } finally {
        client.release(broken);
      }
    });
  }

  /** The connections and statements as Prometheus reads them. */
  gauges(): string {
    return this.#pool.gauges() + this.#times.text();
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #persist<Value>(act: () => Promise<Value>): Promise<Value> {
    const deadline = Date.now() + this.#patience;
    for (let collisions = 0, absences = 0; ;) {
      try {
        return await act();
      } catch (error) {
        if (error instanceof UnknownOutcome) throw explained(error.cause, this.shown);
        if (collided(error) && collisions < mostCollisions) {
          collisions++;
          // Those that collided part by chance.
          await delay(Math.random() * 2 ** collisions);
        } else if (gone(error) && Date.now() < deadline) {
          if (codeOf(error) === '25006') this.#pool.distrust();
          absences++;
          await delay(Math.min(50 * absences, 500));
        } else {
          throw explained(error, this.shown);
        }
      }
    }
  }

  async #attempt<Value>(work: () => Work<Value>, way: Way): Promise<Value> {
    let client: PoolClient | undefined;
    let broken = false;
    try {
      const steps = work();
      let begun = false;
      let step = steps.next();
      while (step.done !== true) {
        const query = step.value;
        if (client === undefined) {
          client = await this.#pool.connect();
          await this.#currency.check(client);
        }
        const apart = 'apart' in query && query.apart === true;
        if (apart && begun) {
          // A second connection could wait for this one forever.
          throw new Error('what is written apart comes before the transaction');
        }
        if (!apart) {
          if (way === 'once') {
            if (begun) throw new Error('work of one statement has a second one');
          } else if (!begun) {
            // Sent ahead of the first query, in one packet; that fails, too, when this does.
            client.query(begin[way]).catch(() => undefined);
          }
          begun = true;
        }
        step = steps.next(await this.#ask(client, query));
      }
      if (client !== undefined && begun) await commit(client, way);
      return step.value;
    } catch (error) {
      if (client !== undefined && !(error instanceof UnknownOutcome)) broken = !(await undone(client, error, way));
      else broken = true;
      if (!broken && client !== undefined && outdated(error)) {
        this.#currency.forget();
        await this.#currency.check(client);
      }
      throw error;
    } finally {
      client?.release(broken);
    }
  }

  async #ask(client: PoolClient, query: Query): Promise<unknown> {
    // One after the other on their way, and none waits for the answer to another.
    if (query.kind === 'together') return Promise.all(query.queries.map(async (one) => this.#ask(client, one)));
    if (query.kind === 'insert') return this.#insert(client, query.insert, query.rows);
    const { text, values } = compile(query.sql, 'postgres');
    if (query.kind === 'packed') return this.#packed(client, packed(text, query.columns), values).then(unpacked);
    if (query.kind === 'column') return this.#packed(client, packedColumn(text), values).then(unpackedColumn);
    const rowMode = query.kind === 'arrays' ? { rowMode: 'array' } : {};
    const config: QueryConfig = { ...this.#prepared(text), values: values.map(sendable), ...rowMode };
    const result = await this.#timed(text, () => client.query(config));
    return query.kind === 'count' ? (result.rowCount ?? 0) : result.rows;
  }

  async #packed(client: PoolClient, text: string, values: readonly unknown[]): Promise<Packed> {
    const config = { ...this.#prepared(text), values: values.map(sendable), rowMode: 'array' } as const;
    const { rows } = await this.#timed(text, () => client.query(config));
    return rows[0] as unknown as Packed;
  }

  async #insert(client: PoolClient, insert: Insert, rows: readonly (readonly unknown[])[]): Promise<number> {
    let text = this.#inserts.get(insert);
    if (text === undefined) {
      const columns = Object.entries(insert.columns);
      const names = columns.map(([name]) => name).join(', ');
      const arrays = columns.map(([, type], i) => `$${i + 1}::${type}[]`).join(', ');
      text = `INSERT INTO ${insert.table} (${names}) SELECT * FROM unnest(${arrays}) AS given(${names}) ${insert.conflict}`;
      this.#inserts.set(insert, text);
    }
    const values = Object.keys(insert.columns).map((_, i) => rows.map((row) => sendable(row[i])));
    const config = { ...this.#prepared(text), values };
    return (await this.#timed(text, () => client.query(config))).rowCount ?? 0;
  }

  async #timed<Result>(text: string, act: () => Promise<Result>): Promise<Result> {
    const start = performance.now();
    try {
      return await act();
    } finally {
      this.#times.add(text, performance.now() - start);
    }
  }

  /** Texts that come again and again get a name, under which a connection keeps them parsed and planned. */
  #prepared(text: string): { readonly text: string; readonly name?: string } {
    let known = this.#texts.get(text);
    if (known === undefined) {
      if (this.#texts.size >= mostPrepared) return { text };
      known = { seen: 0, name: `q${this.#texts.size}` };
      this.#texts.set(text, known);
    }
    known.seen++;
    return known.seen < worthPreparing ? { text } : { text, name: known.name };
  }
}

/** Times and steps at the edges of int64 are doubles that `String` writes with digits beyond them. */
function sendable(value: unknown): unknown {
  if (typeof value === 'number') return Math.abs(value) === 2 ** 63 ? int64Text(value) : value;
  if (!Array.isArray(value)) return value;
  return value.some((one) => sendable(one) !== one) ? value.map(sendable) : value;
}

/** The connection broke while the server was committing. */
class UnknownOutcome extends Error {}

async function commit(client: PoolClient, way: Way): Promise<void> {
  if (way === 'once') return;
  const committed = client.query('COMMIT');
  if (way === 'read') {
    // Nothing hangs on it: the next work on this connection goes after it, and fails when this did.
    committed.catch(() => undefined);
    return;
  }
  try {
    await committed;
  } catch (error) {
    // A commit that the server refused did not happen.
    if (gone(error)) throw new UnknownOutcome('commit', { cause: error });
    throw error;
  }
}

/** @returns whether the connection can be used again. */
async function undone(client: PoolClient, error: unknown, way: Way): Promise<boolean> {
  if (gone(error) || replanned(error)) return false;
  if (way === 'once') return true;
  try {
    await client.query('ROLLBACK');
    return true;
  } catch {
    return false;
  }
}
