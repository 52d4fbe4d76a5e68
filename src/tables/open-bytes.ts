import * as fs from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

import { isSystemError, MlopsError } from '../base/index.ts';
import { badTable } from './bad-table.ts';

/** Bytes that are read at once. */
const chunkSize = 1 << 20;

/** A file as bytes, unpacked where it begins as gzip does. @param name as messages name it. */
export async function* openBytes(file: string, name: string): AsyncGenerator<Buffer> {
  const raw = fs.createReadStream(file, { highWaterMark: chunkSize });
  try {
    if (!startsAsGzip(file)) yield* raw as AsyncIterable<Buffer>;
    else {
      // An error of either stream reaches the reader through the unpacked one.
      const unpacked = pipeline(raw, createGunzip({ chunkSize: 1 << 18 }), () => undefined);
      yield* unpacked as AsyncIterable<Buffer>;
    }
  } catch (error) {
    if (isSystemError(error, 'Z_BUF_ERROR', 'Z_DATA_ERROR')) {
      throw badTable(name, 'is gzip that is cut short or damaged', { cause: error });
    }
    throw error;
  } finally {
    raw.destroy();
  }
}

/** The first bytes of a file. @throws MlopsError `table_missing` where there is no such file. */
export function firstBytes(file: string, count: number): Buffer {
  let handle: number;
  try {
    handle = fs.openSync(file, 'r');
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR')) throw error;
    throw new MlopsError('table_missing', `'${file}' does not exist`, { hint: 'check the path' });
  }
  try {
    const bytes = Buffer.alloc(count);
    if (fs.fstatSync(handle).isDirectory()) {
      throw new MlopsError('table_missing', `'${file}' is a folder, not a table`, { hint: 'name a file' });
    }
    return bytes.subarray(0, fs.readSync(handle, bytes, 0, count, 0));
  } finally {
    fs.closeSync(handle);
  }
}

export function startsAsGzip(file: string): boolean {
  const [first, second] = firstBytes(file, 2);
  return first === 0x1f && second === 0x8b;
}
