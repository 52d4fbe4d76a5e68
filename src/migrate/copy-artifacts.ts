import { isMlopsError, messageOf } from '../base/index.ts';
import type { ArtifactStore } from '../tracking/index.ts';

export interface ArtifactCopy {
  /** Where the files come from, for messages. */
  readonly uri: string;
  /** Counts the files copied, and takes what went wrong. */
  readonly report: { files: number; readonly problems: string[] };
  /** Leave files alone that are there with the same size: an earlier copy was cut off. */
  readonly resume?: boolean;
}

/** Copies all files of one place to another; what a store refuses ends the copy and is reported. */
export async function copyArtifacts(from: ArtifactStore, to: ArtifactStore, copy: ArtifactCopy): Promise<void> {
  try {
    await copyFolder(from, to, '', copy);
  } catch (error) {
    if (!isMlopsError(error)) throw error;
    copy.report.problems.push(`artifacts at ${copy.uri}: ${messageOf(error)}`);
  }
}

async function copyFolder(from: ArtifactStore, to: ArtifactStore, folder: string, copy: ArtifactCopy): Promise<void> {
  const entries = await from.list(folder);
  const there = copy.resume === true && entries.length > 0 ? await to.list(folder) : [];
  const known = new Map(there.map((file) => [file.path, file.size]));
  for (const entry of entries) {
    if (entry.isDirectory) {
      await copyFolder(from, to, entry.path, copy);
    } else if (!known.has(entry.path) || known.get(entry.path) !== entry.size) {
      await to.put(entry.path, (await from.open(entry.path)).stream);
      copy.report.files++;
    }
  }
}
