import { plainOptions, type PictureOptions, type Resize } from './options.ts';

type Fields = Readonly<Record<string, unknown>>;

/** `PIL.Image.Resampling` by number. */
const resamplings = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming'] as const;

/**
 * What Hugging Face's `preprocessor_config.json` means, as the image processors of transformers take it: a number as
 * `size` is a square for some of them and the shorter side for others; keys that a file leaves out are theirs.
 * Undefined where it describes no pictures (the feature extractor of a sound model has the same file).
 */
export function optionsOfPreprocessor(config: unknown): PictureOptions | undefined {
  if (!isFields(config)) return undefined;
  const kind = textOf(config['image_processor_type']) ?? textOf(config['feature_extractor_type']) ?? '';
  const pictures = ['size', 'image_mean', 'crop_size', 'do_rescale', 'do_resize', 'rescale_factor'];
  if (!pictures.some((key) => Object.hasOwn(config, key)) || Object.hasOwn(config, 'sampling_rate')) return undefined;
  const rescales = config['do_rescale'] !== false;
  const normalizes = config['do_normalize'] !== false && Array.isArray(config['image_mean']);
  const offset = rescales && (config['rescale_offset'] === true || config['offset'] === true) ? 1 : 0;
  const mean = normalizes ? numbersOf(config['image_mean']) : undefined;
  const { resize, crop } = sizing(config, kind);
  const fallback = /CLIP|SigLIP|Siglip|ConvN|Blip|LeViT|Levit|DeiT|Deit/.test(kind) ? 3 : 2;
  const resample = resamplings[numberOf(config['resample']) ?? fallback];
  return {
    ...plainOptions,
    colour: config['do_flip_channel_order'] === true ? 'BGR' : 'RGB',
    resize,
    resample: resample ?? 'bilinear',
    crop,
    scale: rescales ? (numberOf(config['rescale_factor']) ?? 1 / 255) : 1,
    mean: mean?.map((value) => value + offset) ?? (offset === 0 ? undefined : [offset]),
    std: normalizes ? numbersOf(config['image_std']) : undefined,
  };
}

function sizing(config: Fields, kind: string): Pick<PictureOptions, 'resize' | 'crop'> {
  const size = config['size'];
  const short = shortestOf(size, kind);
  const resizes = config['do_resize'] !== false;
  const centre = config['do_center_crop'] === true ? boxOf(config['crop_size'] ?? size) : undefined;
  const crop = centre === undefined ? undefined : { ...centre, whole: true };
  if (!resizes) return { resize: undefined, crop };
  if (/ConvN/.test(kind) && short !== undefined) {
    // Small sizes are cut out of a larger picture, the others squeezed.
    if (short >= 384) return { resize: { mode: 'exact', width: short, height: short }, crop: undefined };
    const whole = Math.trunc(short / (numberOf(config['crop_pct']) ?? 224 / 256));
    return { resize: { mode: 'shorter', size: whole }, crop: { width: short, height: short, whole: true } };
  }
  if (/LeViT|Levit/.test(kind) && short !== undefined) {
    return { resize: { mode: 'shorter', size: Math.trunc((256 / 224) * short) }, crop };
  }
  return { resize: resizeOf(size, short), crop };
}

function resizeOf(size: unknown, short: number | undefined): Resize | undefined {
  const longest = isFields(size) ? numberOf(size['longest_edge']) : undefined;
  if (short !== undefined) return { mode: 'shorter', size: short, ...(longest === undefined ? {} : { most: longest }) };
  if (longest !== undefined) return { mode: 'longer', size: longest };
  const box = boxOf(size);
  return box === undefined ? undefined : { mode: 'exact', ...box };
}

/** Processors that read a bare number as the shorter side; the others make a square of it. */
const byShorterSide = /CLIP|ConvN|Detr|DETR|Yolos|LeViT|Levit|MobileNet|MobileViT|PoolFormer|Flava/;

function shortestOf(size: unknown, kind: string): number | undefined {
  if (isFields(size)) return numberOf(size['shortest_edge']);
  return byShorterSide.test(kind) ? numberOf(size) : undefined;
}

function boxOf(size: unknown): { width: number; height: number } | undefined {
  if (isFields(size)) {
    const [width, height] = [numberOf(size['width']), numberOf(size['height'])];
    if (width !== undefined && height !== undefined) return { width, height };
    return boxOf(size['shortest_edge']);
  }
  if (Array.isArray(size)) {
    const [height, width] = numbersOf(size);
    return height === undefined || width === undefined ? undefined : { width, height };
  }
  const side = numberOf(size);
  return side === undefined ? undefined : { width: side, height: side };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function numbersOf(value: unknown): number[] {
  return (Array.isArray(value) ? value : [value]).flatMap((one) => numberOf(one) ?? []);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
