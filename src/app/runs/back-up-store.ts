import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError, temporaryName } from '../../base/index.ts';
import { openSqlite } from '../../tracking/index.ts';
import type { TrackingPlace } from '../places/tracking-home.ts';

export interface BackUpOptions {
  readonly place: TrackingPlace;
  readonly cwd: string;
  /** `sqlite:///PATH` or a path; default: the store of the place. */
  readonly backend?: string | undefined;
  /** Absolute; must not exist. */
  readonly file: string;
}

/**
 * Writes a consistent copy of a store to a new file while others read and write it. The copy appears whole.
 *
 * @returns its size in bytes.
 * @throws MlopsError `files_in_the_way` when the file exists, `invalid_value` when there is no store.
 */
export async function backUpStore(options: BackUpOptions): Promise<number> {
  const { file, backend, place, cwd } = options;
  if (fs.existsSync(file)) {
    throw new MlopsError('files_in_the_way', `'${file}' exists already`, { hint: 'name a new file' });
  }
  const source = backend === undefined ? place.uri : path.resolve(cwd, backend.replace(/^sqlite:\/\/\//, ''));
  if (!fs.existsSync(source)) throw new MlopsError('invalid_value', `there is no store '${source}'`);
  const store = openSqlite(source);
  const temporary = temporaryName(file);
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    // As private as the store itself, from its first byte on.
    fs.closeSync(fs.openSync(temporary, 'wx', 0o600));
    await store.backup(temporary);
    fs.renameSync(temporary, file);
  } finally {
    fs.rmSync(temporary, { force: true });
    await store.close();
  }
  return fs.statSync(file).size;
}
