import type { GivenPictures, ImagePlan } from '../processing/steps.ts';
import type { VersionFacts } from '../running/served-version.ts';
import { isObject, showJson, type Json, type JsonObject } from '../wire/json-reader.ts';
import { bytesOfText } from '../wire/picture-text.ts';
import { invalid } from '../wire/tensor-json.ts';

/** True for a tensor of files: BYTES under the name of the pictures. */
export function isPictures(input: Json, field: string): input is JsonObject {
  return isObject(input) && input['name'] === field && input['datatype'] === 'BYTES';
}

/**
 * The files of a BYTES tensor, whatever its shape: raw, with the length before each, or base64 texts.
 *
 * @throws MlopsError `invalid_input`, `bad_picture`.
 */
export function readPictures(input: JsonObject, binary: Buffer, path: string): readonly Uint8Array[] {
  const { shape, data, parameters } = input;
  const sizes = Array.isArray(shape) ? shape : [];
  const count = sizes.reduce<number>((product, size) => product * (typeof size === 'number' ? size : Number.NaN), 1);
  if (!Array.isArray(shape) || !Number.isSafeInteger(count) || count < 1) {
    throw invalid(`${path}.shape`, 'a list of sizes, of one picture or more', showJson(shape));
  }
  const raw = isObject(parameters) && parameters['binary_data_size'] !== undefined;
  const files = raw ? split(binary, count, path) : texts(data, `${path}.data`);
  if (files.length !== count) throw invalid(path, `${count} pictures for its shape`, `${files.length}`);
  return files;
}

function split(binary: Buffer, count: number, path: string): Uint8Array[] {
  const files: Uint8Array[] = [];
  let at = 0;
  while (at < binary.length && files.length < count) {
    const length = at + 4 <= binary.length ? binary.readUInt32LE(at) : Infinity;
    if (at + 4 + length > binary.length) {
      throw invalid(`${path}[${files.length}]`, 'a length and that many bytes', `${binary.length - at} bytes`);
    }
    files.push(binary.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  if (at !== binary.length) throw invalid(path, `${count} pictures`, 'more bytes');
  return files;
}

function texts(data: Json | undefined, path: string): Uint8Array[] {
  if (Array.isArray(data)) return data.flatMap((one, i) => texts(one, `${path}[${i}]`));
  if (typeof data === 'string') return [bytesOfText(data, path)];
  throw invalid(path, 'a picture in base64', showJson(data));
}

/** A raw request whose bytes are a picture. */
export function rawPicture({ input }: ImagePlan, bytes: Buffer): GivenPictures {
  return { input: input.name, files: [bytes] };
}

/** The inputs of the metadata, and the pictures that may be given in place of a tensor. */
export function pictureInputs<Shaped extends { readonly name: string }>(
  version: VersionFacts,
  inputs: readonly Shaped[],
) {
  const image = version.processing?.input?.image;
  if (image === undefined) return inputs;
  const pictures = { name: image.field, datatype: 'BYTES', shape: [-1] };
  return [...inputs.filter(({ name }) => name !== image.field), pictures];
}
