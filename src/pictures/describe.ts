import type { Picture } from './picture.ts';
import { grey } from './prepare.ts';

/** What monitoring and data checks look at of a picture, without a model. */
export interface PictureFacts {
  readonly width: number;
  readonly height: number;
  readonly mode: 'L' | 'LA' | 'RGB' | 'RGBA';
  /** Of all values of all bands, from 0 to 255, as `ImageStat` of Pillow gives it for one band. */
  readonly mean: number;
  readonly standardDeviation: number;
  /** RMS contrast: the standard deviation of the luminance, over 255. */
  readonly contrast: number;
  /** Pixels in 16 equal steps of luminance (ITU-R 601-2). */
  readonly luminance: readonly number[];
}

/** Bins of the histogram of luminance. */
const bins = 16;

export function describePicture(picture: Picture): PictureFacts {
  const { width, height, bands, alpha } = picture;
  const counts = histogram(grey(picture).data);
  const own = moments(histogram(picture.data));
  const luminance = Array.from({ length: bins }, (_, bin) => {
    const size = 256 / bins;
    return counts.subarray(bin * size, (bin + 1) * size).reduce((sum, count) => sum + count, 0);
  });
  return {
    width,
    height,
    mode: `${bands === 1 ? 'L' : 'RGB'}${alpha === undefined ? '' : 'A'}`,
    mean: own.mean,
    standardDeviation: own.deviation,
    contrast: moments(counts).deviation / 255,
    luminance,
  };
}

function histogram(data: Uint8Array): Float64Array {
  const counts = new Float64Array(256);
  for (let i = 0; i < data.length; i++) {
    const level = data[i] ?? 0;
    counts[level] = (counts[level] ?? 0) + 1;
  }
  return counts;
}

/** Mean and population standard deviation of counted levels. */
function moments(counts: Float64Array): { mean: number; deviation: number } {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const mean = counts.reduce((sum, count, level) => sum + count * level, 0) / total;
  const variance = counts.reduce((sum, count, level) => sum + count * (level - mean) ** 2, 0) / total;
  return { mean, deviation: Math.sqrt(variance) };
}
