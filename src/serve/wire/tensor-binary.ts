import { MlopsError } from '../../base/index.ts';
import type { Dtype } from '../../model/index.ts';
import { strictUtf8 } from './body-text.ts';
import { allocate, dtypes, elementCount, type Tensor } from './tensor.ts';

/**
 * A tensor from the raw bytes of the v2 binary extension: little endian, row major, one byte for BOOL, strings with a
 * four-byte length before each.
 *
 * @throws MlopsError `invalid_input` when the bytes do not make the shape.
 */
export function tensorFromBytes(bytes: Buffer, dtype: Dtype, dims: readonly number[], path: string): Tensor {
  const count = elementCount(dims);
  if (dtype === 'string') return { dtype, dims, data: readStrings(bytes, count, path) };
  const { size } = dtypes[dtype];
  if (bytes.length !== count * size) {
    throw problem(path, `${count * size} bytes for ${count} values of ${dtype}`, `${bytes.length} bytes`);
  }
  const data = allocate(dtype, count) as Uint8Array;
  // Copied, because the values of a body rarely start at an address that their type needs.
  Buffer.from(data.buffer).set(bytes);
  if (dtype === 'bool') requireBooleans(data, path);
  return { dtype, dims, data };
}

function requireBooleans(data: Uint8Array, path: string): void {
  const at = data.findIndex((value) => value > 1);
  if (at >= 0) throw problem(`${path}[${at}]`, 'a byte of 0 or 1 (BOOL)', String(data[at]));
}

function readStrings(bytes: Buffer, count: number, path: string): string[] {
  const strings: string[] = [];
  let at = 0;
  while (at < bytes.length && strings.length < count) {
    const length = at + 4 <= bytes.length ? bytes.readUInt32LE(at) : Infinity;
    if (at + 4 + length > bytes.length) {
      throw problem(`${path}[${strings.length}]`, 'a length and that many bytes', `${bytes.length - at} bytes`);
    }
    const text = strictUtf8(bytes.subarray(at + 4, at + 4 + length));
    if (typeof text === 'number') {
      throw problem(`${path}[${strings.length}]`, 'text in UTF-8', `another byte at ${text}`);
    }
    if (text.includes('\0'))
      throw problem(`${path}[${strings.length}]`, 'text without NUL characters', 'one with some');
    strings.push(text);
    at += 4 + length;
  }
  if (strings.length !== count || at !== bytes.length) {
    throw problem(path, `${count} strings`, `${strings.length} strings in ${bytes.length} bytes`);
  }
  return strings;
}

/** The raw bytes of a tensor; shares memory with it where it can. */
export function tensorToBytes(tensor: Tensor): Buffer {
  const { data } = tensor;
  if (!Array.isArray(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const parts: Buffer[] = [];
  for (const text of data) {
    const bytes = Buffer.from(text);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    parts.push(length, bytes);
  }
  return Buffer.concat(parts);
}

function problem(path: string, expected: string, got: string): MlopsError {
  return new MlopsError('invalid_input', `${path}: expected ${expected}, got ${got}`, {
    data: { path, expected, got },
  });
}
