import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseParams } from '../src/params.mjs';

test('reads nested numbers, and leaves out comments and blank lines', () => {
  const text = '# all of it\na: 1\n\nb: # a section\n  c: -2.5\n  d:\n    e: 1e-05 # small\n  f: .5\ng: 3\n';
  assert.deepEqual(parseParams(text), { a: 1, b: { c: -2.5, d: { e: 1e-5 }, f: 0.5 }, g: 3 });
});

test('rejects what it does not understand, and names the line', () => {
  const wrong = {
    'a: [1, 2]': /line 1: the value of "a" must be a number/,
    'a: yes': /line 1: the value of "a" must be a number/,
    'a: 1\na: 2': /line 2: "a" is there twice/,
    'a: 1\n  b: 2': /line 2: "b" stands at column 3, not 1/,
    'a:\n    b: 1\n  c: 2': /line 3: "c" stands at column 3, not 1/,
    'a:\n\tb: 1': /line 2: expected "key: number"/,
    '- 1': /line 1: expected "key: number"/,
    'a:1': /line 1: expected "key: number"/,
  };
  for (const [text, message] of Object.entries(wrong)) assert.throws(() => parseParams(text), message, text);
});
