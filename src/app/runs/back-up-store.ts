import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { MlopsError, temporaryName } from '../../base/index.ts';
import { openTracking } from '../../tracking/index.ts';
import type { TrackingPlace } from '../places/tracking-home.ts';

export interface StoreChoice {
  readonly place: TrackingPlace;
  readonly cwd: string;
  /** `sqlite:///PATH`, a path or `postgresql://...`; default: the store of the place. */
  readonly backend?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** The address of the store that is meant: absolute where it is a file. */
export function storeUri({ place, cwd, backend }: StoreChoice): string {
  if (backend === undefined) return place.uri;
  const file = backend.replace(/^sqlite:\/\/\//, '');
  return /^[a-z][a-z0-9+.-]+:/i.test(file) ? backend : path.resolve(cwd, file);
}

const isFile = (uri: string): boolean => !/^[a-z][a-z0-9+.-]+:/i.test(uri);

/**
 * Writes a consistent copy of a store to a new SQLite file while others read and write it. The copy appears whole.
 *
 * @param file absolute; must not exist.
 * @returns its size in bytes.
 * @throws MlopsError `files_in_the_way` when the file exists, `invalid_value` when there is no store.
 */
export async function backUpStore(options: StoreChoice & { readonly file: string }): Promise<number> {
  const { file, env } = options;
  if (fs.existsSync(file)) {
    throw new MlopsError('files_in_the_way', `'${file}' exists already`, { hint: 'name a new file' });
  }
  const source = storeUri(options);
  if (isFile(source) && !fs.existsSync(source)) {
    throw new MlopsError('invalid_value', `there is no store '${source}'`);
  }
  const store = await openTracking(source, { env });
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

/**
 * Fills an empty store with all that another has, with its ids: from a backup, a store's file, or a PostgreSQL
 * database. A file that fails to be filled is as it was.
 *
 * @throws MlopsError `invalid_state` when the store is not empty, `invalid_value` when there is nothing to read.
 */
export async function fillStore(options: StoreChoice & { readonly from: string }): Promise<void> {
  const { from, cwd, place, env } = options;
  const source = storeUri({ place, cwd, backend: from });
  if (isFile(source) && !fs.existsSync(source)) {
    throw new MlopsError('invalid_value', `there is no store '${source}'`);
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-copy-'));
  const target = storeUri(options);
  if (isFile(target)) fs.mkdirSync(path.dirname(target), { recursive: true });
  const store = await openTracking(target, { env });
  try {
    // A copy: a file that is in use is read as it is at one moment.
    const file = path.join(folder, 'store.db');
    await backUpStore({ place, cwd, backend: from, env, file });
    await store.restore(file);
  } finally {
    await store.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
