import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

import { MlopsError } from '../../base/index.ts';
import { openStore as openBlobs } from '../../storage/index.ts';
import { blobRoots, openTracking, type OpenArtifacts, type TrackingStore } from '../../tracking/index.ts';
import { openPlace, type TrackingPlace } from '../places/tracking-home.ts';

/** Where a server keeps what it is given. */
export interface ServedPlaces {
  /** The store that is served where `backend` is not given. */
  readonly place: TrackingPlace;
  /** Relative paths start here. */
  readonly cwd: string;
  /** `sqlite:///PATH`, a path, or `postgresql://USER@HOST/DATABASE`. */
  readonly backend?: string | undefined;
  /** Folder or `s3://BUCKET/PREFIX` that keeps what clients upload. Default: `artifacts` beside the store. */
  readonly artifacts?: string | undefined;
  /** Whether clients move large files to and from the bucket themselves. Default false. */
  readonly directArtifacts?: boolean | undefined;
  /** Default true. */
  readonly serveArtifacts?: boolean | undefined;
  /** Where new experiments keep artifacts instead of this server. */
  readonly defaultArtifactRoot?: string | undefined;
  readonly durability?: 'normal' | 'full' | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** Opens the store of a server with its artifacts, for the server itself and for what tidies up after it. */
export async function openServedStore(options: ServedPlaces): Promise<TrackingStore> {
  const { backend, cwd, place, durability, serveArtifacts = true } = options;
  const uri = backend === undefined ? place.uri : resolveBackend(backend, cwd);
  const file = /^[a-z][a-z0-9+.-]+:/i.test(uri) ? undefined : uri;
  const home = path.dirname(file ?? path.join(cwd, 'x'));
  const beside = file === undefined ? path.join(home, 'artifacts') : undefined;
  const artifacts = options.artifacts === undefined ? beside : await artifactPlace(options.artifacts, options);
  const root =
    options.defaultArtifactRoot ?? (serveArtifacts ? undefined : (options.artifacts ?? path.join(home, 'artifacts')));
  // Makes the state folder of a project when it is the project's own store.
  if (backend === undefined && !place.given && !fs.existsSync(uri)) await (await openPlace(place)).close();
  return openTracking(uri, { durability, artifacts, artifactRoot: root, env: options.env });
}

/** MLflow writes `sqlite:///relative.db` and `sqlite:////absolute.db`. */
export function resolveBackend(backend: string, cwd: string): string {
  const sqlite = /^sqlite:\/\/\/(.+)$/.exec(backend)?.[1];
  if (sqlite === ':memory:') return 'memory:';
  if (sqlite !== undefined) return path.resolve(cwd, sqlite);
  return /^[a-z][a-z0-9+.-]+:/i.test(backend) ? backend : path.resolve(cwd, backend);
}

async function artifactPlace(
  destination: string,
  { cwd, env = {}, directArtifacts }: ServedPlaces,
): Promise<string | OpenArtifacts> {
  if (destination.startsWith('file:')) return fileURLToPath(destination);
  if (!/^[a-z][a-z0-9+.-]+:/i.test(destination)) return path.resolve(cwd, destination);
  // The name that MLflow has for the endpoint of an S3 that is not Amazon's.
  const endpoint = env['MLFLOW_S3_ENDPOINT_URL'];
  const blobs = await openBlobs(destination, endpoint === undefined ? {} : { endpointurl: endpoint });
  if (directArtifacts === true && blobs.direct === undefined) {
    throw new MlopsError('usage', `--direct-artifacts needs a bucket, which '${blobs.url}' is not`);
  }
  return blobRoots(blobs, { direct: directArtifacts });
}
