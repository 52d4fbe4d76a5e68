import { TextDecoder } from 'node:util';

import { badTable } from './bad-table.ts';

const utf8Mark = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Text of any encoding as UTF-8 without a byte order mark. UTF-16 is known by its mark; UTF-8 passes as it is and is
 * checked by the reader, which knows the lines.
 *
 * @param encoding a label of the Encoding standard: `utf-8` (default), `utf-16le`, `latin1`, `windows-1252`...
 */
export async function* toUtf8(
  bytes: AsyncIterable<Buffer>,
  name: string,
  encoding: string | undefined,
): AsyncGenerator<Buffer> {
  let decoder: TextDecoder | undefined;
  let first = true;
  for await (const chunk of bytes) {
    let rest = chunk;
    if (first) {
      first = false;
      decoder = decoderFor(name, encoding ?? encodingByMark(chunk));
      if (chunk.subarray(0, 3).equals(utf8Mark)) rest = chunk.subarray(3);
    }
    yield decoder === undefined ? rest : decoded(decoder, rest, name);
  }
  const last = decoder === undefined ? undefined : decoded(decoder, undefined, name);
  if (last !== undefined && last.length > 0) yield last;
}

function decoded(decoder: TextDecoder, chunk: Buffer | undefined, name: string): Buffer {
  try {
    return Buffer.from(chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true }));
  } catch (error) {
    throw badTable(name, `is not ${decoder.encoding} throughout`, { cause: error });
  }
}

function encodingByMark(chunk: Buffer): string {
  if (chunk[0] === 0xff && chunk[1] === 0xfe) return 'utf-16le';
  return chunk[0] === 0xfe && chunk[1] === 0xff ? 'utf-16be' : 'utf-8';
}

function decoderFor(name: string, encoding: string): TextDecoder | undefined {
  try {
    const decoder = new TextDecoder(encoding, { fatal: true });
    return decoder.encoding === 'utf-8' ? undefined : decoder;
  } catch (error) {
    throw badTable(name, `cannot be read as '${encoding}': there is no such encoding`, {
      cause: error,
      hint: 'write utf-8, utf-16le, latin1 or windows-1252',
    });
  }
}
