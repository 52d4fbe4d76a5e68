import * as fs from 'node:fs';
import * as path from 'node:path';

import { didYouMean, messageOf, MlopsError } from '../../base/index.ts';
import type { TensorInfo } from '../../model/index.ts';
import { describeText } from '../../monitor/index.ts';
import { showJson, type Json, isObject } from '../wire/json-reader.ts';
import { kerasTokenizer, padSequence, type KerasTokenizer } from './keras-tokenizer.ts';
import type { InputStep, TokenizerFiles } from './steps.ts';
import type { TextConfig } from './serving-config.ts';
import { allocate, dtypes, type Tensor, type Tensors } from '../wire/tensor.ts';
import { invalid } from '../wire/tensor-json.ts';

interface Encoding {
  readonly ids: readonly number[];
  readonly attention_mask: readonly number[];
  readonly token_type_ids?: readonly number[];
}

/** Which part of an encoding an input of the model takes, by the names that exporters give it. */
const parts: Readonly<Record<string, 'ids' | 'mask' | 'types'>> = {
  input_ids: 'ids',
  input_word_ids: 'ids',
  attention_mask: 'mask',
  input_mask: 'mask',
  token_type_ids: 'types',
  segment_ids: 'types',
};

/**
 * Texts for a transformer: a Hugging Face tokenizer.json makes token ids, cut to `max_length` and padded to the
 * longest text of the request.
 *
 * @throws MlopsError `bad_config` when the tokenizer cannot be read or the model takes no token ids.
 */
export async function textInput(
  config: TextConfig,
  file: string,
  inputs: readonly TensorInfo[],
  files: TokenizerFiles,
): Promise<InputStep> {
  const keras = kerasOf(files);
  if (keras !== undefined) return kerasInput(config, file, inputs, keras);
  const { encode, padId, unknownId } = await loadTokenizer(files);
  const odd = inputs.find(
    (info) => parts[info.name] === undefined || (info.dtype !== 'int64' && info.dtype !== 'int32'),
  );
  if (odd !== undefined || !inputs.some((info) => parts[info.name] === 'ids')) {
    throw new MlopsError(
      'bad_config',
      `'${file}': the model's inputs are not token ids (${inputs.map((info) => info.name).join(', ')})`,
      {
        hint: `text is for models with the inputs ${Object.keys(parts).join(', ')}`,
      },
    );
  }
  return {
    kind: 'text',
    names: [config.field],
    holdsText: () => true,
    read(raw) {
      const encodings = textsOf(raw, config.field).map((text) => cut(encode(text), config.maxLength));
      const longest = encodings.reduce((length, encoding) => Math.max(length, encoding.ids.length), 1);
      const width = config.padding === 'max_length' ? config.maxLength : longest;
      return Object.fromEntries(inputs.map((info) => [info.name, tokensTensor(info, encodings, width, padId)]));
    },
    targets: new Map([[config.field, inputs.map(({ name }) => name)]]),
    rows: (raw, feeds) => textRows(textsOf(raw, config.field), config.field, unknownShares(inputs, feeds, unknownId)),
    ...described(config.field),
  };
}

/** The rows of a request for the log, and the share of each that the tokenizer did not know. */
function textRows(texts: readonly string[], field: string, share: (row: number) => number | undefined) {
  return {
    count: texts.length,
    columns: 1,
    row: (index: number) => ({ [field]: describeText(texts[index] ?? '', share(index)) }),
  };
}

function described(field: string) {
  return {
    schema: () => ({
      type: 'object',
      properties: { [field]: { type: 'string' } },
      required: [field],
      additionalProperties: false,
    }),
    example: () => ({ [field]: 'some text' }),
  };
}

function kerasOf({ file, tokenizer }: TokenizerFiles): KerasTokenizer | undefined {
  try {
    return kerasTokenizer(parsed(tokenizer));
  } catch (error) {
    throw unusable(file, error);
  }
}

/** Texts for a Keras model: numbers of words, cut and padded to the width that the model takes, or to `max_length`. */
function kerasInput(
  config: TextConfig,
  file: string,
  inputs: readonly TensorInfo[],
  { encode, unknownId }: KerasTokenizer,
): InputStep {
  const [input] = inputs;
  if (input === undefined || inputs.length !== 1 || input.dims?.length !== 2 || /string|bool/.test(input.dtype)) {
    throw new MlopsError('bad_config', `'${file}': a Keras tokenizer is for a model of one input [N, length]`);
  }
  const fixed = input.dims[1];
  const share = (ids: readonly number[]): number | undefined =>
    unknownId === undefined || ids.length === 0 ? undefined : ids.filter((id) => id === unknownId).length / ids.length;
  return {
    kind: 'text',
    names: [config.field],
    holdsText: () => true,
    read(raw) {
      const encoded = textsOf(raw, config.field).map(encode);
      const longest = Math.max(1, ...encoded.map(({ length }) => length));
      const free = config.padding === 'max_length' ? config.maxLength : Math.min(longest, config.maxLength);
      const width = typeof fixed === 'number' ? fixed : free;
      const data = allocate(input.dtype, encoded.length * width);
      for (const [row, ids] of encoded.entries()) {
        for (const [at, id] of padSequence(ids, width, config).entries()) {
          (data as unknown[])[row * width + at] = dtypes[input.dtype].kind === 'bigint' ? BigInt(id) : id;
        }
      }
      return { [input.name]: { dtype: input.dtype, dims: [encoded.length, width], data } };
    },
    targets: new Map([[config.field, [input.name]]]),
    rows(raw) {
      const texts = textsOf(raw, config.field);
      return textRows(texts, config.field, (row) => share(encode(texts[row] ?? '')));
    },
    ...described(config.field),
  };
}

/**
 * The tokenizer beside a `serving.yaml`, as it is now.
 *
 * @throws MlopsError `bad_config` when it cannot be read.
 */
export function readTokenizer({ tokenizer }: TextConfig, servingFile: string): TokenizerFiles {
  const named = path.join(path.dirname(servingFile), tokenizer);
  const configFile = path.join(path.dirname(named), 'tokenizer_config.json');
  // Keras has this one file.
  const file = fs.existsSync(named) || !fs.existsSync(configFile) ? named : configFile;
  try {
    const config = fs.existsSync(configFile) ? shared(configFile) : undefined;
    return { file, tokenizer: shared(file), config };
  } catch (error) {
    throw unusable(file, error);
  }
}

function shared(file: string): Uint8Array {
  const bytes = fs.readFileSync(file);
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

function parsed(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString('utf8'));
}

function unusable(file: string, error: unknown): MlopsError {
  return new MlopsError('bad_config', `the tokenizer '${file}' cannot be used: ${messageOf(error)}`, {
    hint: 'put the tokenizer.json of the model beside serving.yaml',
    cause: error,
  });
}

interface LoadedTokenizer {
  readonly encode: (text: string) => Encoding;
  readonly padId: number;
  /** The token that stands for what the tokenizer does not know, where there is one. */
  readonly unknownId: number | undefined;
}

async function loadTokenizer(files: TokenizerFiles): Promise<LoadedTokenizer> {
  try {
    const json = parsed(files.tokenizer) as {
      padding?: { pad_id?: number } | null;
      added_tokens?: { id: number; content: string }[];
      model?: { unk_token?: string | null; unk_id?: number | null; vocab?: Record<string, number> };
    };
    const { Tokenizer } = await import('@huggingface/tokenizers');
    const config = files.config === undefined ? {} : (parsed(files.config) as object);
    const tokenizer = new Tokenizer(json, config);
    const pad = json.added_tokens?.find((token) => token.content === '[PAD]' || token.content === '<pad>');
    return {
      encode: (text) => tokenizer.encode(text, { return_token_type_ids: true }) as Encoding,
      padId: json.padding?.pad_id ?? pad?.id ?? 0,
      unknownId:
        json.model?.unk_id ?? unknownIn(json.model?.unk_token ?? undefined, json.added_tokens, json.model?.vocab),
    };
  } catch (error) {
    throw unusable(files.file, error);
  }
}

function unknownIn(
  token: string | undefined,
  added: readonly { readonly id: number; readonly content: string }[] = [],
  vocabulary: Readonly<Record<string, number>> = {},
): number | undefined {
  if (token === undefined) return undefined;
  return added.find(({ content }) => content === token)?.id ?? vocabulary[token];
}

function textsOf(raw: Json, field: string): string[] {
  onlyField(raw, field, 'inputs');
  const value = isObject(raw) ? raw[field] : raw;
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0) throw invalid(`inputs.${field}`, 'one text or more', 'an empty list');
  return list.map((item, i) => {
    onlyField(item, field, `inputs[${i}]`);
    const text = isObject(item) ? item[field] : item;
    if (typeof text === 'string') return text;
    throw invalid(`inputs.${field}[${i}]`, 'a text', showJson(text));
  });
}

/** @throws MlopsError `invalid_input` where an object has another key than the text's. */
function onlyField(value: Json | undefined, field: string, path: string): void {
  if (!isObject(value)) return;
  const strange = Object.keys(value)
    .find((key) => key !== field)
    ?.slice(0, 100);
  if (strange === undefined && Object.hasOwn(value, field)) return;
  if (strange === undefined) throw invalid(`${path}.${field}`, 'a text', 'nothing');
  throw new MlopsError('invalid_input', `${path}.${strange}: there is no such key; the text stands under '${field}'`, {
    hint: didYouMean(strange, [field]),
    data: { path: `${path}.${strange}`, expected: field, got: strange },
  });
}

/** The share of the tokens of a row that the tokenizer did not know, padding left out; undefined without such a token. */
function unknownShares(inputs: readonly TensorInfo[], feeds: Tensors, unknownId: number | undefined) {
  const of = (part: string): Tensor | undefined => feeds[inputs.find(({ name }) => parts[name] === part)?.name ?? ''];
  const [ids, mask] = [of('ids'), of('mask')];
  return (row: number): number | undefined => {
    if (ids === undefined || unknownId === undefined) return undefined;
    const width = ids.dims[1] ?? 0;
    let [known, unknown] = [0, 0];
    for (let at = row * width; at < (row + 1) * width; at++) {
      if (mask !== undefined && Number(mask.data[at]) === 0) continue;
      if (Number(ids.data[at]) === unknownId) unknown++;
      else known++;
    }
    return known + unknown === 0 ? undefined : unknown / (known + unknown);
  };
}

/** Cut to a length, keeping the last token, which closes the text ([SEP]), as Hugging Face truncates. */
function cut(encoding: Encoding, length: number): Encoding {
  if (encoding.ids.length <= length) return encoding;
  const shorten = (values: readonly number[]): number[] => [...values.slice(0, length - 1), values.at(-1) ?? 0];
  const { ids, attention_mask: mask, token_type_ids: types } = encoding;
  return {
    ids: shorten(ids),
    attention_mask: shorten(mask),
    ...(types === undefined ? {} : { token_type_ids: shorten(types) }),
  };
}

function tokensTensor(info: TensorInfo, encodings: readonly Encoding[], width: number, padId: number): Tensor {
  const data = allocate(info.dtype, encodings.length * width);
  const part = parts[info.name];
  for (const [row, encoding] of encodings.entries()) {
    const values =
      part === 'ids' ? encoding.ids : part === 'mask' ? encoding.attention_mask : (encoding.token_type_ids ?? []);
    for (let i = 0; i < width; i++) {
      const value = values[i] ?? (part === 'ids' ? padId : 0);
      if (data instanceof BigInt64Array) data[row * width + i] = BigInt(value);
      else (data as Int32Array)[row * width + i] = value;
    }
  }
  return { dtype: info.dtype, dims: [encodings.length, width], data };
}
