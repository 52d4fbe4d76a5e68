import type SharpFunction from 'sharp';

import { messageOf, MlopsError } from '../base/index.ts';
import { decodeBmp } from './bmp.ts';
import { formatOf } from './formats.ts';
import { countParts } from './frames.ts';
import { decodeGif } from './gif.ts';
import { badPicture, checkFrames, checkSize, pictureLimits, type PictureLimits } from './limits.ts';
import type { Picture } from './picture.ts';

/** Scans of a JPEG times its pixels: a progressive one has ten scans or so. */
const scannedPixels = 2_000_000_000;

export interface DecodeOptions {
  /** Turn the picture as its EXIF says. Default: true. */
  readonly orient?: boolean;
  readonly limits?: PictureLimits;
}

/**
 * The pixels of a picture file as Pillow gives them, by `convert("RGB")` or, where it is grey, `convert("L")`; of
 * 16 bits the higher 8. Of an animation the first frame.
 *
 * @throws MlopsError `bad_picture` for what is no picture, broken, cut off or beyond the limits.
 */
export async function decodePicture(
  bytes: Uint8Array,
  { orient = true, limits = pictureLimits }: DecodeOptions = {},
): Promise<Picture> {
  const format = formatOf(bytes);
  if (format === 'bmp') return decodeBmp(bytes, limits);
  if (format === 'gif') return decodeGif(bytes, limits);
  const { scans, frames } = countParts(bytes, format);
  checkFrames(frames, limits);
  const sharp = await library();
  try {
    const source = sharp(bytes, {
      ignoreIcc: true,
      // As Pillow: what is cut off is refused, what is odd but whole is read.
      failOn: format === 'png' || format === 'tiff' ? 'error' : 'truncated',
      // The size is looked at below, before anything is decoded.
      limitInputPixels: false,
      sequentialRead: true,
    });
    const { width, height, space, channels } = await source.metadata();
    checkSize(width, height, Math.max(3, channels), limits);
    if (scans * width * height > scannedPixels) throw badPicture(`it is written in ${scans} scans`);
    const turned = orient ? source.autoOrient() : source;
    const cmyk = space === 'cmyk';
    const spaced = cmyk ? turned.pipelineColourspace('cmyk').toColourspace('cmyk') : turned;
    const timed = spaced.timeout({ seconds: Math.max(1, Math.ceil(limits.time / 1000)) });
    const { data, info } = await timed.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    return cmyk ? fromCmyk(data, info) : separate(data, info);
  } catch (error) {
    if (error instanceof MlopsError) throw error;
    throw badPicture(reason(error), error);
  }
}

/** A picture as the bytes of a file: JPEG of quality 90, or PNG. */
export async function encodePicture(picture: Picture, format: 'jpeg' | 'png'): Promise<Buffer> {
  const { width, height, bands: channels } = picture;
  const sharp = await library();
  const image = sharp(picture.data, { raw: { width, height, channels } });
  return format === 'jpeg' ? image.jpeg({ quality: 90 }).toBuffer() : image.png().toBuffer();
}

type Sharp = typeof SharpFunction;

let loading: ReturnType<typeof load> | undefined;

/** @throws MlopsError `program_missing` where this machine has no build of the decoder. */
function library(): ReturnType<typeof load> {
  loading ??= load();
  return loading;
}

async function load() {
  try {
    // Built, the import is a `require`, which gives the function itself.
    const loaded: { readonly default?: Sharp } = await import('sharp');
    const sharp = loaded.default ?? (loaded as Sharp);
    // One thread a picture: pictures run beside each other. Nothing is the same twice.
    sharp.concurrency(1);
    sharp.cache(false);
    // Of the many formats that the library reads, these.
    sharp.block({ operation: ['VipsForeignLoad'] });
    sharp.unblock({
      operation: ['VipsForeignLoadJpeg', 'VipsForeignLoadPng', 'VipsForeignLoadWebp', 'VipsForeignLoadTiff'],
    });
    return sharp;
  } catch (error) {
    throw new MlopsError('program_missing', `pictures cannot be decoded here: ${messageOf(error)}`, {
      hint: 'install again, with optional packages: npm install --include=optional mlops',
      cause: error,
    });
  }
}

interface RawInfo {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

function separate(raw: Uint8Array, { width, height, channels }: RawInfo): Picture {
  const bands = channels < 3 ? 1 : 3;
  if (channels === bands) return { width, height, bands, data: raw, alpha: undefined };
  const count = width * height;
  const data = new Uint8Array(count * bands);
  const alpha = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    for (let band = 0; band < bands; band++) data[i * bands + band] = raw[i * channels + band] ?? 0;
    alpha[i] = raw[i * channels + bands] ?? 255;
  }
  return { width, height, bands, data, alpha };
}

/** Pillow's conversion (Convert.c, `cmyk2rgb`): 255 - K - C (255 - K) / 255, rounded. */
function fromCmyk(raw: Uint8Array, { width, height, channels }: RawInfo): Picture {
  const count = width * height;
  const data = new Uint8Array(count * 3);
  for (let i = 0; i < count; i++) {
    const light = 255 - (raw[i * channels + 3] ?? 0);
    for (let band = 0; band < 3; band++) {
      const product = (raw[i * channels + band] ?? 0) * light + 128;
      data[i * 3 + band] = Math.max(0, light - (((product >> 8) + product) >> 8));
    }
  }
  return { width, height, bands: 3, data, alpha: undefined };
}

function reason(error: unknown): string {
  const text = messageOf(error);
  if (/timeout/i.test(text)) return 'decoding it takes too long';
  if (/end of (?:stream|file)|premature|truncat|EOF|incomplete|not enough data/i.test(text))
    return `it is cut off (${firstLine(text)})`;
  return `it is broken (${firstLine(text)})`;
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').slice(0, 200);
}
