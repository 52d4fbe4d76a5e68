import assert from 'node:assert/strict';
import { test } from 'node:test';

import { describeColumns, describeTarget, toInputs, toRaw, widthOf } from '../src/table.mjs';

const columns = ['size', 'colour', 'always', 'price'];
const rows = [
  ['1', 'red', 'x', '10'],
  ['3', 'blue', 'x', '20'],
  ['', 'red', 'x', '30'],
];

test('columns of numbers and of texts become inputs, one that never changes does not', () => {
  const inputs = describeColumns(columns, rows, 'price');
  assert.deepEqual(inputs.map(({ name, kind }) => [name, kind]), [['size', 'number'], ['colour', 'text']]);
  assert.deepEqual(inputs[1].values, ['blue', 'red']);
  assert.equal(widthOf(inputs), 3);
});

test('what is missing or unknown is filled: the median, the most frequent text', () => {
  const inputs = describeColumns(columns, rows, 'price');
  assert.deepEqual(toRaw(inputs, ['', '']), [2, 1]);
  assert.deepEqual(toRaw(inputs, ['3', 'green']), [3, 1]);
});

test('numbers are centred and scaled, texts are a 0 or 1 each', () => {
  const inputs = describeColumns(columns, rows, 'price');
  assert.deepEqual(toInputs(inputs, [3, 0]), [1, 1, 0]);
});

test('a target of few texts is classes, one of many numbers a number', () => {
  assert.deepEqual(describeTarget('t', ['b', 'a', 'b']).classes, ['a', 'b']);
  assert.deepEqual(describeTarget('t', ['10', '9', '10']).classes, ['9', '10']);
  assert.equal(describeTarget('t', ['0.5', '1.5']).kind, 'number');
  assert.throws(() => describeTarget('t', ['a', 'a']), /one value only/);
});
