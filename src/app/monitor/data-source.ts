import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import { get } from '../../repo/imports/get.ts';
import { namesTrainingData, openTrainingData } from './training-data.ts';
import { openWindow, type WindowPlaces } from './log-window.ts';
import { openTable, type Table, type TableOptions } from '../../tables/index.ts';

export interface DataPlaces extends WindowPlaces {
  readonly cwd: string;
}

/** A table that was asked for by name, and what made it readable. */
export interface DataSource {
  readonly table: Table;
  /** Of a folder of pictures: what drift is told by, beside a table of these columns. */
  readonly describe?: (others: readonly string[]) => Table;
  /** Removes what was brought here for reading. */
  close(): void;
}

/**
 * Opens what `--reference` and `--current` name: a file or a folder of pictures, or `PATH@REV`, one of Git or DVC at a revision,
 * `models:/NAME/VERSION` or `runs:/ID`, what a model or run was trained on, or `log:MODEL?since=7d`, a window of the
 * prediction log.
 * @throws MlopsError `table_missing`, `unknown_revision`, `object_missing`.
 */
export async function openData(name: string, places: DataPlaces, options: TableOptions = {}): Promise<DataSource> {
  const { cwd } = places;
  if (name.startsWith('log:')) {
    return { table: await openWindow(name, places), close: () => undefined };
  }
  if (namesTrainingData(name)) {
    const data = await places.withStore((store) => openTrainingData(name, cwd, store));
    return { table: openTable(data.file, { ...options, name, path: data.path }), close: () => data.close() };
  }
  const file = path.resolve(cwd, name);
  const at = name.lastIndexOf('@');
  if (at <= 0 || fs.existsSync(file)) {
    return openPath(file, name, { ...options, name }, () => undefined);
  }
  const inside = name.slice(0, at);
  const rev = name.slice(at + 1);
  if (rev === '') throw new MlopsError('usage', `'${name}' names no revision after the @`);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-data-'));
  const close = (): void => fs.rmSync(folder, { recursive: true, force: true });
  try {
    const out = path.join(folder, path.basename(inside));
    await get(cwd, { url: '.', path: inside, rev, out });
    return await openPath(out, name, { ...options, name, path: inside }, close);
  } catch (error) {
    close();
    throw error;
  }
}

/** A table, or a folder of pictures as one. */
async function openPath(
  file: string,
  name: string,
  options: Parameters<typeof openTable>[1],
  close: () => void,
): Promise<DataSource> {
  if (fs.statSync(file, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return { table: openTable(file, options), close };
  }
  const { pictureDescriptors, pictureTable } = await import('./picture-folder.ts');
  return { table: pictureTable(file, name), describe: (others) => pictureDescriptors(file, name, others), close };
}
