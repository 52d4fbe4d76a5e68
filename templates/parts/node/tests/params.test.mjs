import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseParams } from '../src/lib/params.mjs';

test('sections hold numbers and texts', () => {
  assert.deepEqual(parseParams('# note\na:\n  x: 1e-3 # small\n  y: some text\n\nb:\n  z: "7"\n'), {
    a: { x: 0.001, y: 'some text' },
    b: { z: '7' },
  });
});

test('what is not understood is an error with its line', () => {
  assert.throws(() => parseParams('a:\n  - 1\n'), /line 2/);
  assert.throws(() => parseParams('x: 1\n'), /no section/);
  assert.throws(() => parseParams('a:\n  x: 1\n  x: 2\n'), /twice/);
});
