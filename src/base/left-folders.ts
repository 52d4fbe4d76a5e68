import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError } from './error.ts';

const aDay = 86_400_000;

/**
 * Removes working folders that a killed command left in a directory: those with such a name that nothing was made or
 * removed in for a day. Whether their process still lives cannot be asked where several machines share the directory.
 */
export function removeLeftFolders(directory: string, isOurs: (name: string) => boolean): void {
  let names: string[];
  try {
    names = fs.readdirSync(directory);
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return;
    throw error;
  }
  for (const folder of names.filter(isOurs).map((name) => path.join(directory, name))) {
    const stat = fs.lstatSync(folder, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true && Date.now() - stat.mtimeMs > aDay) fs.rmSync(folder, { recursive: true });
  }
}
