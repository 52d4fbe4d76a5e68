import type { Socket } from 'node:net';

import type { Shell } from '../../http/index.ts';

/** Counts of the HTTP side of the process: answers, and bytes on the wire. */
export class HttpCounts {
  readonly byStatus = new Map<string, number>();
  readonly #open = new Set<Socket>();
  #received = 0;
  #sent = 0;

  /** Counts all answers and connections of a server from now on. */
  watch(shell: Shell): this {
    shell.addHook('onResponse', (request, reply, done) => {
      const key = `${request.method} ${reply.statusCode}`;
      this.byStatus.set(key, (this.byStatus.get(key) ?? 0) + 1);
      done();
    });
    shell.server.on('connection', (socket: Socket) => {
      this.#open.add(socket);
      socket.once('close', () => {
        this.#open.delete(socket);
        this.#received += socket.bytesRead;
        this.#sent += socket.bytesWritten;
      });
    });
    return this;
  }

  /** Counts an answer of another protocol than HTTP. */
  count(method: string, status: number): void {
    const key = `${method} ${status}`;
    this.byStatus.set(key, (this.byStatus.get(key) ?? 0) + 1);
  }

  /** Bytes over all connections, with heads. */
  bytes(): { received: number; sent: number } {
    let [received, sent] = [this.#received, this.#sent];
    for (const socket of this.#open) {
      received += socket.bytesRead;
      sent += socket.bytesWritten;
    }
    return { received, sent };
  }
}
