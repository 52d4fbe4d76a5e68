import { MlopsError } from '../base/index.ts';
import { mlflowErrorBody, type Request, type Shell } from '../http/index.ts';
import { decodeOnce, invalid, newArtifactName, readArtifactName, readQuery } from '../mlflow/index.ts';
import type { ArtifactStore, TrackingStore } from '../tracking/index.ts';
import { checkedArtifacts, verifiedBody, type ArtifactLimits } from './checked-artifacts.ts';
import { addMultipartUploads, bodyOf } from './multipart-uploads.ts';
import { listNamed, openNamed } from './named-artifacts.ts';
import { sendArtifact } from './send-artifact.ts';

const base = '/mlflow-artifacts/artifacts';

/**
 * The artifact proxy: clients read and write `mlflow-artifacts:/PATH` here, streamed both ways. With `serve` false
 * every request is told that this server keeps no artifacts. It stands below the prefix, and at the root as well,
 * where servers of MLflow have it too.
 */
export function addArtifactProxy(
  shell: Shell,
  prefix: string,
  store: TrackingStore,
  serve: boolean,
  limits: ArtifactLimits = {},
): void {
  void shell.register(async (proxy) => {
    // Bodies of any type and size go through as streams.
    proxy.removeAllContentTypeParsers();
    proxy.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    const prefixes = prefix === '' ? [''] : ['', prefix];
    const roots = prefixes.flatMap((one) => [`${one}/api/2.0`, `${one}/ajax-api/2.0`]);
    const all = (): ArtifactStore => {
      const artifacts = store.artifacts('mlflow-artifacts:/');
      return store.sums === undefined ? artifacts : checkedArtifacts(artifacts, store.sums, limits);
    };
    for (const root of roots) {
      if (serve) addRoutes(proxy, `${root}${base}`, all);
      else refuseAll(proxy, `${root}${base}`);
      if (serve) addMultipartUploads(proxy, root, all);
      addPresigned(proxy, `${root}/mlflow-artifacts/presigned`, all);
    }
  });
}

function addRoutes(proxy: Shell, prefix: string, all: () => ArtifactStore): void {
  const read = { config: { scope: 'read', errors: mlflowErrorBody }, exposeHeadRoute: false } as const;
  const write = { config: { scope: 'write', errors: mlflowErrorBody } } as const;
  proxy.get(prefix, read, async (request, reply) => {
    const directory = readQuery(request.query as Record<string, unknown>).text('path') ?? '';
    const files = await listNamed(all(), readArtifactName(directory));
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
    handler: (request, reply) => sendArtifact(all(), readArtifactName(pathOf(request, prefix)), request, reply),
  });
  proxy.put(`${prefix}/*`, write, async (request, reply) => {
    const path = newArtifactName(pathOf(request, prefix));
    await all().put(path, verifiedBody(bodyOf(request), request.headers));
    return reply.code(200).send();
  });
  proxy.delete(`${prefix}/*`, write, async (request, reply) => {
    const { stored, others } = readArtifactName(pathOf(request, prefix));
    if (stored === '') throw invalid('Invalid path');
    request.raw.resume();
    for (const name of [stored, ...others]) await all().remove(name);
    return reply.header('content-type', 'application/json').send('{}');
  });
}

/** Seconds for which the address of a download is good, as MLflow's server has it. */
const readSeconds = 300;

/** Where a file is read past this server. */
function addPresigned(proxy: Shell, prefix: string, all: () => ArtifactStore): void {
  proxy.get(`${prefix}/*`, { config: { scope: 'read', errors: mlflowErrorBody } }, async (request, reply) => {
    const { direct } = all();
    if (direct === undefined) {
      throw new MlopsError('not_implemented', 'Files are not offered at addresses of their own here; use plain GET.');
    }
    const { name, opened } = await openNamed(all(), readArtifactName(pathOf(request, prefix)));
    opened.stream.destroy();
    const url = await direct.readAddress(name, readSeconds, name.slice(name.lastIndexOf('/') + 1));
    return reply
      .header('content-type', 'application/json')
      .send(JSON.stringify({ url, headers: {}, file_size: opened.size }));
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

/**
 * The path after the prefix, decoded exactly once. A fragment in a request line is no HTTP: the router would cut
 * it off, and something else might not.
 */
export function pathOf(request: Request, prefix: string): string {
  const [target = ''] = (request.raw.url ?? '').split('?', 1);
  if (target.includes('#')) throw invalid('Invalid path');
  const at = target.indexOf(`${prefix}/`);
  if (at !== 0) throw invalid('Invalid path');
  return decodeOnce(target.slice(prefix.length + 1));
}
