import { planOf, type Placement } from './geometry.ts';
import { checkSize, pictureLimits, type PictureLimits } from './limits.ts';
import { resizeAsOpenCv } from './opencv.ts';
import type { PictureOptions } from './options.ts';
import { filled, paste, type Picture } from './picture.ts';
import { resizeAsPillow } from './resample.ts';
import { roundHalfEven } from './rounding.ts';

/** A picture as a model takes it. */
export interface Prepared {
  readonly data: Float32Array | Uint8Array;
  /** [channels, height, width] or [height, width, channels]. */
  readonly dims: readonly [number, number, number];
  readonly placement: Placement;
}

/**
 * The steps after decoding: opacity, colour, size, crop, scale, mean, standard deviation and layout.
 *
 * @param full letterboxes are filled up to their size, whatever their stride.
 * @throws MlopsError `bad_picture` where the wanted size is beyond the limits.
 */
export function preparePicture(
  picture: Picture,
  options: PictureOptions,
  { full = false, limits = pictureLimits }: { full?: boolean; limits?: PictureLimits } = {},
): Prepared {
  const { width, height } = picture;
  const plan = planOf(width, height, options, full);
  checkSize(plan.width, plan.height, 4, limits);
  const seen = options.colour === 'grey' ? grey(laid(picture, options)) : laid(picture, options);
  const sized = resize(seen, plan.width, plan.height, options);
  const same = plan.outWidth === plan.width && plan.outHeight === plan.height && plan.left === 0 && plan.top === 0;
  return { ...values(same ? sized : canvas(sized, plan), options), placement: plan.placement };
}

function canvas(picture: Picture, plan: ReturnType<typeof planOf>): Picture {
  const [red = 0, green = 0, blue = 0] = plan.colour;
  const onto = picture.bands === 3 ? plan.colour : [red === green && green === blue ? red : luma(red, green, blue)];
  const made = filled(plan.outWidth, plan.outHeight, onto);
  paste(made, picture, plan.left, plan.top);
  return made;
}

/** Onto the colour of `alpha`, as Pillow's `paste` with the picture as its own mask; always in colour otherwise. */
function laid(picture: Picture, { alpha: colour }: PictureOptions): Picture {
  const { alpha } = picture;
  const coloured = picture.bands === 3 ? picture : inColour(picture);
  if (alpha === undefined || colour === undefined) return coloured;
  const data = new Uint8Array(coloured.data.length);
  for (let i = 0; i < alpha.length; i++) {
    const opacity = alpha[i] ?? 0;
    for (let band = 0; band < 3; band++) {
      const mixed = (coloured.data[i * 3 + band] ?? 0) * opacity + (colour[band] ?? 0) * (255 - opacity) + 128;
      data[i * 3 + band] = ((mixed >> 8) + mixed) >> 8;
    }
  }
  return { ...coloured, data, alpha: undefined };
}

function inColour({ width, height, data: from, alpha }: Picture): Picture {
  const data = new Uint8Array(from.length * 3);
  for (let i = 0, to = 0; i < from.length; i++) {
    const value = from[i] ?? 0;
    data[to++] = value;
    data[to++] = value;
    data[to++] = value;
  }
  return { width, height, bands: 3, data, alpha };
}

/** Pillow's `convert("L")` (ITU-R 601-2 in fixed point). */
export function grey(picture: Picture): Picture {
  if (picture.bands === 1) return picture;
  const { width, height, data: from, alpha } = picture;
  const data = new Uint8Array(width * height);
  for (let i = 0; i < data.length; i++) data[i] = luma(from[i * 3] ?? 0, from[i * 3 + 1] ?? 0, from[i * 3 + 2] ?? 0);
  return { width, height, bands: 1, data, alpha };
}

function luma(red: number, green: number, blue: number): number {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}

function resize(picture: Picture, width: number, height: number, { resample, antialias }: PictureOptions): Picture {
  if (resample === 'area') return resizeAsOpenCv(picture, width, height, 'area');
  const plain = !antialias && (resample === 'bilinear' || resample === 'bicubic');
  return plain ? resizeAsOpenCv(picture, width, height, resample) : resizeAsPillow(picture, width, height, resample);
}

/** Scale, mean, standard deviation and layout: what each of the 256 levels becomes is computed once. */
function values({ width, height, bands, data }: Picture, options: PictureOptions): Omit<Prepared, 'placement'> {
  const { colour, layout, dtype } = options;
  const count = width * height;
  const made = dtype === 'uint8' ? new Uint8Array(count * bands) : new Float32Array(count * bands);
  const planar = layout === 'NCHW';
  for (let channel = 0; channel < bands; channel++) {
    const levels = levelsOf(channel, options);
    const start = planar ? channel * count : channel;
    const step = planar ? 1 : bands;
    let from = colour === 'BGR' ? bands - 1 - channel : channel;
    for (let i = 0, to = start; i < count; i++, to += step, from += bands) made[to] = levels[data[from] ?? 0] ?? 0;
  }
  return { data: made, dims: planar ? [bands, height, width] : [height, width, bands] };
}

function levelsOf(channel: number, { scale, mean, std, dtype }: PictureOptions): Float32Array {
  const shift = mean?.[mean.length === 1 ? 0 : channel] ?? 0;
  const divisor = std?.[std.length === 1 ? 0 : channel] ?? 1;
  return Float32Array.from({ length: 256 }, (_, level) => {
    const value = (level * scale - shift) / divisor;
    return dtype === 'uint8' ? Math.max(0, Math.min(255, roundHalfEven(value))) : value;
  });
}
