import { isMlopsError } from '../base/index.ts';
import type { ArtifactName } from '../mlflow/index.ts';
import type { ArtifactFile, ArtifactStore, ByteRange, OpenArtifact } from '../tracking/index.ts';

/** A file as a request names it. */
export interface FoundArtifact {
  /** Its name in the store. */
  readonly name: string;
  readonly opened: OpenArtifact;
}

/**
 * Opens the file that a request names, under the first of its readings that is there.
 *
 * @throws MlopsError `resource_missing`; `invalid_value` for a path that leaves the store.
 */
export async function openNamed(
  store: ArtifactStore,
  { stored, others }: ArtifactName,
  range?: ByteRange,
): Promise<FoundArtifact> {
  try {
    return { name: stored, opened: await store.open(stored, range) };
  } catch (error) {
    if (!isMlopsError(error, 'resource_missing')) throw error;
    for (const name of others) {
      const opened = await store.open(name, range).catch(() => undefined);
      if (opened !== undefined) return { name, opened };
    }
    throw error;
  }
}

/** What lies in the directory that a request names. */
export async function listNamed(
  store: ArtifactStore,
  { stored, others }: ArtifactName,
): Promise<readonly ArtifactFile[]> {
  const files = await store.list(stored);
  if (files.length > 0) return files;
  for (const name of others) {
    const found = await store.list(name);
    if (found.length > 0) return found;
  }
  return files;
}

/** Paths as MLflow's server writes them: the last name of each behind the directory as the request has it. */
export function asAsked(files: readonly ArtifactFile[], directory: string): readonly ArtifactFile[] {
  const prefix = directory === '' || directory.endsWith('/') ? directory : `${directory}/`;
  return files.map((file) => ({ ...file, path: prefix + file.path.slice(file.path.lastIndexOf('/') + 1) }));
}
