import type { OpenCvFilter } from './opencv.ts';
import type { PillowFilter } from './resample.ts';

export type Resize =
  | { readonly mode: 'exact'; readonly width: number; readonly height: number }
  /** That side gets `size`, the other follows; `most` bounds the longer side (Hugging Face's `longest_edge`). */
  | { readonly mode: 'shorter'; readonly size: number; readonly most?: number }
  | { readonly mode: 'longer'; readonly size: number }
  /** Fits into the size, which is filled up with the colour; with a stride only to its next multiple. */
  | {
      readonly mode: 'letterbox';
      readonly width: number;
      readonly height: number;
      readonly colour: readonly number[];
      readonly stride?: number;
    };

/** How a picture becomes a tensor; the order of the steps is that of the keys. */
export interface PictureOptions {
  /** Turn by EXIF. */
  readonly exif: boolean;
  /** Lay transparent pictures onto this colour; undefined: opacity is dropped. */
  readonly alpha: readonly number[] | undefined;
  readonly colour: 'RGB' | 'BGR' | 'grey';
  readonly resize: Resize | undefined;
  readonly resample: PillowFilter | OpenCvFilter;
  /** False: as OpenCV, which does not smooth when it shrinks. */
  readonly antialias: boolean;
  /** Centre; a smaller picture is put onto black. `whole`: offsets are rounded down, as transformers does. */
  readonly crop: { readonly width: number; readonly height: number; readonly whole?: boolean } | undefined;
  readonly scale: number;
  /** One for all or one for each channel, in the order of `colour`. */
  readonly mean: readonly number[] | undefined;
  readonly std: readonly number[] | undefined;
  readonly layout: 'NCHW' | 'NHWC';
  readonly dtype: 'float32' | 'uint8';
}

/** The picture as it is, scaled by nothing. */
export const plainOptions: PictureOptions = {
  exif: true,
  alpha: undefined,
  colour: 'RGB',
  resize: undefined,
  resample: 'bilinear',
  antialias: true,
  crop: undefined,
  scale: 1,
  mean: undefined,
  std: undefined,
  layout: 'NCHW',
  dtype: 'float32',
};

const square = (side: number) => ({ width: side, height: side });

/** What well-known families of models were trained with. */
export const presets = {
  imagenet: {
    ...plainOptions,
    resize: { mode: 'shorter', size: 256 },
    crop: square(224),
    scale: 1 / 255,
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  },
  vgg16: {
    ...plainOptions,
    colour: 'BGR',
    resize: { mode: 'exact', ...square(224) },
    mean: [103.939, 116.779, 123.68],
    layout: 'NHWC',
  },
  clip: {
    ...plainOptions,
    resize: { mode: 'shorter', size: 224 },
    resample: 'bicubic',
    crop: square(224),
    scale: 1 / 255,
    mean: [0.48145466, 0.4578275, 0.40821073],
    std: [0.26862954, 0.26130258, 0.27577711],
  },
  yolo: {
    ...plainOptions,
    resize: { mode: 'letterbox', ...square(640), colour: [114, 114, 114] },
    antialias: false,
    scale: 1 / 255,
  },
  mnist: { ...plainOptions, colour: 'grey', resize: { mode: 'exact', ...square(28) }, scale: 1 / 255 },
} as const satisfies Readonly<Record<string, PictureOptions>>;

export type PresetName = keyof typeof presets;
