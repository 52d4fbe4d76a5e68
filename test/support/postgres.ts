/** A PostgreSQL server of one's own for tests: loopback and a socket, in a temporary folder, gone afterwards. */
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

import { freePort } from './free-port.ts';

export interface PostgresOptions {
  /** Settings of the server, `name=value`. */
  readonly settings?: readonly string[];
  /** Whether what it acknowledges survives a power cut; off makes tests quick. Default false. */
  readonly sync?: boolean;
  /** How users log in. Default `trust`. */
  readonly auth?: 'trust' | 'scram-sha-256';
}

export const password = 'p@ss w/rd%';

export class PostgresServer {
  readonly folder: string;
  readonly port: number;
  readonly #bin: string;
  readonly #settings: readonly string[];
  #child: ChildProcess | undefined;
  #databases = 0;

  private constructor(folder: string, port: number, bin: string, settings: readonly string[]) {
    this.folder = folder;
    this.port = port;
    this.#bin = bin;
    this.#settings = settings;
  }

  /** @param program the server's main program, as the tools have it. */
  static async start(program: string, options: PostgresOptions = {}): Promise<PostgresServer> {
    const { settings = [], sync = false, auth = 'trust' } = options;
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-pg-'));
    const bin = path.dirname(reachable(program, folder));
    const file = path.join(folder, 'password');
    fs.writeFileSync(file, password);
    if (isRoot) execFileSync('chown', ['-R', 'nobody', folder]);
    await promisify(execFile)(
      path.join(bin, 'initdb'),
      [
        '-D',
        path.join(folder, 'data'),
        '-U',
        'mlops',
        '-A',
        auth,
        `--pwfile=${file}`,
        '-E',
        'UTF8',
        '--locale=C',
        '--no-sync',
      ],
      unprivileged(folder, bin),
    );
    const fast = sync ? [] : ['fsync=off', 'full_page_writes=off'];
    const server = new PostgresServer(folder, await freePort(), bin, [...fast, ...settings]);
    await server.up();
    return server;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts it, or starts it again. */
  async up(): Promise<void> {
    const settings = ['listen_addresses=127.0.0.1', `unix_socket_directories=${this.folder}`, ...this.#settings];
    this.#child = spawn(
      path.join(this.#bin, 'postgres'),
      ['-D', path.join(this.folder, 'data'), '-p', String(this.port), ...settings.flatMap((one) => ['-c', one])],
      {
        ...unprivileged(this.folder, this.#bin),
        stdio: ['ignore', 'ignore', fs.openSync(path.join(this.folder, 'log'), 'a')],
      },
    );
    const deadline = Date.now() + 60_000;
    for (;;) {
      try {
        await this.query('SELECT 1');
        return;
      } catch (error) {
        if (Date.now() > deadline || this.#child.exitCode !== null) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  /** SIGINT cuts all connections and stops; SIGKILL is a crash; SIGQUIT too, by itself. */
  async down(signal: 'SIGINT' | 'SIGKILL' | 'SIGQUIT' = 'SIGINT'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  /** At once, for the end of a process. */
  kill(): void {
    this.#child?.kill('SIGQUIT');
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  async query(text: string, database = 'postgres'): Promise<readonly Record<string, unknown>[]> {
    const client = new pg.Client({ host: this.folder, port: this.port, user: 'mlops', password, database });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query(text)).rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  }

  /** The address of a database, over the loopback. */
  uri(database: string): string {
    return `postgresql://mlops:${encodeURIComponent(password)}@127.0.0.1:${this.port}/${database}?sslmode=disable`;
  }

  /** A new database. @returns its address. */
  async database(): Promise<string> {
    const name = `test${++this.#databases}`;
    await this.query(`CREATE DATABASE ${name}`);
    return this.uri(name);
  }

  async end(): Promise<void> {
    await this.down();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The name of the database that an address is of, for `query`. */
export function databaseOf(uri: string): string {
  return new URL(uri).pathname.slice(1);
}

const isRoot = process.getuid?.() === 0;

/** PostgreSQL does not run as root: then as nobody, who has to be able to reach its programs. */
function reachable(program: string, folder: string): string {
  if (!isRoot) return program;
  const home = path.dirname(fs.realpathSync(path.dirname(program)));
  // Debian's programs find their other files by the whole path below `usr`.
  const root = /^(.*)\/usr\/lib\/postgresql\/\d+$/.exec(home)?.[1] ?? home;
  const copy = path.join(folder, 'programs');
  fs.cpSync(root, copy, { recursive: true, verbatimSymlinks: true });
  return path.join(copy, path.relative(root, home), 'bin', path.basename(program));
}

function unprivileged(
  folder: string,
  bin: string,
): {
  uid?: number;
  gid?: number;
  cwd: string;
  env: Record<string, string>;
} {
  const root = /^(.*)\/usr\/lib\/postgresql\/\d+\/bin$/.exec(fs.realpathSync(bin))?.[1];
  const env = {
    PATH: process.env['PATH'] ?? '',
    LC_ALL: 'C',
    ...(root === undefined ? {} : { LD_LIBRARY_PATH: `${root}/lib` }),
  };
  return { ...(isRoot ? { uid: 65_534, gid: 65_534 } : {}), cwd: folder, env };
}
