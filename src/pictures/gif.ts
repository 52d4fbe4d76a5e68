import { badPicture, checkFrames, checkSize, type PictureLimits } from './limits.ts';
import type { Picture } from './picture.ts';

/**
 * The first frame of a GIF, as Pillow gives it: transparent pixels keep the colour that the palette has for them, and
 * what the frame does not cover has the transparent colour, else the first one.
 *
 * @throws MlopsError `bad_picture`.
 */
export function decodeGif(bytes: Uint8Array, limits: PictureLimits): Picture {
  const file = new GifReader(bytes);
  const { frame, frames } = file.scan();
  checkFrames(frames, limits);
  const width = Math.max(file.width, frame.left + frame.width);
  const height = Math.max(file.height, frame.top + frame.height);
  checkSize(width, height, 4, limits);
  const { transparent } = frame;
  const indices = new Uint8Array(width * height).fill(transparent ?? 0);
  const pixels = unpack(bytes, frame.data, frame.width * frame.height);
  for (const [from, row] of rowOrder(frame).entries()) {
    const own = pixels.subarray(from * frame.width, (from + 1) * frame.width);
    indices.set(own, (row + frame.top) * width + frame.left);
  }
  const data = new Uint8Array(indices.length * 3);
  const alpha = transparent === undefined ? undefined : new Uint8Array(indices.length);
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] ?? 0;
    for (let band = 0; band < 3; band++) {
      data[i * 3 + band] = frame.palette === undefined ? index : (frame.palette[index * 3 + band] ?? 0);
    }
    if (alpha !== undefined) alpha[i] = index === transparent ? 0 : 255;
  }
  return { width, height, bands: 3, data, alpha };
}

interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly interlaced: boolean;
  readonly palette: Uint8Array | undefined;
  readonly transparent: number | undefined;
  /** Where the code size and the packed pixels start. */
  readonly data: number;
}

class GifReader {
  readonly width: number;
  readonly height: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    if (bytes.length < 13) throw badPicture('it is cut off');
    this.width = this.#word(6);
    this.height = this.#word(8);
  }

  /** The first frame, and how many there are. */
  scan(): { frame: Frame; frames: number } {
    const bytes = this.#bytes;
    const flags = bytes[10] ?? 0;
    const common = this.#palette(flags, 13);
    let at = 13 + (common?.length ?? 0);
    let first: Frame | undefined;
    let frames = 0;
    let transparent: number | undefined;
    for (;;) {
      const kind = bytes[at];
      if (kind === 0x21) {
        if (bytes[at + 1] === 0xf9 && first === undefined) {
          transparent = ((bytes[at + 3] ?? 0) & 1) === 1 ? bytes[at + 6] : undefined;
        }
        at = this.#skip(at + 2);
      } else if (kind === 0x2c) {
        if (at + 10 >= bytes.length) break;
        const own = bytes[at + 9] ?? 0;
        const local = this.#palette(own, at + 10);
        const data = at + 10 + (local?.length ?? 0);
        first ??= {
          left: this.#word(at + 1),
          top: this.#word(at + 3),
          width: this.#word(at + 5),
          height: this.#word(at + 7),
          interlaced: (own & 0x40) !== 0,
          palette: local ?? common,
          transparent,
          data,
        };
        frames++;
        at = this.#skip(data + 1);
      } else if (kind === 0) at++;
      else break;
    }
    if (first === undefined) throw badPicture('it is cut off, or has no frame');
    return { frame: first, frames };
  }

  #word(at: number): number {
    return (this.#bytes[at] ?? 0) | ((this.#bytes[at + 1] ?? 0) << 8);
  }

  #palette(flags: number, at: number): Uint8Array | undefined {
    return (flags & 0x80) === 0 ? undefined : this.#bytes.subarray(at, at + 3 * (2 << (flags & 7)));
  }

  /** Behind the blocks that start at `at`. */
  #skip(at: number): number {
    for (let next = at; ;) {
      const length = this.#bytes[next];
      if (length === undefined) return this.#bytes.length;
      next += 1 + length;
      if (length === 0) return next;
    }
  }
}

/** Rows in the order in which the file holds them. */
function rowOrder({ height, interlaced }: Frame): number[] {
  const rows = Array.from({ length: height }, (_, row) => row);
  if (!interlaced) return rows;
  const passes = [
    [0, 8],
    [4, 8],
    [2, 4],
    [1, 2],
  ] as const;
  return passes.flatMap(([start, step]) => rows.filter((row) => row >= start && (row - start) % step === 0));
}

/** The variable-length LZW of GIF: `count` indices from blocks of up to 255 bytes. */
function unpack(bytes: Uint8Array, at: number, count: number): Uint8Array {
  const minimum = bytes[at] ?? 0;
  if (minimum < 1 || minimum > 11) throw badPicture('its packed pixels cannot be read');
  const [clear, end] = [1 << minimum, (1 << minimum) + 1];
  const prefix = new Uint16Array(4096);
  const suffix = new Uint8Array(4096);
  const lengths = new Uint16Array(4096);
  for (let code = 0; code < clear; code++) {
    suffix[code] = code;
    lengths[code] = 1;
  }
  const out = new Uint8Array(count);
  let [written, next, width, before] = [0, end + 1, minimum + 1, -1];
  let [held, bits, block, from] = [0, 0, 0, at + 1];
  while (written < count) {
    while (bits < width) {
      if (block === 0) {
        block = bytes[from] ?? 0;
        from++;
        if (block === 0 || from + block > bytes.length) throw badPicture('it is cut off');
      }
      held |= (bytes[from] ?? 0) << bits;
      from++;
      block--;
      bits += 8;
    }
    const code = held & ((1 << width) - 1);
    held >>>= width;
    bits -= width;
    if (code === clear) {
      [next, width, before] = [end + 1, minimum + 1, -1];
      continue;
    }
    if (code === end) break;
    if (code > next || (code === next && before < 0)) throw badPicture('its packed pixels cannot be read');
    // A code that is only being made repeats the first pixel of the one before it.
    const known = code < next ? code : before;
    const length = (lengths[known] ?? 0) + (known === code ? 0 : 1);
    let [walk, place] = [known, written + (lengths[known] ?? 0) - 1];
    for (; place >= written; place--) {
      if (place < count) out[place] = suffix[walk] ?? 0;
      walk = prefix[walk] ?? 0;
    }
    const first = out[written] ?? 0;
    if (known !== code && written + length - 1 < count) out[written + length - 1] = first;
    if (before >= 0 && next < 4096) {
      prefix[next] = before;
      suffix[next] = first;
      lengths[next] = (lengths[before] ?? 0) + 1;
      next++;
      if (next === 1 << width && width < 12) width++;
    }
    written += length;
    before = code;
  }
  return out;
}
