import { isMlopsError, isSystemError, messageOf, MlopsError } from '../base/index.ts';
import type { ArtifactStore } from '../tracking/index.ts';

export interface ArtifactCopy {
  /** Where the files come from, for messages. */
  readonly uri: string;
  /** Counts the files copied, and takes what went wrong. */
  readonly report: { files: number; readonly problems: string[] };
  /** Leave files alone that are there with the same size: an earlier copy was cut off. */
  readonly resume?: boolean;
}

/** Copies all files of one place to another; what cannot be read or kept is reported by its name, and the rest goes on. */
export async function copyArtifacts(from: ArtifactStore, to: ArtifactStore, copy: ArtifactCopy): Promise<void> {
  await copyFolder(from, to, '', copy);
}

async function copyFolder(from: ArtifactStore, to: ArtifactStore, folder: string, copy: ArtifactCopy): Promise<void> {
  const entries = await listed(() => from.list(folder), folder, copy);
  // A folder whose name is no UTF-8 cannot be opened by the name it is shown with.
  if (entries.length === 0 && folder.includes('\ufffd'))
    tell(new MlopsError('resource_missing', 'its name is no UTF-8'), folder, copy);
  const there = copy.resume === true && entries.length > 0 ? await listed(() => to.list(folder), folder, copy) : [];
  const known = new Map(there.map((file) => [file.path, file.size]));
  for (const entry of entries) {
    if (entry.isDirectory) {
      await copyFolder(from, to, entry.path, copy);
    } else if (!known.has(entry.path) || known.get(entry.path) !== entry.size) {
      await copyFile(from, to, entry.path, copy);
    }
  }
}

async function listed<Item>(
  list: () => Promise<readonly Item[]>,
  folder: string,
  copy: ArtifactCopy,
): Promise<readonly Item[]> {
  try {
    return await list();
  } catch (error) {
    tell(error, folder, copy);
    return [];
  }
}

async function copyFile(from: ArtifactStore, to: ArtifactStore, file: string, copy: ArtifactCopy): Promise<void> {
  try {
    await to.put(file, (await from.open(file)).stream);
    copy.report.files++;
  } catch (error) {
    tell(error, file, copy);
  }
}

/** A fault of this one file or folder; what is wrong with the target as a whole ends the copy. */
function tell(error: unknown, name: string, { uri, report }: ArtifactCopy): void {
  const refused = isMlopsError(error, 'disk_full') || isMlopsError(error, 'tracking_unreachable');
  const whole = refused || isSystemError(error, 'ENOSPC', 'EDQUOT', 'EROFS');
  if (whole || !(isMlopsError(error) || isSystemError(error))) throw error;
  const shown = name === '' ? '' : `'${name}' `;
  report.problems.push(`artifact ${shown}of ${uri} stays behind: ${messageOf(error)}`);
}
