import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { expect, it } from 'vitest';

import { identityModel } from '../../../test/support/onnx.ts';
import { post, startServer } from '../../../test/support/serving.ts';
import { FolderSource } from '../models/folder-source.ts';
import { kerasTokenizer, padSequence } from './keras-tokenizer.ts';

const words = { '<oov>': 1, the: 2, cat: 3, sat: 4, mat: 5 };
const keras = (config: object) =>
  kerasTokenizer(
    JSON.stringify({
      class_name: 'Tokenizer',
      config: { filters: '!,.\t\n', lower: true, split: ' ', word_index: JSON.stringify(words), ...config },
    }),
  );

// As keras.preprocessing.text.Tokenizer.texts_to_sequences.
it.each([
  [{}, 'The cat,  sat. On the MAT!', [2, 3, 4, 2, 5]],
  [{ oov_token: '<oov>' }, 'The dog sat', [2, 1, 4]],
  [{ num_words: 4 }, 'the cat sat mat', [2, 3]],
  [{ num_words: 4, oov_token: '<oov>' }, 'the cat sat dog', [2, 3, 1, 1]],
  [{ num_words: 0 }, 'mat', [5]],
  [{ lower: false }, 'The cat', [3]],
  [{ filters: '', split: '-' }, 'the-cat--sat.', [2, 3]],
  [{ char_level: true, word_index: { a: 1, ' ': 2, b: 3 } }, 'aB c', [1, 3, 2]],
  [{}, '', []],
])('numbers the words of a text: %j %j', (config, text, ids) => {
  expect(keras(config)?.encode(text)).toEqual(ids);
});

it('takes no other file', () => {
  expect(kerasTokenizer({ model: { type: 'WordPiece' } })).toBeUndefined();
  expect(kerasTokenizer(null)).toBeUndefined();
});

it('pads and cuts before or behind', () => {
  const sides = (pad: 'pre' | 'post', truncate: 'pre' | 'post') => ({ pad, truncate });
  expect(padSequence([1, 2], 4, sides('pre', 'pre'))).toEqual([0, 0, 1, 2]);
  expect(padSequence([1, 2], 4, sides('post', 'pre'))).toEqual([1, 2, 0, 0]);
  expect(padSequence([1, 2, 3], 2, sides('pre', 'pre'))).toEqual([2, 3]);
  expect(padSequence([1, 2, 3], 2, sides('pre', 'post'))).toEqual([1, 2]);
});

it('is served: texts become the numbers that the model takes', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'keras-'));
  const config = { filters: '', lower: true, split: ' ', oov_token: '<oov>', word_index: JSON.stringify(words) };
  for (const [name, width, text] of [
    ['fixed', 4, '{}'],
    ['free', 'L', '{pad: post, truncate: post, max_length: 3}'],
  ] as const) {
    fs.mkdirSync(path.join(dir, name));
    fs.writeFileSync(path.join(dir, name, 'model.onnx'), identityModel('float32', ['N', width]));
    fs.writeFileSync(
      path.join(dir, name, 'tokenizer_config.json'),
      JSON.stringify({ class_name: 'Tokenizer', config }),
    );
    fs.writeFileSync(path.join(dir, name, 'serving.yaml'), `version: 1\ntext: ${text}\n`);
  }
  const server = await startServer(FolderSource.directory(dir));
  expect(server.failures).toEqual([]);
  const ask = async (model: string) =>
    (await post(server, `/predict?model=${model}`, { text: ['the dog', 'the cat sat the mat'] })).json() as {
      outputs: { y: number[][] };
    };
  expect((await ask('fixed')).outputs.y).toEqual([
    [0, 0, 2, 1],
    [3, 4, 2, 5],
  ]);
  expect((await ask('free')).outputs.y).toEqual([
    [2, 1, 0],
    [2, 3, 4],
  ]);
  await server.close(1_000);
  fs.rmSync(dir, { recursive: true });
});
