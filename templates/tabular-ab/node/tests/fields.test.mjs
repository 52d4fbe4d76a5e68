import assert from 'node:assert/strict';
import { test } from 'node:test';

import { scaleOf, servingYaml, toInputs } from '../src/fields.mjs';

test('numbers are centred and scaled', () => {
  const fields = [{ raw: [1, 2, 3, 4, 5, 6] }, { raw: [3, 4, 5, 6, 7, 8] }];
  assert.deepEqual(toInputs(scaleOf(fields), [3, 4, 5, 6, 7, 8]), [1, 1, 1, 1, 1, 1]);
});

test('the API has a range for each number', () => {
  assert.match(servingYaml(''), /name: ph, type: number, min: 3, max: 10/);
});
