import { MlopsError } from '../base/index.ts';
import { invalid, readArtifactName, type Fields, type Json } from '../mlflow/index.ts';
import type { TrackingStore } from '../tracking/index.ts';
import type { ApiRoute } from './route.ts';

/**
 * Addresses at an object store by which clients move the files of a run or model past this server, where these lie in
 * an object store of the client's own. What this server keeps itself goes through its artifact proxy.
 */
export function presignedRoutes(store: TrackingStore): readonly ApiRoute[] {
  return [
    { method: 'POST', path: '/artifacts/presigned-upload-url', answer: (fields) => refuse(store, fields, true) },
    {
      ...{ method: 'POST', path: '/artifacts/presigned-download-url', scope: 'read' },
      answer: (fields) => refuse(store, fields, false),
    },
  ];
}

async function refuse(store: TrackingStore, fields: Fields, upload: boolean): Promise<Json> {
  const [run, model] = [fields.filled('run_id'), upload ? fields.filled('model_id') : undefined];
  readArtifactName(fields.need('path'));
  if (!upload && run === undefined) throw fields.missing('run_id');
  if ((run === undefined) === (model === undefined)) {
    throw invalid('Exactly one of run_id and model_id must be provided.');
  }
  const seconds = fields.integer('expiration');
  if (seconds !== undefined && (seconds < 1 || seconds > 604_800)) {
    throw invalid(`expiration must be between 1 and 604800 seconds (got ${seconds}).`);
  }
  const uri =
    run === undefined
      ? (await store.getLoggedModel(model ?? '')).artifactUri
      : (await store.getRun(run)).info.artifactUri;
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1] ?? 'file';
  if (/^(?:https?|mlflow-artifacts)$/.test(scheme)) {
    const what = `Presigned ${upload ? 'upload' : 'download'} is not supported for proxied artifact storage`;
    throw invalid(
      `${what} (artifact URI scheme: ${scheme}). This endpoint requires a direct cloud storage artifact URI.`,
    );
  }
  throw new MlopsError('not_implemented', `This server has no key to the ${scheme} storage of the client.`);
}
