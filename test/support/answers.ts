import * as http from 'node:http';
import type * as net from 'node:net';
import { onTestFinished } from 'vitest';

/** A request that was read whole, the answer to it, and how many came before it. */
export type Answer = (request: http.IncomingMessage, response: http.ServerResponse, count: number) => void;

/** A web server on loopback that answers as it likes, until the test ends; its address. */
export function answering(answer: Answer): Promise<string> {
  let count = 0;
  const server = http.createServer((request, response) => {
    request.resume();
    request.on('end', () => answer(request, response, count++));
  });
  return listening(server);
}

/** Any server on loopback until the test ends, whatever its clients do; its address as if it spoke http. */
export async function listening(server: net.Server): Promise<string> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}
