import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError, MlopsError } from '../../base/index.ts';
import { decodePicture, describePicture, knownFormat } from '../../pictures/index.ts';
import { recordTable, type Table } from '../../tables/index.ts';

type Row = Record<string, unknown>;

const endings = /\.(?:jpe?g|png|webp|gif|bmp|tiff?)$/i;

/**
 * A folder of pictures as a table, a row a picture, in the order of their paths: `file`, `class` (the folder that it lies
 * in), `readable`, `format`, `width`, `height`, `mode`, `mean`, `standard_deviation`, `contrast`, `bytes` and `md5`. What is no
 * picture and is not called one is left out.
 *
 * @param shape what to make of each row.
 * @throws MlopsError `table_missing` where there is no picture.
 */
export function pictureTable(folder: string, name: string, shape: (row: Row) => Row = (row) => row): Table {
  const files = fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => file.split(path.sep).join('/'))
    .filter((file) => endings.test(file) && !file.split('/').some((part) => part.startsWith('.')))
    .toSorted();
  if (files.length === 0) {
    throw new MlopsError('table_missing', `there are no pictures in '${name}'`, {
      hint: 'name a data file, or a folder of JPEG, PNG, WebP, GIF, BMP or TIFF',
    });
  }
  return recordTable(name, async function* rows() {
    for (const file of files) yield shape(await rowOf(folder, file));
  });
}

/** What the prediction log has of a picture, too, there as `image.width`. */
const described = new Set(['width', 'height', 'mean', 'standard_deviation', 'contrast']);

/** What drift is told by: without what only names a picture, and called as in a table that it is compared with. */
export function pictureDescriptors(folder: string, name: string, others: readonly string[]): Table {
  const field = fieldOf(others);
  return pictureTable(folder, name, ({ file: _file, md5: _md5, ...row }) =>
    field === undefined
      ? row
      : Object.fromEntries(
          Object.entries(row).map(([key, value]) => [described.has(key) ? `${field}.${key}` : key, value]),
        ),
  );
}

/** The input of a model that the columns of its log tell to be pictures, where it is one. */
function fieldOf(columns: readonly string[]): string | undefined {
  const ending = '.contrast';
  const fields = columns.filter((name) => name.endsWith(ending)).map((name) => name.slice(0, -ending.length));
  return fields.length === 1 && columns.includes(`${fields[0]}.width`) ? fields[0] : undefined;
}

async function rowOf(folder: string, file: string): Promise<Row> {
  const bytes = await fs.promises.readFile(path.join(folder, file));
  const parent = path.posix.dirname(file);
  const facts = await factsOf(bytes);
  return {
    file,
    ...(parent === '.' ? {} : { class: path.posix.basename(parent) }),
    readable: facts !== undefined,
    format: knownFormat(bytes) ?? null,
    width: facts?.width ?? null,
    height: facts?.height ?? null,
    mode: facts?.mode ?? null,
    mean: facts?.mean ?? null,
    standard_deviation: facts?.standardDeviation ?? null,
    contrast: facts?.contrast ?? null,
    bytes: bytes.length,
    md5: createHash('md5').update(bytes).digest('hex'),
  };
}

async function factsOf(bytes: Uint8Array) {
  try {
    return describePicture(await decodePicture(bytes));
  } catch (error) {
    if (isMlopsError(error, 'bad_picture')) return undefined;
    throw error;
  }
}
