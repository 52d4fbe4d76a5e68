import assert from 'node:assert/strict';
import { test } from 'node:test';

import { learnWords, toVector } from '../src/words.mjs';

test('words of two texts or more are known, and weigh more the rarer they are', () => {
  const texts = ['a b', 'a b', 'a c', 'a d'];
  assert.deepEqual(learnWords(texts, 'counts'), [['a', 1], ['b', 1]]);
  const [[, often], [, rare]] = learnWords(texts, 'tfidf');
  assert.ok(often < rare);
});

test('a text is the sum of its known words', () => {
  assert.deepEqual([...toVector([['a', 1], ['b', 0.5]], 'b a b z')], [1, 1]);
});
