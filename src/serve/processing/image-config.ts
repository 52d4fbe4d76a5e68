import { plainOptions, presets, type PictureOptions, type PresetName, type Resize } from '../../pictures/index.ts';
import type { Checker, Fields } from './checker.ts';

/** `image:` of serving.yaml; docs/pictures.md describes it. */
export interface ImageConfig {
  /** Key of the picture in a request. */
  readonly field: string;
  readonly options: PictureOptions;
  /** Set in the file: else they follow the model where that is clear. */
  readonly given: { readonly layout: boolean; readonly dtype: boolean };
}

const keys = [
  ...['field', 'preset', 'exif', 'alpha', 'colour', 'resize', 'resample', 'antialias', 'crop', 'scale', 'mean', 'std'],
  ...['layout', 'dtype'],
];
const filters = ['nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos', 'area'] as const;

/** Sides of resized pictures at most. */
const mostSide = 16_384;

/** What Hugging Face's file beside a model says, under the name that a request has without one. */
export function imageOf(options: PictureOptions): ImageConfig {
  return { field: 'image', options, given: { layout: false, dtype: false } };
}

/** @throws MlopsError `bad_config` naming the place. */
export function readImage(check: Checker, value: unknown): ImageConfig {
  const fields = check.fields(value ?? {}, 'image', keys);
  const names = Object.keys(presets) as PresetName[];
  const preset = fields['preset'] === undefined ? undefined : check.choice(fields['preset'], 'image.preset', names);
  const base: PictureOptions = preset === undefined ? plainOptions : presets[preset];
  const of = <Key extends keyof PictureOptions>(
    key: Key,
    read: (value: unknown, path: string) => PictureOptions[Key],
  ) => (fields[key] === undefined ? base[key] : read(fields[key], `image.${key}`));
  /** `null` takes away what the preset has. */
  const orNone =
    <Value>(read: (value: unknown, path: string) => Value) =>
    (one: unknown, path: string) =>
      one === null ? undefined : read(one, path);
  const options: PictureOptions = {
    exif: check.optionalBoolean(fields['exif'], 'image.exif') ?? base.exif,
    alpha: of(
      'alpha',
      orNone((one, path) => colour(check, one, path)),
    ),
    colour: of('colour', (one, path) => check.choice(one, path, ['RGB', 'BGR', 'grey'] as const)),
    resize: of(
      'resize',
      orNone((one, path) => readResize(check, one, path)),
    ),
    resample: of('resample', (one, path) => check.choice(one, path, filters)),
    antialias: check.optionalBoolean(fields['antialias'], 'image.antialias') ?? base.antialias,
    crop: of(
      'crop',
      orNone((one, path) => box(check, check.fields(one, path, ['width', 'height']), path)),
    ),
    scale: of('scale', (one, path) => number(check, one, path)),
    mean: of(
      'mean',
      orNone((one, path) => numbers(check, one, path)),
    ),
    std: of(
      'std',
      orNone((one, path) => numbers(check, one, path)),
    ),
    layout: of('layout', (one, path) => check.choice(one, path, ['NCHW', 'NHWC'] as const)),
    dtype: of('dtype', (one, path) => check.choice(one, path, ['float32', 'uint8'] as const)),
  };
  checkTogether(check, options);
  const given = {
    layout: fields['layout'] !== undefined || preset !== undefined,
    dtype: fields['dtype'] !== undefined,
  };
  return { field: check.optionalText(fields['field'], 'image.field') ?? 'image', options, given };
}

function checkTogether(check: Checker, options: PictureOptions): void {
  const { resample, antialias, std, mean } = options;
  const channels = options.colour === 'grey' ? 1 : 3;
  if (!antialias && ['box', 'hamming', 'lanczos'].includes(resample)) {
    throw check.problem('image.resample', 'nearest, bilinear, bicubic or area where antialias is false', resample);
  }
  for (const [name, list] of [
    ['mean', mean],
    ['std', std],
  ] as const) {
    if (list !== undefined && list.length !== 1 && list.length !== channels) {
      throw check.problem(`image.${name}`, `1 or ${channels} numbers`, list);
    }
  }
  if (std?.includes(0) === true) throw check.problem('image.std', 'no 0', std);
}

function readResize(check: Checker, value: unknown, path: string): Resize {
  const fields = check.fields(value, path, ['mode', 'width', 'height', 'size', 'colour', 'stride']);
  const mode = check.choice(fields['mode'], `${path}.mode`, ['exact', 'shorter', 'longer', 'letterbox'] as const);
  const known = {
    exact: ['width', 'height'],
    shorter: ['size'],
    longer: ['size'],
    letterbox: ['width', 'height', 'colour', 'stride'],
  };
  check.fields(value, path, ['mode', ...known[mode]]);
  if (mode === 'shorter' || mode === 'longer') return { mode, size: side(check, fields['size'], `${path}.size`) };
  const size = box(check, fields, path);
  if (mode === 'exact') return { mode, ...size };
  const stride = fields['stride'] === undefined ? undefined : side(check, fields['stride'], `${path}.stride`);
  const fill = fields['colour'] === undefined ? [114, 114, 114] : colour(check, fields['colour'], `${path}.colour`);
  return { mode, ...size, colour: fill, ...(stride === undefined ? {} : { stride }) };
}

function box(check: Checker, fields: Fields, path: string): { width: number; height: number } {
  return {
    width: side(check, fields['width'], `${path}.width`),
    height: side(check, fields['height'], `${path}.height`),
  };
}

function side(check: Checker, value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= mostSide) return value;
  throw check.problem(path, `a whole number from 1 to ${mostSide}`, value);
}

function colour(check: Checker, value: unknown, path: string): readonly number[] {
  const levels = check.list(value, path);
  const bad = levels.find((level) => typeof level !== 'number' || !Number.isInteger(level) || level < 0 || level > 255);
  if (levels.length !== 3 || bad !== undefined) throw check.problem(path, '[red, green, blue], each 0 to 255', value);
  return levels as number[];
}

function number(check: Checker, value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw check.problem(path, 'a number', value);
}

function numbers(check: Checker, value: unknown, path: string): readonly number[] {
  const list = Array.isArray(value) ? value : [value];
  return list.map((one, i) => number(check, one, `${path}[${i}]`));
}
