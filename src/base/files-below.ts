import * as fs from 'node:fs';
import * as path from 'node:path';

/** The plain files below a folder, as paths relative to it with slashes; links are not followed. None where it is not there. */
export function filesBelow(folder: string): string[] {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'));
}
