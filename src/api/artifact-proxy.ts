import { Readable } from 'node:stream';

import { MlopsError } from '../base/index.ts';
import { mlflowErrorBody, type Request, type Shell } from '../http/index.ts';
import { invalid, readQuery } from '../mlflow/index.ts';
import type { ArtifactStore, TrackingStore } from '../tracking/index.ts';
import { sendArtifact } from './send-artifact.ts';

const base = '/mlflow-artifacts/artifacts';

/**
 * The artifact proxy: clients read and write `mlflow-artifacts:/PATH` here, streamed both ways. With `serve` false
 * every request is told that this server keeps no artifacts.
 */
export function addArtifactProxy(shell: Shell, store: TrackingStore, serve: boolean): void {
  void shell.register(async (proxy) => {
    // Bodies of any type and size go through as streams.
    proxy.removeAllContentTypeParsers();
    proxy.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    for (const root of ['/api/2.0', '/ajax-api/2.0']) {
      if (serve) addRoutes(proxy, `${root}${base}`, store);
      else refuseAll(proxy, `${root}${base}`);
      proxy.post(
        `${root}/mlflow-artifacts/mpu/*`,
        { config: { scope: 'write', errors: mlflowErrorBody } },
        noMultipart,
      );
      proxy.get(
        `${root}/mlflow-artifacts/presigned/*`,
        { config: { scope: 'read', errors: mlflowErrorBody } },
        noMultipart,
      );
    }
  });
}

function addRoutes(proxy: Shell, prefix: string, store: TrackingStore): void {
  const read = { config: { scope: 'read', errors: mlflowErrorBody }, exposeHeadRoute: false } as const;
  const write = { config: { scope: 'write', errors: mlflowErrorBody } } as const;
  const all = (): ArtifactStore => store.artifacts('mlflow-artifacts:/');
  proxy.get(prefix, read, async (request, reply) => {
    const directory = readQuery(request.query as Record<string, unknown>).text('path') ?? '';
    const files = await all().list(checkQueryPath(directory));
    const listed = files.map(({ path, isDirectory, size }) => ({
      path: path.slice(path.lastIndexOf('/') + 1),
      is_dir: isDirectory,
      file_size: size,
    }));
    return reply
      .header('content-type', 'application/json')
      .send(JSON.stringify(listed.length === 0 ? {} : { files: listed }));
  });
  proxy.route({
    ...read,
    method: ['GET', 'HEAD'],
    url: `${prefix}/*`,
    handler: (request, reply) => sendArtifact(all(), pathOf(request, prefix), request, reply),
  });
  proxy.put(`${prefix}/*`, write, async (request, reply) => {
    const path = pathOf(request, prefix);
    if (path === '' || path.endsWith('/')) throw invalid('Invalid path');
    // What fails at the other end must not take the connection along: it is to carry the answer.
    const body = Readable.from(request.raw.iterator({ destroyOnReturn: false }), { objectMode: false });
    await all().put(path, body);
    return reply.code(200).send();
  });
  proxy.delete(`${prefix}/*`, write, async (request, reply) => {
    const path = pathOf(request, prefix);
    if (path === '') throw invalid('Invalid path');
    request.raw.resume();
    await all().remove(path);
    return reply.header('content-type', 'application/json').send('{}');
  });
}

function refuseAll(proxy: Shell, prefix: string): void {
  const refuse = (): never => {
    throw new MlopsError(
      'not_implemented',
      'This server was started with --no-serve-artifacts: it keeps no artifacts for clients.',
    );
  };
  for (const url of [prefix, `${prefix}/*`]) {
    proxy.route({
      method: ['GET', 'PUT', 'DELETE'],
      url,
      config: { scope: 'read', errors: mlflowErrorBody },
      handler: refuse,
    });
  }
}

/** Clients fall back to one plain PUT. */
function noMultipart(): never {
  throw new MlopsError(
    'not_implemented',
    'Multipart and presigned transfers are not offered here; use plain PUT and GET.',
  );
}

/**
 * The path after the prefix, decoded exactly once. A fragment in a request line is no HTTP: the router would cut
 * it off, and something else might not.
 */
export function pathOf(request: Request, prefix: string): string {
  const [target = ''] = (request.raw.url ?? '').split('?', 1);
  if (target.includes('#')) throw invalid('Invalid path');
  const at = target.indexOf(`${prefix}/`);
  if (at !== 0) throw invalid('Invalid path');
  try {
    return decodeURIComponent(target.slice(prefix.length + 1));
  } catch {
    throw invalid('Invalid path');
  }
}

/** A trailing slash and `.` in a `path=` mean the directory itself, as clients of other languages write them. */
export function checkQueryPath(path: string): string {
  return path === '.' ? '' : path.replace(/(?<=[^/])\/$/, '');
}
