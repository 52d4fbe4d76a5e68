import { createHash } from 'node:crypto';

import type { ArtifactFile, ArtifactStore } from '../../tracking/index.ts';

/** All files below a folder of artifacts. */
export async function artifactFiles(artifacts: ArtifactStore, folder = ''): Promise<ArtifactFile[]> {
  const found: ArtifactFile[] = [];
  for (const file of await artifacts.list(folder)) {
    if (file.isDirectory) found.push(...(await artifactFiles(artifacts, file.path)));
    else found.push(file);
  }
  return found;
}

/** The digest of one of them, in hexadecimal digits; read as a stream. */
export async function artifactDigest(
  artifacts: ArtifactStore,
  file: string,
  algorithm: 'md5' | 'sha256',
): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of (await artifacts.open(file)).stream) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}
