import { badPicture, checkSize, type PictureLimits } from './limits.ts';
import type { Picture } from './picture.ts';

interface Header {
  readonly width: number;
  readonly height: number;
  /** The first row of the file is the topmost one. */
  readonly topDown: boolean;
  readonly bits: number;
  readonly compression: number;
  /** Of red, green, blue and opacity; 0 where there is none. */
  readonly masks: readonly number[];
  /** Where the palette starts, its entries, and the bytes of each. */
  readonly palette: { readonly at: number; readonly entries: number; readonly size: number };
  readonly pixels: number;
}

/** Compressions of the format. */
const [rgb, rle8, rle4, bitfields, alphaBitfields] = [0, 1, 2, 3, 6];

/**
 * Windows bitmaps of all bit depths and headers, with and without run lengths, as Pillow reads them. Opacity counts
 * only where the header has a mask for it.
 *
 * @throws MlopsError `bad_picture`.
 */
export function decodeBmp(bytes: Uint8Array, limits: PictureLimits): Picture {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const header = readHeader(view);
  const { width, height, bits, compression } = header;
  checkSize(width, height, 4, limits);
  const runs = compression === rle8 || compression === rle4;
  if (runs || bits <= 8) {
    const indices = runs ? readRuns(bytes, header) : readIndices(bytes, header);
    return { width, height, bands: 3, data: coloured(indices, readPalette(bytes, header)), alpha: undefined };
  }
  return readColours(view, header);
}

function readHeader(view: DataView): Header {
  if (view.byteLength < 26) throw badPicture('it is cut off');
  const size = view.getUint32(14, true);
  const pixels = view.getUint32(10, true);
  if (size === 12) {
    const bits = view.getUint16(24, true);
    const palette = { at: 26, entries: bits <= 8 ? 1 << bits : 0, size: 3 };
    const [width, height] = [view.getUint16(18, true), view.getUint16(20, true)];
    return { width, height, topDown: false, bits: known(bits), compression: rgb, masks: [], palette, pixels };
  }
  if (view.byteLength < 14 + size) throw badPicture('it is cut off');
  const height = view.getInt32(22, true);
  const bits = view.getUint16(28, true);
  const compression = view.getUint32(30, true);
  if (![rgb, rle8, rle4, bitfields, alphaBitfields].includes(compression)) {
    throw badPicture(`bitmaps of compression ${compression} are not read`);
  }
  const fields = compression === bitfields || compression === alphaBitfields;
  // Masks follow the shortest header and are part of the longer ones.
  const count = size >= 56 || compression === alphaBitfields ? 4 : 3;
  const own = size === 40 && fields ? count * 4 : 0;
  if (fields && view.byteLength < 54 + count * 4) throw badPicture('it is cut off');
  const masks = fields ? Array.from({ length: count }, (_, i) => view.getUint32(54 + 4 * i, true)) : [];
  const used = view.getUint32(46, true);
  const entries = bits > 8 ? 0 : used === 0 ? 1 << bits : Math.min(used, 1 << bits);
  const palette = { at: 14 + size + own, entries, size: 4 };
  const facts = { width: view.getInt32(18, true), height: Math.abs(height), topDown: height < 0 };
  return { ...facts, bits: known(bits), compression, masks, palette, pixels };
}

function known(bits: number): number {
  if ([1, 2, 4, 8, 16, 24, 32].includes(bits)) return bits;
  throw badPicture(`bitmaps of ${bits} bits a pixel are not read`);
}

function readPalette(bytes: Uint8Array, { palette }: Header): Uint8Array {
  const colours = new Uint8Array(256 * 3);
  for (let i = 0; i < palette.entries; i++) {
    const at = palette.at + i * palette.size;
    for (let band = 0; band < 3; band++) colours[i * 3 + band] = bytes[at + 2 - band] ?? 0;
  }
  return colours;
}

function coloured(indices: Uint8Array, palette: Uint8Array): Uint8Array {
  const data = new Uint8Array(indices.length * 3);
  for (let i = 0; i < indices.length; i++) {
    const from = (indices[i] ?? 0) * 3;
    data[i * 3] = palette[from] ?? 0;
    data[i * 3 + 1] = palette[from + 1] ?? 0;
    data[i * 3 + 2] = palette[from + 2] ?? 0;
  }
  return data;
}

/** Rows are padded to four bytes. */
function strideOf({ width, bits }: Header): number {
  return Math.ceil((width * bits) / 32) * 4;
}

function checkLength(available: number, header: Header): void {
  if (header.pixels + strideOf(header) * header.height > available) throw badPicture('it is cut off');
}

function readIndices(bytes: Uint8Array, header: Header): Uint8Array {
  const { width, height, bits, topDown, pixels } = header;
  checkLength(bytes.length, header);
  const stride = strideOf(header);
  const mask = (1 << bits) - 1;
  const indices = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const from = pixels + (topDown ? row : height - 1 - row) * stride;
    for (let x = 0; x < width; x++) {
      const bit = x * bits;
      indices[row * width + x] = ((bytes[from + (bit >> 3)] ?? 0) >> (8 - bits - (bit & 7))) & mask;
    }
  }
  return indices;
}

/** Run lengths: pairs of count and colour; a count of 0 starts an escape (end of row, end, move, literal pixels). */
function readRuns(bytes: Uint8Array, { width, height, compression, topDown, pixels }: Header): Uint8Array {
  const indices = new Uint8Array(width * height);
  const half = compression === rle4;
  let [x, y] = [0, 0];
  const put = (value: number): void => {
    if (x < width && y < height) indices[(topDown ? y : height - 1 - y) * width + x] = value;
    x++;
  };
  for (let at = pixels; y < height;) {
    if (at + 1 >= bytes.length) throw badPicture('it is cut off');
    const [count = 0, value = 0] = [bytes[at], bytes[at + 1]];
    at += 2;
    const pixel = (i: number, byte: number): number => (!half ? byte : i % 2 === 0 ? byte >> 4 : byte & 15);
    if (count > 0) for (let i = 0; i < count && x < width; i++) put(pixel(i, value));
    else if (value === 0) [x, y] = [0, y + 1];
    else if (value === 1) break;
    else if (value === 2) {
      x += bytes[at] ?? 0;
      y += bytes[at + 1] ?? 0;
      at += 2;
    } else {
      const length = half ? Math.ceil(value / 2) : value;
      if (at + length > bytes.length) throw badPicture('it is cut off');
      for (let i = 0; i < value; i++) put(pixel(i, bytes[at + (half ? i >> 1 : i)] ?? 0));
      at += length + (length & 1);
    }
  }
  return indices;
}

function readColours(view: DataView, header: Header): Picture {
  const { width, height, bits, topDown, pixels } = header;
  checkLength(view.byteLength, header);
  const stride = strideOf(header);
  const masks = header.masks.length > 0 ? header.masks : bits === 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff0000, 0xff00, 0xff];
  const fields = masks.map(fieldOf);
  const data = new Uint8Array(width * height * 3);
  const alpha = masks[3] === undefined || masks[3] === 0 ? undefined : new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const from = pixels + (topDown ? row : height - 1 - row) * stride;
    for (let x = 0; x < width; x++) {
      const value = pixelAt(view, from, x, bits);
      const to = row * width + x;
      for (let band = 0; band < 3; band++) data[to * 3 + band] = scaled(value, fields[band]);
      if (alpha !== undefined) alpha[to] = scaled(value, fields[3]);
    }
  }
  return { width, height, bands: 3, data, alpha };
}

function pixelAt(view: DataView, from: number, x: number, bits: number): number {
  if (bits === 16) return view.getUint16(from + 2 * x, true);
  if (bits === 32) return view.getUint32(from + 4 * x, true);
  return view.getUint16(from + 3 * x, true) | (view.getUint8(from + 3 * x + 2) << 16);
}

interface Field {
  readonly shift: number;
  readonly most: number;
}

function fieldOf(mask: number): Field {
  if (mask === 0) return { shift: 0, most: 0 };
  const shift = 31 - Math.clz32(mask & -mask);
  return { shift, most: mask >>> shift };
}

function scaled(value: number, { shift, most }: Field = { shift: 0, most: 0 }): number {
  if (most === 0) return 0;
  const own = (value >>> shift) & most;
  return most === 255 ? own : Math.floor((own * 255) / most);
}
