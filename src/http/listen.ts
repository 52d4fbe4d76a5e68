import * as net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import * as tls from 'node:tls';

import { isSystemError, MlopsError } from '../base/index.ts';
import { startDraining } from './draining.ts';
import type { Shell } from './shell.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

export interface Listening {
  readonly host: string;
  readonly port: number;
  /** `http://127.0.0.1:5001`. */
  readonly url: string;
  /**
   * Stops gracefully: no new connections, answers carry `Connection: close`, requests under way are finished;
   * what is left after `deadline` milliseconds is cut. Resolves to false when something had to be cut.
   */
  close(deadline?: number): Promise<boolean>;
}

/**
 * Starts to accept connections.
 *
 * @throws MlopsError `port_in_use`, `permission_denied` (ports below 1024), `usage` (no such address).
 */
export async function listen(shell: Shell, options: ListenOptions): Promise<Listening> {
  try {
    await shell.listen({ host: options.host, port: options.port });
  } catch (error) {
    throw explainListen(error, options);
  }
  const { port } = shell.server.address() as net.AddressInfo;
  const name = options.host.includes(':') ? `[${options.host}]` : options.host;
  let closing: Promise<boolean> | undefined;
  return {
    host: options.host,
    port,
    url: `${shell.server instanceof tls.Server ? 'https' : 'http'}://${name}:${port}`,
    close: (deadline = 10_000) => (closing ??= closeGracefully(shell, deadline)),
  };
}

/** A server without a port of its own: it is given connections that another process accepted. */
export interface Attached {
  take(socket: net.Socket): void;
  /** As `Listening.close`. */
  close(deadline?: number): Promise<boolean>;
}

export async function attach(shell: Shell): Promise<Attached> {
  await shell.ready();
  const { server } = shell;
  // From here on Node keeps count of the connections, for their time limits and to close idle ones.
  server.emit('listening');
  const open = new Set<net.Socket>();
  return {
    take: (socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      // As sockets are that a server accepts itself.
      Object.assign(socket, { server, allowHalfOpen: true });
      socket.setNoDelay(true);
      server.emit('connection', socket);
    },
    close: async (deadline = 10_000) => {
      startDraining(shell);
      const end = performance.now() + deadline;
      while (open.size > 0 && performance.now() < end) {
        server.closeIdleConnections();
        await delay(20);
      }
      const cut = open.size > 0;
      for (const socket of open) socket.destroy();
      await shell.close();
      return !cut;
    },
  };
}

/** How long new requests are still taken once stopping has begun, in milliseconds. */
const graceMs = 300;

async function closeGracefully(shell: Shell, deadline: number): Promise<boolean> {
  const { server } = shell;
  let cut = false;
  // Load balancers and clients on their way learn of the end late: go on accepting for a moment.
  await delay(Math.min(graceMs, deadline / 4));
  await quietMoment(server, deadline / 4);
  // Answers end their connections only once no new ones are taken: a client that comes back at once is refused, and
  // never cut while it waits to be accepted. (The server's own close would end idle connections first.)
  const closed = new Promise<void>((resolve) => net.Server.prototype.close.call(server, () => resolve()));
  startDraining(shell);
  const timer = setTimeout(() => {
    cut = true;
    server.closeAllConnections();
  }, deadline);
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  await closed;
  clearTimeout(timer);
  clearInterval(idle);
  await shell.close();
  return !cut;
}

/** Waits until no connection has come for a moment: those that wait to be accepted are cut when the port closes. */
async function quietMoment(server: net.Server, patience: number): Promise<void> {
  const end = performance.now() + patience;
  let came = true;
  const note = (): void => void (came = true);
  server.on('connection', note);
  while (came && performance.now() < end) {
    came = false;
    await delay(10);
  }
  server.off('connection', note);
}

/** What went wrong with an address, in words for the person who gave it. */
export function explainListen(error: unknown, { host, port }: ListenOptions): unknown {
  if (isSystemError(error, 'EADDRINUSE')) {
    return new MlopsError('port_in_use', `port ${port} on ${host} is taken by another program`, {
      hint: `choose another one (-p ${port + 1}), or end the program that listens there`,
      cause: error,
    });
  }
  if (isSystemError(error, 'EACCES')) {
    return new MlopsError('permission_denied', `this user may not listen on port ${port}`, {
      hint: 'choose a port from 1024 on',
      cause: error,
    });
  }
  if (isSystemError(error, 'EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL')) {
    return new MlopsError('usage', `'${host}' is not an address of this machine`, {
      hint: 'use 127.0.0.1, 0.0.0.0 (all addresses) or one of the machine',
      cause: error,
    });
  }
  return error;
}
