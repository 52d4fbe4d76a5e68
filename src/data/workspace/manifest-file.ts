import * as fs from 'node:fs';

import { MlopsError } from '../../base/index.ts';
import type { HashName, TreeFile } from '../ids/content.ts';
import type { DataContext } from '../context/context.ts';
import { createDigest, fillBuffer } from '../ids/digest.ts';
import { objectPath } from '../ids/layout.ts';
import { manifestChunks, manifestDigests, parseManifest, splitManifest } from '../ids/manifest.ts';
import { openForWriting, placeAtomically, writeFully } from '../jobs/place-file.ts';

/** Which directory, by the id of its manifest. */
interface DirectoryId {
  readonly md5: string;
  readonly hashName: HashName;
}

/** Puts a directory's manifest into the cache, of files as `manifestChunks` takes them, which should be there before it. */
export function writeManifest(ctx: DataContext, id: DirectoryId, files: () => Iterable<TreeFile>): void {
  const file = objectPath(ctx.cacheDir, id.md5, id.hashName);
  if (fs.existsSync(file)) return;
  placeAtomically(file, (temp) => {
    const fd = openForWriting(temp, ctx.objectMode);
    try {
      for (const chunk of manifestChunks(files())) writeFully(fd, Buffer.from(chunk));
    } finally {
      fs.closeSync(fd);
    }
  });
}

/**
 * The files of a cached directory.
 * @throws MlopsError `object_missing`, `corrupt_object`.
 */
export function readManifest(ctx: DataContext, id: DirectoryId): TreeFile[] {
  return readParts(ctx, id, (part) => parseManifest(part, id.md5));
}

/** The digests of the files of a cached directory. Throws as `readManifest`. */
export function readManifestDigests(ctx: DataContext, id: DirectoryId): string[] {
  return readParts(ctx, id, (part) => manifestDigests(part) ?? parseManifest(part, id.md5).map(({ md5 }) => md5));
}

function readParts<Entry>(ctx: DataContext, id: DirectoryId, read: (part: Buffer) => Entry[]): Entry[] {
  const file = objectPath(ctx.cacheDir, id.md5, id.hashName);
  const fd = openManifest(file, id);
  try {
    const digest = createDigest('md5');
    let length = 0;
    for (const chunk of chunksOf(fd)) {
      digest.update(chunk);
      length += chunk.length;
      // Most fit into one chunk, and are not read twice.
      if (length === chunk.length && chunk.length < chunkSize) {
        if (`${digest.hex()}.dir` !== id.md5) throw corruptManifest(id, file);
        return read(chunk);
      }
    }
    if (`${digest.hex()}.dir` !== id.md5) throw corruptManifest(id, file);
    const entries: Entry[] = [];
    for (const part of splitManifest(chunksOf(fd))) for (const entry of read(part)) entries.push(entry);
    return entries;
  } finally {
    fs.closeSync(fd);
  }
}

const chunkSize = 1 << 20;

/** An open file from its beginning, in chunks that are good until the next one. */
function* chunksOf(fd: number): Iterable<Buffer> {
  const buffer = Buffer.allocUnsafe(chunkSize);
  for (let position = 0; ;) {
    const length = fillBuffer(fd, buffer, 0, position);
    yield buffer.subarray(0, length);
    if (length < chunkSize) return;
    position += length;
  }
}

function openManifest(file: string, id: DirectoryId): number {
  if (!fs.existsSync(file)) {
    throw new MlopsError('object_missing', `the directory manifest '${id.md5}' is not in the cache`, {
      hint: 'fetch it from the remote: mlops pull',
      data: { md5: id.md5 },
    });
  }
  return fs.openSync(file, 'r');
}

function corruptManifest(id: DirectoryId, file: string): MlopsError {
  return new MlopsError(
    'corrupt_object',
    `the directory manifest '${id.md5}' does not have the content that its name promises`,
    { hint: 'run `mlops fsck --repair` to fetch it again from the remote', data: { md5: id.md5, path: file } },
  );
}
