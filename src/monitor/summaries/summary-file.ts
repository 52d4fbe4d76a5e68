import * as fs from 'node:fs';
import { crc32 } from 'node:zlib';

import { writeFileAtomic } from '../../base/index.ts';

/** What a file beside the log begins with, its format among it. */
const magic = 'mlopssm1';
/** Behind it: bytes of the JSON, how many ids there are, and a checksum of either. */
const headSize = magic.length + 4 * 4;

interface Head {
  readonly jsonLength: number;
  readonly idCount: number;
  readonly jsonSum: number;
  readonly idSum: number;
}

/** Writes JSON and ids, both with a checksum. */
export function writeSummaryFile(file: string, value: unknown, ids: Float64Array): void {
  const json = Buffer.from(JSON.stringify(value));
  const idBytes = Buffer.from(ids.buffer, ids.byteOffset, ids.byteLength);
  const head = Buffer.alloc(headSize);
  head.write(magic, 'latin1');
  for (const [i, number] of [json.length, ids.length, crc32(json), crc32(idBytes)].entries()) {
    head.writeUInt32LE(number, magic.length + 4 * i);
  }
  writeFileAtomic(file, Buffer.concat([head, json, idBytes]), { mode: 0o600 });
}

/** The JSON of such a file; undefined for one that is missing or damaged. */
export function readSummaryJson(file: string): unknown {
  return reading(file, (handle, { jsonLength, jsonSum }) => {
    const json = bytesAt(handle, headSize, jsonLength);
    return crc32(json) === jsonSum ? JSON.parse(json.toString('utf8')) : undefined;
  });
}

/** The ids of such a file; undefined for one that is missing or damaged. */
export function readSummaryIds(file: string): Float64Array | undefined {
  return reading(file, (handle, { jsonLength, idCount, idSum }) => {
    const bytes = bytesAt(handle, headSize + jsonLength, 8 * idCount);
    return crc32(bytes) === idSum ? new Float64Array(bytes.buffer, bytes.byteOffset, idCount) : undefined;
  });
}

function reading<Value>(file: string, read: (handle: number, head: Head) => Value): Value | undefined {
  let handle: number | undefined;
  try {
    handle = fs.openSync(file, 'r');
    const head = bytesAt(handle, 0, headSize);
    if (head.toString('latin1', 0, magic.length) !== magic) return undefined;
    const [jsonLength = 0, idCount = 0, jsonSum = 0, idSum = 0] = [0, 1, 2, 3].map((i) =>
      head.readUInt32LE(magic.length + 4 * i),
    );
    if (fs.fstatSync(handle).size !== headSize + jsonLength + 8 * idCount) return undefined;
    return read(handle, { jsonLength, idCount, jsonSum, idSum });
  } catch {
    // Whatever is wrong with it: it can be made anew.
    return undefined;
  } finally {
    if (handle !== undefined) fs.closeSync(handle);
  }
}

/** Bytes that begin where a Float64Array may. */
function bytesAt(handle: number, position: number, length: number): Buffer {
  const bytes = Buffer.from(new ArrayBuffer(length));
  let at = 0;
  while (at < length) {
    const read = fs.readSync(handle, bytes, at, length - at, position + at);
    if (read === 0) break;
    at += read;
  }
  return bytes;
}
