import { MlopsError } from '../base/index.ts';
import { mlflowErrorBody, type Shell } from '../http/index.ts';
import {
  decodeFully,
  invalid,
  listToJson,
  newArtifactName,
  readArtifactName,
  readQuery,
  spansFile,
  type Fields,
  type Json,
} from '../mlflow/index.ts';
import type { ArtifactFile, TrackingStore } from '../tracking/index.ts';
import { asAsked, listNamed } from './named-artifacts.ts';
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
        const directory = fields.text('artifact_directory_path') ?? '';
        readArtifactName(directory);
        return listing(store, (await store.getLoggedModel(id)).artifactUri, directory);
      },
    },
  ];
}

async function list(store: TrackingStore, fields: Fields): Promise<Json> {
  const id = runIdOf(fields);
  const directory = fields.text('path') ?? '';
  // A path that is wrong by itself is refused before the run is looked for.
  readArtifactName(directory);
  return listing(store, (await store.getRun(id)).info.artifactUri, directory);
}

async function listing(store: TrackingStore, uri: string, directory: string): Promise<Json> {
  const files = await listNamed(store.artifacts(uri), readArtifactName(directory));
  return { root_uri: uri, files: listToJson(asAsked(files, decodeFully(directory)), fileToJson) };
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
      const name = readArtifactName(path);
      const { model_id: id = '' } = request.params as Record<string, string>;
      return sendArtifact(store.artifacts(await rootOf(fields, id)), name, request, reply);
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
  addTraceFile(shell, prefix, store);
  shell.post(
    `${prefix}/ajax-api/2.0/mlflow/upload-artifact`,
    { bodyLimit: uploadLimit, config: { scope: 'write', errors: mlflowErrorBody } },
    async (request, reply) => {
      const fields = readQuery(request.query as Record<string, unknown>);
      const run = fields.filled('run_uuid');
      if (run === undefined) throw invalid('Request must specify run_uuid.');
      const path = fields.filled('path');
      if (path === undefined) throw invalid('Request must specify path.');
      const name = newArtifactName(path);
      const { body } = request;
      if (!Buffer.isBuffer(body) || body.length === 0) throw invalid('Request must specify data.');
      const { info } = await store.getRun(run);
      await store.artifacts(info.artifactUri).put(name, body);
      return reply.code(200).send();
    },
  );
}

/** The spans of a trace as the file that the web UI offers: the file itself, or what the store has of it. */
function addTraceFile(shell: Shell, prefix: string, store: TrackingStore): void {
  const { traces } = store;
  if (traces === undefined) return;
  for (const version of ['2.0', '3.0']) {
    const url = `${prefix}/ajax-api/${version}/mlflow/get-trace-artifact`;
    shell.get(url, { config: { scope: 'read', errors: mlflowErrorBody } }, async (request, reply) => {
      const fields = readQuery(request.query as Record<string, unknown>);
      const { info, spans } = await traces.getTrace(fields.filled('request_id') ?? fields.need('trace_id'));
      const place = info.tags.find(({ key }) => key === 'mlflow.artifactLocation')?.value;
      if (spans.length === 0 && place !== undefined) {
        return sendArtifact(store.artifacts(place), readArtifactName('traces.json'), request, reply);
      }
      return reply
        .headers({
          'content-type': 'text/plain',
          'content-disposition': 'attachment; filename=traces.json',
          'x-content-type-options': 'nosniff',
        })
        .send(spansFile(spans));
    });
  }
}
