import type { ServerResponse } from 'node:http';

import { mlflowErrorBody, type Shell } from '../../http/index.ts';

/** News are gathered for so long, in milliseconds, before browsers are told. */
const gathered = 500;
/** How often a browser is told to look by itself: other processes write to the same store. */
const beat = 5000;
/** More listeners than this are sent away; they look again by themselves. */
const mostListeners = 200;

/**
 * `/ajax-api/2.0/mlflow/mlops-ui/live`: server-sent events. `change` when this server took something in, `beat` every
 * five seconds. What changed is not told: a page asks again for what it shows.
 */
export function addLive(shell: Shell, prefix: string): void {
  const listeners = new Set<ServerResponse>();
  let timer: NodeJS.Timeout | undefined;
  const tell = (event: 'change' | 'beat'): void => {
    for (const response of listeners) {
      // Who does not read is not sent more: a page that slept looks again when it wakes.
      if (response.writableLength < 1024) response.write(`event: ${event}\ndata: {}\n\n`);
    }
  };
  const beats = setInterval(() => tell('beat'), beat);
  beats.unref();
  shell.addHook('onResponse', (request, reply, done) => {
    if (listeners.size > 0 && request.routeOptions.config.scope === 'write' && reply.statusCode < 300) {
      timer ??= setTimeout(() => {
        timer = undefined;
        tell('change');
      }, gathered);
    }
    done();
  });
  const end = (): void => {
    clearInterval(beats);
    clearTimeout(timer);
    for (const response of listeners) response.end();
    listeners.clear();
  };
  shell.addHook('onClose', async () => end());
  // The graceful end of a server waits for its connections before it closes the shell.
  shell.server.on('draining', end);
  const options = { config: { scope: 'read', errors: mlflowErrorBody }, exposeHeadRoute: false } as const;
  shell.get(`${prefix}/ajax-api/2.0/mlflow/mlops-ui/live`, options, (_request, reply) => {
    if (listeners.size >= mostListeners) return reply.code(204).send();
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-accel-buffering': 'no',
    });
    raw.write('retry: 3000\n\n');
    listeners.add(raw);
    raw.on('close', () => listeners.delete(raw));
    return reply;
  });
}
