import * as fc from 'fast-check';
import { expect, it } from 'vitest';

import { element, elements, escaped, parseXml } from './xml.ts';

it('reads elements in order, with texts unescaped', () => {
  const xml = parseXml(
    '<?xml version="1.0"?>\n<!-- of a gateway --><List xmlns="x"><K>a &amp; b</K><C><K>1</K></C><C><K>&#x27;&#10;&lt;<![CDATA[&]]></K></C></List>',
  );
  if (xml === undefined) throw new Error('it is XML');
  expect(xml.name).toBe('List');
  expect(element(xml, 'K')).toBe('a & b');
  expect(elements(xml, 'C').map((part) => element(part, 'K'))).toEqual(['1', "'\n<&"]);
  expect(element(xml, 'None')).toBeUndefined();
});

it.each(['plain text', '', '<a>', '<a></b>', '<a>&b;</a>', '<!DOCTYPE html><html><p>x</html>', '<a/>x'])(
  'takes %j for no answer',
  (text) => expect(parseXml(text)).toBeUndefined(),
);

it.each([
  ['comments that do not end', `<!-${'-?><m--><!--?><m--><!-'.repeat(40_000)}?><l`],
  ['levels', '<a>'.repeat(300_000)],
  ['attributes', `<a ${'x="1" '.repeat(200_000)}>`],
  [
    'entities',
    `<!DOCTYPE a [${Array.from({ length: 20 }, (_, i) => `<!ENTITY e${i} "${`&e${i - 1};`.repeat(10)}">`).join('')}]><a>&e19;</a>`,
  ],
  ['ampersands', `<a>${'&'.repeat(1_000_000)}</a>`],
  ['blanks', `<a>${' '.repeat(5_000_000)}`],
])('gives up on endless %s at once', (_, text) => {
  const began = performance.now();
  expect(parseXml(text)).toBeUndefined();
  expect(performance.now() - began).toBeLessThan(2000);
});

it('gives back any text that was escaped', () => {
  // XML has no way to say other control characters.
  const unit = fc.string({ unit: 'grapheme' }).filter((text) => !/[^\P{Cc}\t\n\r]|[\ufffe\uffff]|\p{Cs}/u.test(text));
  fc.assert(
    fc.property(unit, (text) => {
      const xml = parseXml(`<K>${escaped(text)}</K>`);
      expect(xml?.text).toBe(text);
    }),
  );
});
