import { MlopsError } from '../../base/index.ts';
import type { Dtype, TensorInfo } from '../../model/index.ts';
import type { PictureOptions, Resize } from '../../pictures/index.ts';
import { isObject, showJson, type Json, type JsonObject } from '../wire/json-reader.ts';
import { noTensors, type Tensors } from '../wire/tensor.ts';
import { invalid, tensorFromJson } from '../wire/tensor-json.ts';
import { fieldValue } from '../wire/upload.ts';
import { bytesOfText } from '../wire/picture-text.ts';
import type { ImageConfig } from './image-config.ts';
import type { GivenPictures, InputStep, PictureFiles } from './steps.ts';

/** Pictures of one request at most: each is decoded before any is run. */
const mostPictures = 256;

/** The dtypes that values of a picture are turned into. */
const pictureTypes: ReadonlySet<Dtype> = new Set(['float32', 'float16', 'float64', 'uint8', 'int32', 'int64']);

/**
 * Pictures for a model: files or base64 texts under one key. The model's other inputs are given by their names.
 *
 * @throws MlopsError `bad_config` where the model takes no such pictures.
 */
export function imageInput(config: ImageConfig, file: string, inputs: readonly TensorInfo[]): InputStep {
  const { field } = config;
  const input = pictureInput(config, file, inputs);
  const options = fitted(config, input, file);
  const others = inputs.filter((info) => info !== input);
  const names = [field, ...others.map(({ name }) => name)];
  const read = (raw: Json, files: PictureFiles = new Map()): { feeds: Tensors; pictures: GivenPictures } => {
    const values = isObject(raw) ? raw : { [field]: fieldOfRows(raw, field), ...columns(raw, others) };
    const strange = Object.keys(values).find((name) => !names.includes(name));
    const stray = [...files.keys()].find((name) => name !== '' && !names.includes(name));
    if (strange !== undefined || stray !== undefined) {
      const name = (strange ?? stray ?? '').slice(0, 100);
      throw invalid(name, `only ${names.join(', ')}`, `'${name}'`);
    }
    const given = filesOf(values, files, field);
    if (given.length > mostPictures) throw invalid(field, `at most ${mostPictures} pictures`, `${given.length}`);
    const feeds = noTensors();
    for (const info of others) {
      const value = Object.hasOwn(values, info.name) ? values[info.name] : undefined;
      if (value === undefined) throw invalid(info.name, `the input '${info.name}'`, 'nothing');
      feeds[info.name] = tensorFromJson(fromForm(value, info), info, info.name, true);
    }
    return { feeds, pictures: { input: input.name, files: given } };
  };
  return {
    kind: 'image',
    names,
    holdsText: (name) => name === field,
    read: () => {
      throw new Error('pictures are read by `pictures`');
    },
    // What is logged of them is what they are like.
    rows: () => ({ count: 0, columns: 0, row: () => ({}) }),
    targets: new Map([[field, [input.name]], ...others.map(({ name }) => [name, [name]] as const)]),
    image: { field, input, options, read },
    schema: () => ({
      type: 'object',
      properties: { [field]: { type: 'string', description: 'base64 or a data URL' } },
      required: [field],
    }),
    example: () => ({ [field]: examplePicture }),
  };
}

/** A red pixel as a PNG file. */
const examplePicture = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC';

function filesOf(values: JsonObject, files: PictureFiles, field: string): readonly Uint8Array[] {
  const uploaded = files.get(field) ?? files.get('');
  const value = Object.hasOwn(values, field) ? values[field] : undefined;
  if (uploaded !== undefined) {
    if (value !== undefined) throw invalid(field, 'files or texts', 'both');
    return uploaded;
  }
  if (value === undefined || value === null) throw invalid(field, 'a picture', 'nothing');
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0) throw invalid(field, 'one picture or more', 'an empty list');
  return list.map((one, i) => {
    const path = list.length === 1 && !Array.isArray(value) ? field : `${field}[${i}]`;
    if (typeof one !== 'string') throw invalid(path, 'a picture as base64 or data URL', showJson(one));
    return bytesOfText(one, path);
  });
}

/** Texts, or objects with the field. */
function fieldOfRows(raw: Json, field: string): Json {
  const list = Array.isArray(raw) ? raw : [raw];
  return list.map((row) => (isObject(row) ? (row[field] ?? null) : row));
}

function columns(raw: Json, others: readonly TensorInfo[]): JsonObject {
  const rows = Array.isArray(raw) ? raw.filter(isObject) : [];
  if (rows.length === 0) return {};
  return Object.fromEntries(others.map(({ name }) => [name, rows.map((row) => row[name] ?? null)]));
}

/** What the fields of a form hold, one or several of a name. */
function fromForm(value: Json, { dtype }: TensorInfo): Json {
  return Array.isArray(value) ? value.map((one) => fieldValue(one, dtype)) : fieldValue(value, dtype);
}

function pictureInput({ field }: ImageConfig, file: string, inputs: readonly TensorInfo[]): TensorInfo {
  const fits = inputs.filter(
    ({ dtype, dims }) => pictureTypes.has(dtype) && (dims?.length === 4 || dims?.length === 3),
  );
  const named = fits.find(({ name }) => name === field);
  const [only] = fits;
  if (named !== undefined) return named;
  if (only !== undefined && fits.length === 1) return only;
  const names = inputs.map(({ name, dims = [] }) => `${name} [${dims.join(', ')}]`).join(', ');
  throw new MlopsError('bad_config', `'${file}' image: it is not clear which input takes the picture: ${names}`, {
    hint: 'name it as `field`; a picture is [N, channels, height, width] or [N, height, width, channels]',
  });
}

/** The options with layout and type as the model has them, where the file does not say; checked against its shape. */
function fitted({ options, given }: ImageConfig, input: TensorInfo, file: string): PictureOptions {
  const dims = (input.dims ?? []).slice(-3);
  const channels = options.colour === 'grey' ? 1 : 3;
  const turned = !given.layout && dims[0] !== channels && dims[2] === channels;
  const whole = input.dtype === 'uint8' && !given.dtype;
  const full: PictureOptions = {
    ...options,
    resize: filledUp(options.resize, dims),
    ...(turned ? { layout: 'NHWC' } : {}),
    ...(whole ? { dtype: 'uint8' } : {}),
  };
  const [width, height] = sizeOf(full);
  const wanted = full.layout === 'NCHW' ? [channels, height, width] : [height, width, channels];
  const odd = dims.some((dim, i) => typeof dim === 'number' && wanted[i] !== undefined && dim !== wanted[i]);
  const wrong = odd
    ? `pictures become [${wanted.map((one) => one ?? '?').join(', ')}]`
    : input.dtype === 'uint8' && full.dtype !== 'uint8'
      ? 'pictures become float32'
      : undefined;
  if (wrong === undefined) return full;
  const shape = (input.dims ?? []).join(', ');
  throw new MlopsError(
    'bad_config',
    `'${file}' image: ${wrong}, but the input '${input.name}' is ${input.dtype} [${shape}]`,
    {
      hint: 'see colour, resize, crop, layout and dtype in docs/pictures.md',
    },
  );
}

/** A letterbox of a model whose size is fixed is filled up to it: its stride is for models that take any size. */
function filledUp(resize: Resize | undefined, dims: readonly (number | string)[]): Resize | undefined {
  if (resize?.mode !== 'letterbox' || dims.some((dim) => typeof dim !== 'number')) return resize;
  const { stride: _stride, ...rest } = resize;
  return rest;
}

/** Width and height of what comes out, where they do not depend on the picture. */
function sizeOf({ crop, resize }: PictureOptions): readonly [number | undefined, number | undefined] {
  if (crop !== undefined) return [crop.width, crop.height];
  if (resize?.mode === 'exact') return [resize.width, resize.height];
  if (resize?.mode === 'letterbox' && resize.stride === undefined) return [resize.width, resize.height];
  return [undefined, undefined];
}
