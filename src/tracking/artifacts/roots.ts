import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

import { MlopsError } from '../../base/index.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { localArtifacts } from './local-artifacts.ts';
import { artifactPath, climbs } from './location.ts';

/** Opens the files below any artifact URI of a store. */
export type OpenArtifacts = (uri: string) => ArtifactStore;

/** URIs whose files lie in `root` on this machine (`mlflow-artifacts:/...`), or in a local folder of their own. */
export function localRoots(root: string): OpenArtifacts {
  return (uri) => {
    const proxied = proxiedPath(uri);
    if (proxied !== undefined) return localArtifacts(uri, path.join(root, ...proxied.split('/')));
    if (climbs(uri)) throw new MlopsError('invalid_value', 'Invalid path');
    if (uri.startsWith('file:')) return localArtifacts(uri, fileURLToPath(uri));
    if (path.isAbsolute(uri)) return localArtifacts(uri, uri);
    throw new MlopsError('invalid_value', `the artifacts at '${uri}' are not in reach of this store`, {
      hint: 'read them with the client of that object store',
    });
  };
}

/**
 * The path below the artifact root of an URI that is served from there: `mlflow-artifacts:/PATH`, or the address of
 * an artifact proxy; undefined for other URIs.
 */
export function proxiedPath(uri: string): string | undefined {
  const scheme = /^mlflow-artifacts:\/*/.exec(uri)?.[0];
  if (scheme !== undefined) return artifactPath(uri.slice(scheme.length));
  const at = /^https?:\/\//.test(uri) && !/[?#]/.test(uri) ? uri.indexOf(proxyPath) : -1;
  return at === -1 ? undefined : artifactPath(uri.slice(at + proxyPath.length));
}

/** Where an artifact proxy of MLflow's protocol stands on its server. */
export const proxyPath = '/api/2.0/mlflow-artifacts/artifacts/';
