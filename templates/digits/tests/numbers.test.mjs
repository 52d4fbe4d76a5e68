import assert from 'node:assert/strict';
import { test } from 'node:test';

import { exp, log } from '../src/exact-math.mjs';
import { createRandom, shuffle } from '../src/random.mjs';

test('the same seed gives the same numbers, another seed others', () => {
  const draw = (seed) => Array.from({ length: 3 }, createRandom(seed));
  assert.deepEqual(draw(42), [0.6011037519201636, 0.44829055899754167, 0.8524657934904099]);
  assert.notDeepEqual(draw(43), draw(42));
});

test('random numbers fill the range from 0 to 1 evenly', () => {
  const random = createRandom(1);
  const tenths = Array.from({ length: 10 }, () => 0);
  for (let n = 0; n < 100_000; n++) tenths[Math.floor(random() * 10)]++;
  for (const size of tenths) assert.ok(Math.abs(size - 10_000) < 500, `${size} of 100000 in a tenth of the range`);
});

test('shuffling keeps every item', () => {
  const items = Array.from({ length: 100 }, (_, n) => n);
  const shuffled = shuffle([...items], createRandom(1));
  assert.notDeepEqual(shuffled, items);
  assert.deepEqual(
    shuffled.sort((a, b) => a - b),
    items,
  );
});

test('exp and log agree with the built-in ones to 14 digits', () => {
  const random = createRandom(2);
  for (let n = 0; n < 10_000; n++) {
    const x = random() * 1400 - 700;
    assert.ok(Math.abs(exp(x) / Math.exp(x) - 1) < 1e-14, `exp(${x})`);
    const y = Math.exp(x);
    assert.ok(Math.abs(log(y) - Math.log(y)) <= 1e-14 * Math.max(1, Math.abs(x)), `log(${y})`);
  }
  assert.equal(exp(0), 1);
  assert.equal(log(1), 0);
  assert.equal(exp(-1000), 0);
});
