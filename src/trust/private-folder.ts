import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../base/index.ts';

/**
 * The private folder of a project or store: indexes, the store, keys, notes of what runs. This file is the only one that
 * knows where it is, who may read it and what Git is told of it; whether it can be believed, `requireTrusted` knows.
 */
export function privateFolder(root: string): string {
  return path.join(root, '.mlops');
}

/** Makes a private folder, for this user alone and ignored by Git. One that is there stays as it is. */
export function makePrivateFolder(folder: string): void {
  const ignore = path.join(folder, '.gitignore');
  if (fs.existsSync(ignore)) return;
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  fs.writeFileSync(ignore, '*\n', { mode: 0o600 });
}

/**
 * A folder in a private folder. It is looked at before it is used: what moves, deletes and restores files goes through
 * no link.
 * @param make also make it. Default false.
 * @throws MlopsError `untrusted_state` for a link, or anything that is no folder.
 */
export function privateSubfolder(folder: string, name: string, options: { readonly make?: boolean } = {}): string {
  const inside = path.join(folder, name);
  if (options.make === true) {
    makePrivateFolder(folder);
    fs.mkdirSync(inside, { recursive: true, mode: 0o700 });
  }
  const stat = fs.lstatSync(inside, { throwIfNoEntry: false });
  if (stat !== undefined && !stat.isDirectory()) throw notOurs(inside);
  return inside;
}

/**
 * A file in a private folder.
 * @throws MlopsError `untrusted_state` for a link, or anything that is no file.
 */
export function privateFile(folder: string, name: string): string {
  const file = path.join(folder, name);
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  if (stat !== undefined && !stat.isFile()) throw notOurs(file);
  return file;
}

function notOurs(file: string): MlopsError {
  return new MlopsError('untrusted_state', `'${file}' is a link, or of a kind that mlops does not make there`, {
    hint: `what it leads to would be changed or deleted. Remove it: rm ${file}`,
    data: { path: file },
  });
}
