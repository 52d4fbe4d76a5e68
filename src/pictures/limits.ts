import { MlopsError } from '../base/index.ts';

/** What a picture may take. */
export interface PictureLimits {
  readonly pixels: number;
  /** Width and height at most. */
  readonly side: number;
  /** Frames of an animation or pages, of which the first is read. */
  readonly frames: number;
  /** Bytes of the decoded pixels. */
  readonly decodedBytes: number;
  /** Milliseconds that decoding and resampling may take. */
  readonly time: number;
}

export const pictureLimits: PictureLimits = {
  pixels: 50_000_000,
  side: 65_535,
  frames: 1_000,
  decodedBytes: 256 * 1024 * 1024,
  time: 10_000,
};

/** @throws MlopsError `bad_picture`. */
export function checkSize(width: number, height: number, bands: number, limits: PictureLimits): void {
  const size = `${width} x ${height}`;
  if (!(width > 0 && height > 0)) throw badPicture(`it says to be ${size} pixels in size`);
  if (width > limits.side || height > limits.side) {
    throw badPicture(`it is ${size} pixels; a side may have ${limits.side}`);
  }
  if (width * height > limits.pixels) {
    throw badPicture(`it is ${size} pixels, more than the limit of ${limits.pixels}`);
  }
  const bytes = width * height * bands;
  if (bytes > limits.decodedBytes) {
    throw badPicture(`it takes ${bytes} bytes decoded, more than the limit of ${limits.decodedBytes}`);
  }
}

export function checkFrames(frames: number, limits: PictureLimits): void {
  if (frames > limits.frames) throw badPicture(`it has ${frames} frames, more than the limit of ${limits.frames}`);
}

/** @param why what follows "the picture cannot be used:". */
export function badPicture(why: string, cause?: unknown): MlopsError {
  return new MlopsError('bad_picture', `the picture cannot be used: ${why}`, {
    hint: 'pictures are JPEG, PNG, WebP, GIF, BMP or TIFF files',
    cause,
  });
}
