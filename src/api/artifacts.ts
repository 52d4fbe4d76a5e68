import { MlopsError } from '../base/index.ts';
import { mlflowErrorBody, type Shell } from '../http/index.ts';
import { invalid, listToJson, readQuery, type Fields, type Json } from '../mlflow/index.ts';
import type { ArtifactFile, TrackingStore } from '../tracking/index.ts';
import { checkQueryPath } from './artifact-proxy.ts';
import type { ApiRoute } from './route.ts';
import { runIdOf } from './runs.ts';
import { sendArtifact } from './send-artifact.ts';

const uploadLimit = 10 * 1024 * 1024;

/** Lists of a run's or model's files, with paths relative to its root. */
export function artifactRoutes(store: TrackingStore): readonly ApiRoute[] {
  return [
    { method: 'GET', path: '/artifacts/list', answer: (fields) => list(store, fields) },
    {
      method: 'GET',
      path: '/logged-models/:model_id/artifacts/directories',
      answer: async (fields, { model_id: id = '' }) => {
        const { artifactUri } = await store.getLoggedModel(id);
        return listing(store, artifactUri, fields.text('artifact_directory_path') ?? '');
      },
    },
  ];
}

async function list(store: TrackingStore, fields: Fields): Promise<Json> {
  const { info } = await store.getRun(runIdOf(fields));
  return listing(store, info.artifactUri, fields.text('path') ?? '');
}

export async function listing(store: TrackingStore, uri: string, directory: string): Promise<Json> {
  const files = await store.artifacts(uri).list(checkQueryPath(directory));
  return { root_uri: uri, files: listToJson(files, fileToJson) };
}

function fileToJson({ path, isDirectory, size }: ArtifactFile): Json {
  return { path, is_dir: isDirectory, file_size: size };
}

/** Downloads by run, model or version, and the small uploads of the web UI. */
export function addArtifactFiles(shell: Shell, prefix: string, store: TrackingStore): void {
  const read = { config: { scope: 'read', errors: mlflowErrorBody }, exposeHeadRoute: false } as const;
  const get = (url: string, rootOf: (fields: Fields, id: string) => Promise<string>, pathName: string): void => {
    shell.get(`${prefix}${url}`, read, async (request, reply) => {
      const fields = readQuery(request.query as Record<string, unknown>);
      const path = fields.filled(pathName);
      if (path === undefined) {
        throw new MlopsError('bad_request', `Request must include the "${pathName}" query parameter.`);
      }
      const { model_id: id = '' } = request.params as Record<string, string>;
      return sendArtifact(store.artifacts(await rootOf(fields, id)), path, request, reply);
    });
  };
  const ofRun = async (fields: Fields): Promise<string> => (await store.getRun(runIdOf(fields))).info.artifactUri;
  get('/get-artifact', ofRun, 'path');
  get('/ajax-api/2.0/mlflow/get-artifact', ofRun, 'path');
  get(
    '/model-versions/get-artifact',
    (fields) => store.getDownloadUri(fields.need('name'), fields.need('version')),
    'path',
  );
  const ofModel = async (_: Fields, id: string): Promise<string> => (await store.getLoggedModel(id)).artifactUri;
  get('/ajax-api/2.0/mlflow/logged-models/:model_id/artifacts/files', ofModel, 'artifact_file_path');
  shell.post(
    `${prefix}/ajax-api/2.0/mlflow/upload-artifact`,
    { bodyLimit: uploadLimit, config: { scope: 'write', errors: mlflowErrorBody } },
    async (request, reply) => {
      const fields = readQuery(request.query as Record<string, unknown>);
      const root = await ofRun(fields);
      if (!Buffer.isBuffer(request.body)) throw invalid('Request must specify data.');
      await store.artifacts(root).put(fields.need('path'), request.body);
      return reply.code(200).send();
    },
  );
}
