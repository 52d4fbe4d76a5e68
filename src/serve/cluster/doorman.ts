import * as net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { explainListen, type ListenOptions } from '../../http/index.ts';
import type { ConnectionMessage, TakenMessage } from './protocol.ts';

/** A process that takes connections. */
export interface Taker {
  send(message: ConnectionMessage, socket: net.Socket): void;
}

/** Connections that wait for a process that is ready; more are refused. */
const maxWaiting = 1_000;

/**
 * Accepts the connections of a server of several processes and hands each, unread, to the next process. What a process
 * had not taken when it died goes to another one, so that nobody waits for an answer that cannot come.
 */
export class Doorman {
  readonly #server: net.Server;
  readonly #takers: Taker[] = [];
  readonly #handed = new Map<number, { readonly taker: Taker; readonly socket: net.Socket }>();
  #waiting: net.Socket[] = [];
  #nextId = 1;
  #turn = 0;

  private constructor(server: net.Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      socket.on('error', () => socket.destroy());
      this.#hand(socket);
    });
  }

  /** @throws MlopsError `port_in_use`, `permission_denied`, `usage`. */
  static async listen(options: ListenOptions): Promise<Doorman> {
    const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(explainListen(error, options)));
      server.listen({ host: options.host, port: options.port, backlog: 511 }, resolve);
    });
    return new Doorman(server);
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  add(taker: Taker): void {
    this.#takers.push(taker);
    for (const socket of this.#waiting.splice(0)) this.#hand(socket);
  }

  /** Forgets a process that has ended. */
  remove(taker: Taker): void {
    const at = this.#takers.indexOf(taker);
    if (at >= 0) this.#takers.splice(at, 1);
    for (const [id, handed] of this.#handed) {
      if (handed.taker !== taker) continue;
      this.#handed.delete(id);
      this.#hand(handed.socket);
    }
  }

  /** To be given every message of a process; others than ours are not touched. */
  receive(message: unknown): void {
    const ours = message as TakenMessage | null;
    if (ours?.mlops !== 'taken') return;
    // Our copy only: the process has its own.
    this.#handed.get(ours.id)?.socket.destroy();
    this.#handed.delete(ours.id);
  }

  #hand(socket: net.Socket): void {
    if (socket.destroyed) return;
    const taker = this.#takers[this.#turn++ % Math.max(1, this.#takers.length)];
    if (taker === undefined) {
      if (this.#waiting.length < maxWaiting) this.#waiting.push(socket);
      else socket.destroy();
      return;
    }
    const id = this.#nextId++;
    this.#handed.set(id, { taker, socket });
    taker.send({ mlops: 'connection', id }, socket);
  }

  /** Takes no more connections; returns when all that came were handed over, or after `deadline` milliseconds. */
  async close(deadline: number): Promise<void> {
    // Not until its callback: that waits for the connections in the other processes too.
    this.#server.close();
    const end = performance.now() + deadline;
    while (this.#handed.size > 0 && performance.now() < end) await delay(10);
    for (const { socket } of this.#handed.values()) socket.destroy();
    for (const socket of this.#waiting.splice(0)) socket.destroy();
  }
}
