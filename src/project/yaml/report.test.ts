import * as fc from 'fast-check';
import { expect, it } from 'vitest';

import { wrapWords } from './report.ts';

it('breaks lines before words that do not fit and keeps every character of text', () => {
  const word = fc.constantFrom('a', 'bcd', ' ', '  ', '\n', '\t', 'x'.repeat(30));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 20 }), (words) => {
      const text = words.join('');
      const lines = wrapWords(text, 20);
      expect(lines.join('').replaceAll(/\s/g, '')).toBe(text.replaceAll(/\s/g, ''));
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(20);
    }),
  );
  expect(wrapWords('  a bc  def', 6)).toEqual(['  a bc', 'def']);
});

it.each([' ', '\n', 'a ', ' \n'])('wraps 200 kB of %j at once', (word) => {
  const from = performance.now();
  wrapWords(word.repeat(200_000 / word.length), 80);
  wrapWords(`a${word.repeat(200_000 / word.length)}b`, 80);
  expect(performance.now() - from).toBeLessThan(500);
});
