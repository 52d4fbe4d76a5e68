import { readdirSync } from 'node:fs';
import * as path from 'node:path';

/** All files below a folder whose name passes the test. */
export function globSync(folder, test) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}
