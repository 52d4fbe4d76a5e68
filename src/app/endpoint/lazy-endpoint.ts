import * as net from 'node:net';

import type { TrackingStore } from '../../tracking/index.ts';
import { createTokens } from './endpoint-tokens.ts';
import type { TrackingEndpoint } from './tracking-endpoint.ts';

/**
 * A tracking endpoint that costs next to nothing until a stage's script connects: a bare socket listens, and
 * the web server behind it is loaded (60 ms and more) at the first connection only.
 */
export async function lazyEndpoint(store: TrackingStore): Promise<TrackingEndpoint> {
  const tokens = createTokens();
  const open = new Set<net.Socket>();
  let started: Promise<TrackingEndpoint> | undefined;
  const start = async (): Promise<TrackingEndpoint> => {
    const { startTrackingEndpoint } = await import('./tracking-endpoint.ts');
    return startTrackingEndpoint({ store, tokens });
  };
  const server = net.createServer((client) => {
    started ??= start();
    keep(open, client);
    started.then(
      (endpoint) => join(client, keep(open, net.connect(Number(new URL(endpoint.url).port), '127.0.0.1'))),
      () => client.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  // The repro itself keeps the process alive; an endpoint that nobody closed must not.
  server.unref();
  const { port } = server.address() as net.AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    issue: tokens.issue,
    revoke: tokens.revoke,
    async close() {
      server.close();
      const endpoint = await started;
      await endpoint?.close();
      for (const socket of open) socket.destroy();
    },
  };
}

function keep(open: Set<net.Socket>, socket: net.Socket): net.Socket {
  open.add(socket);
  socket.once('close', () => open.delete(socket));
  return socket;
}

/** Bytes both ways; when one side breaks off, so does the other. */
function join(client: net.Socket, upstream: net.Socket): void {
  client.pipe(upstream).pipe(client);
  client.once('error', () => upstream.destroy());
  upstream.once('error', () => client.destroy());
}
