import { createWriteStream } from 'node:fs';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { pipeline } from 'node:stream/promises';

import { MlopsError, temporaryName } from '../../base/index.ts';
import type { ModelVersion } from '../../mlflow/index.ts';
import type { ArtifactStore, TrackingStore } from '../../tracking/index.ts';
import { requireFileName } from './artifact-names.ts';

/**
 * Copies the files of a version into a new folder, which appears whole or not at all.
 *
 * @returns the paths of the files, relative to the folder.
 * @throws MlopsError `files_in_the_way`, `model_not_found` when the version has no files.
 */
export async function downloadModel(
  store: TrackingStore,
  version: ModelVersion,
  target: string,
): Promise<readonly string[]> {
  const files = store.artifacts(await store.getDownloadUri(version.name, version.version));
  const existing = await fs.readdir(target).catch(() => []);
  if (existing.length > 0) {
    throw new MlopsError('files_in_the_way', `'${target}' is not empty`, { hint: 'name another folder with -o' });
  }
  const temporary = temporaryName(target);
  try {
    const copied = await copyAll(files, '', temporary);
    if (copied.length === 0) {
      throw new MlopsError('model_not_found', `${version.name} version ${version.version} has no files`);
    }
    await fs.rm(target, { recursive: true, force: true });
    await fs.mkdir(path.dirname(target), { recursive: true });
    await fs.rename(temporary, target);
    return copied;
  } finally {
    await fs.rm(temporary, { recursive: true, force: true });
  }
}

async function copyAll(files: ArtifactStore, folder: string, target: string): Promise<string[]> {
  const copied: string[] = [];
  for (const file of await files.list(folder)) {
    requireFileName(file.path);
    if (file.isDirectory) {
      copied.push(...(await copyAll(files, file.path, target)));
      continue;
    }
    const local = path.join(target, ...file.path.split('/'));
    await fs.mkdir(path.dirname(local), { recursive: true });
    await pipeline((await files.open(file.path)).stream, createWriteStream(local));
    copied.push(file.path);
  }
  return copied;
}
