import * as fs from 'node:fs';
import type { PoolClient } from 'pg';
import pg from 'pg';

import { messageOf } from '../../base/index.ts';
import type { Address, SslMode } from './address.ts';
import { codeOf } from './refusals.ts';

export interface PoolOptions {
  /** Most connections at once. Default 10. */
  readonly size?: number | undefined;
  /** How long a request waits for a connection or for a server that is away, in milliseconds. Default 20,000. */
  readonly patience?: number | undefined;
  /** Longest time for one statement, in milliseconds. Default 60,000. */
  readonly statementTimeout?: number | undefined;
  /** `normal` acknowledges what the server has in memory of its log only; `full` (default) what is on disk. */
  readonly durability?: 'normal' | 'full' | undefined;
}

/** Numbers instead of texts for bigint: ours are below 2^53 or came from a double. */
const types = new pg.TypeOverrides();
types.setTypeParser(20, Number);

/** A pool of connections to whichever of the hosts takes writes. */
export class Pool {
  readonly #pool: pg.Pool;
  readonly #address: Address;
  #host = 0;
  /** What `sslmode=prefer` found out. */
  #plain = false;

  constructor(address: Address, options: PoolOptions) {
    this.#address = address;
    const target = (): pg.ClientConfig => this.#target();
    const { statementTimeout = 60_000, patience = 20_000 } = options;
    this.#pool = new pg.Pool({
      max: options.size ?? 10,
      idleTimeoutMillis: 30_000,
      connectionTimeoutMillis: patience,
      types,
      Client: class extends pg.Client {
        constructor(config: pg.ClientConfig = {}) {
          super({ ...config, ...target() });
        }
      },
      // Searches are walks of indexes in an order of their own: the planner keeps it, takes them also where it has no
      // statistics yet, and compiles nothing for the milliseconds that they take. The pool waits for it, though its types do not say so.
      onConnect: (client: pg.ClientBase): unknown => {
        return client.query(
          `SET search_path TO ${address.schema}; SET join_collapse_limit = 1; SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; SET jit = off; SET statement_timeout = ${statementTimeout};
           SET lock_timeout = 10000; SET idle_in_transaction_session_timeout = 30000; SET client_min_messages = warning`,
        );
      },
    });
    // A connection that breaks while it is idle is replaced when it is wanted.
    this.#pool.on('error', () => this.#rotate());
  }

  /** A connection; give it back by `release`, with true when it cannot be used again. */
  async connect(): Promise<PoolClient> {
    try {
      const client = await this.#pool.connect();
      // While it is out, what breaks it is told by its queries.
      if (client.listenerCount('error') === 0) client.on('error', ignore);
      return client;
    } catch (error) {
      if (this.#address.ssl.mode === 'prefer' && !this.#plain && offersNoSsl(error)) {
        this.#plain = true;
        return this.connect();
      }
      this.#rotate();
      throw error;
    }
  }

  /** The server turned out to be one that takes no writes: the next connection goes to the next host. */
  distrust(): void {
    this.#rotate();
  }

  /** As Prometheus reads them. */
  gauges(): string {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    const facts = [
      ['mlops_store_connections', 'Connections to the database.', totalCount],
      ['mlops_store_connections_idle', 'Connections that nobody uses.', idleCount],
      ['mlops_store_waiting', 'Requests that wait for a connection.', waitingCount],
    ] as const;
    return facts
      .map(([name, help, value]) => `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`)
      .join('');
  }

  async end(): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end();
  }

  #rotate(): void {
    this.#host = (this.#host + 1) % this.#address.hosts.length;
  }

  #target(): pg.ClientConfig {
    const { hosts, user, password, database, ssl, connectTimeout } = this.#address;
    const { host = 'localhost', port = 5432 } = hosts[this.#host] ?? {};
    return {
      host,
      port,
      user,
      database,
      ...(password === undefined ? {} : { password }),
      ssl: host.startsWith('/') || this.#plain ? false : tlsOf(ssl),
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      application_name: 'mlops',
      connectionTimeoutMillis: (connectTimeout ?? 10) * 1000,
      pipeline: true,
    };
  }
}

function ignore(): void {
  // Nothing: see the caller.
}

function offersNoSsl(error: unknown): boolean {
  return (
    /does not support SSL/.test(messageOf(error)) || (codeOf(error) === 'ECONNRESET' && /SSL/.test(messageOf(error)))
  );
}

function tlsOf({ mode, ca, cert, key }: Address['ssl']): pg.ClientConfig['ssl'] {
  if (mode === 'disable' || mode === 'allow') return false;
  const own = {
    ...(ca === undefined ? {} : { ca: fs.readFileSync(ca, 'utf8') }),
    ...(cert === undefined ? {} : { cert: fs.readFileSync(cert, 'utf8') }),
    ...(key === undefined ? {} : { key: fs.readFileSync(key, 'utf8') }),
  };
  return { ...own, ...checks(mode, ca !== undefined) };
}

/** As libpq: `require` with a root certificate checks as `verify-ca` does. */
function checks(
  mode: SslMode,
  hasRoot: boolean,
): { rejectUnauthorized: boolean; checkServerIdentity?: () => undefined } {
  if (mode === 'verify-full') return { rejectUnauthorized: true };
  if (mode === 'verify-ca' || (mode === 'require' && hasRoot)) {
    return { rejectUnauthorized: true, checkServerIdentity: () => undefined };
  }
  return { rejectUnauthorized: false };
}
