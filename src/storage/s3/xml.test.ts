import * as fc from 'fast-check';
import { expect, it } from 'vitest';

import { element, elements, escaped, rootOf } from './xml.ts';

it('reads elements in order, with texts unescaped', () => {
  const xml =
    '<?xml version="1.0"?>\n<List xmlns="x"><K>a &amp; b</K><C><K>1</K></C><C><K>&#x27;&#10;&lt;</K></C></List>';
  expect(rootOf(xml)).toBe('List');
  expect(element(xml, 'K')).toBe('a & b');
  expect(elements(xml, 'C').map((part) => element(part, 'K'))).toEqual(['1', "'\n<"]);
  expect(element(xml, 'None')).toBeUndefined();
  expect(rootOf('plain text')).toBeUndefined();
  expect(rootOf('')).toBeUndefined();
});

it('gives back any text that was escaped', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), (...texts) => {
      for (const text of texts) expect(element(`<K>${escaped(text)}</K>`, 'K')).toBe(text);
    }),
  );
});
