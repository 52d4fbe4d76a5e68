import { expect, it } from 'vitest';

import { readLoggedModelUri, readModelUri } from './model-uris.ts';

it.each([
  ['models:/digits', 'digits', undefined],
  ['models:/digits/Production', 'digits', 'Production'],
  ['models:///digits/3', 'digits', '3'],
  ['models:/digits@best', 'digits', '@best'],
  ['models:/a%20b/1', 'a b', '1'],
  ['models:/50%/1', '50%', '1'],
])('reads %s', (uri, name, selector) => {
  expect(readModelUri(uri)).toEqual({ name, selector });
});

it.each(['digits', 'models:', 'models:/', 'models:/a/b/c', 'models:/@x', 'runs:/r/model'])(
  'is not a model: %s',
  (uri) => {
    expect(readModelUri(uri)).toBeUndefined();
  },
);

it('reads logged models', () => {
  expect(readLoggedModelUri('models:/m-0a1')).toBe('m-0a1');
  expect(readLoggedModelUri('models:/digits/1')).toBeUndefined();
});
