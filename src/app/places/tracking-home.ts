import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import { openTracking, type TrackingStore } from '../../tracking/index.ts';
import { makePrivateFolder, privateFile, privateFolder, requireTrusted } from '../../trust/index.ts';

export interface TrackingPlace {
  /** A file of ours or an URL. */
  readonly uri: string;
  /** The folder that holds `.mlops`. */
  readonly root: string;
  /** True when the user named the store by MLFLOW_TRACKING_URI. */
  readonly given: boolean;
}

/**
 * Where runs and models are kept: MLFLOW_TRACKING_URI when it is set, else `.mlops/mlops.db` of the project
 * around a folder (the nearest with `.dvc` or `.mlops`), else of the folder itself.
 * @throws MlopsError `untrusted_state` where that folder came by Git or is another user's.
 */
export function trackingPlace(cwd: string, env: Readonly<Record<string, string | undefined>>): TrackingPlace {
  const root = projectRoot(cwd) ?? cwd;
  requireTrusted(root);
  const uri = env['MLFLOW_TRACKING_URI'];
  if (uri !== undefined && uri !== '') return { uri, root, given: true };
  return { uri: privateFile(privateFolder(root), 'mlops.db'), root, given: false };
}

/** The store beside the project, also where MLFLOW_TRACKING_URI names another one. @throws as `trackingPlace`. */
export function ownPlace(cwd: string, env: Readonly<Record<string, string | undefined>>): TrackingPlace {
  return trackingPlace(cwd, { ...env, MLFLOW_TRACKING_URI: undefined });
}

function projectRoot(cwd: string): string | undefined {
  for (let directory = path.resolve(cwd); ; directory = path.dirname(directory)) {
    if (fs.existsSync(path.join(directory, '.dvc')) || fs.existsSync(privateFolder(directory))) return directory;
    if (directory === path.dirname(directory)) return undefined;
  }
}

export interface OpenPlaceOptions {
  /** Make the store where there is none; otherwise its absence is an error. Default true. */
  readonly create?: boolean;
  /** Ends requests to a server. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens the tracking store that commands in a folder use; `.mlops` ignores itself.
 *
 * @throws MlopsError `not_a_project` when there is none and none is to be made.
 */
export async function openPlace(place: TrackingPlace, options: OpenPlaceOptions = {}): Promise<TrackingStore> {
  if (place.given) return openTracking(place.uri, { signal: options.signal });
  if (!fs.existsSync(place.uri)) {
    if (options.create === false) {
      throw new MlopsError('not_a_project', `nothing has been recorded in '${place.root}' yet`, {
        hint: 'run `mlops repro` or `mlops run -- COMMAND` there, or set MLFLOW_TRACKING_URI',
      });
    }
    makePrivateFolder(privateFolder(place.root));
  }
  return openTracking(place.uri);
}

/** Aborts some milliseconds after another signal: what was interrupted is still written down, if that can be done. */
export function afterGrace(signal: AbortSignal | undefined, milliseconds = 5000): AbortSignal {
  const later = new AbortController();
  const begin = (): void => void setTimeout(() => later.abort(signal?.reason), milliseconds).unref();
  if (signal?.aborted === true) begin();
  else signal?.addEventListener('abort', begin, { once: true });
  return later.signal;
}
