// Starting, watching and ending the servers that are compared.
import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';

import { connect, type Client } from './load.ts';

export interface Server {
  readonly name: string;
  readonly port: number;
  readonly child: ChildProcess;
  /** Milliseconds from the start of the process to the first good answer of /health. */
  readonly started: number;
  /** A connection for work that is not done by many at once. */
  readonly client: Client;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

export async function start(
  name: string,
  argv: (port: number) => readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<Server> {
  const port = await freePort();
  const [program = '', ...args] = argv(port);
  const begin = performance.now();
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: 'ignore',
    detached: true,
  });
  for (let attempt = 0; attempt < 20_000; attempt++) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
    const client = await healthy(port);
    if (client !== undefined) return { name, port, child, client, started: performance.now() - begin };
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  throw new Error(`${name} did not start`);
}

async function healthy(port: number): Promise<Client | undefined> {
  const client = await connect(port).catch(() => undefined);
  const answer = await client?.request('GET', '/health').catch(() => undefined);
  if (answer?.status === 200) return client;
  client?.close();
  return undefined;
}

/** Ends a server with all processes that it has started. */
export function stop({ child, client }: Server): Promise<void> {
  client.close();
  return new Promise((resolve) => {
    child.on('exit', () => resolve());
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    setTimeout(
      () => child.pid !== undefined && child.exitCode === null && process.kill(-child.pid, 'SIGKILL'),
      5_000,
    ).unref();
  });
}

/** Resident memory of a server and all processes of its group, in MB. */
export function memory({ child: { pid } }: Server): number {
  let total = 0;
  for (const entry of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = fs.readFileSync(`/proc/${entry}/stat`, 'utf8');
      const group = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
      if (group !== pid) continue;
      total += Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${entry}/status`, 'utf8'))?.[1] ?? 0);
    } catch {
      // A process that ended meanwhile.
    }
  }
  return total / 1000;
}
