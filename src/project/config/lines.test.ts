import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { readOptionLine, readSectionLine, readValue, unquote } from './lines.ts';
import { editConfigText, parseConfigText } from './text.ts';

/** ConfigObj's own expressions, which may try for ever. */
const sectionPattern = /^\s*((?:\[\s*)+)("\s*\S.*?\s*"|'\s*\S.*?\s*'|[^'"\s].*?)((?:\s*\])+)\s*(?:#.*)?$/;
const optionPattern = /^\s*(".*?"|'.*?'|[^'"=].*?)\s*=\s*(.*)$/;
const valuePattern =
  /^(?:((?:(?:".*?"|'.*?'|[^'",#][^,#]*?)\s*,\s*)*)(".*?"|'.*?'|[^'",#\s][^,]*?|(?<!,))?|(,))\s*(?:#.*)?$/;
const itemPattern = /(".*?"|'.*?'|[^'",#]?.*?)\s*,\s*/g;

function valueByPattern(source: string): unknown {
  const triple = /^(?:"""(.*?)"""|'''(.*?)''')\s*(?:#.*)?$/.exec(source);
  if (triple !== null) return triple[1] ?? triple[2] ?? '';
  const match = /^("""|''')/.test(source) ? null : valuePattern.exec(source);
  if (match === null) return undefined;
  const [, items = '', single = '', none] = match;
  if (none !== undefined) return [];
  if (items === '') return unquote(single);
  const list = [...items.matchAll(itemPattern)].map(([, item = '']) => item);
  if (list.includes('')) return undefined;
  return (single === '' ? list : [...list, single]).map(unquote);
}

const lineOf = (...words: string[]): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...words), { maxLength: 14 }).map((chosen) => chosen.join(''));
const runs = { numRuns: 20_000 };

describe('a line of a config file', () => {
  it('is a section where the expression of ConfigObj says so', () => {
    fc.assert(
      fc.property(lineOf('[', '[', ']', ']', '"', "'", ' ', '\t', 'a', '#', '='), (line) => {
        const match = sectionPattern.exec(line);
        const count = (part: string | undefined): number => (part ?? '').replaceAll(/\s/g, '').length;
        const expected = match && { name: match[2], opening: count(match[1]), closing: count(match[3]) };
        expect(readSectionLine(line) ?? null).toEqual(expected);
      }),
      runs,
    );
  });

  it('is an option where the expression of ConfigObj says so', () => {
    fc.assert(
      fc.property(lineOf('=', '=', '"', "'", ' ', '\t', 'a', 'b c', '#', ','), (line) => {
        const match = optionPattern.exec(line);
        expect(readOptionLine(line) ?? null).toEqual(match && { key: match[1], value: match[2] });
      }),
      runs,
    );
  });

  it('has the values that the expression of ConfigObj finds', () => {
    fc.assert(
      fc.property(lineOf(',', ',', '"', '"', "'", ' ', '\t', 'a', 'b c', '#'), (line) => {
        const source = line.trimStart();
        expect(readValue(source)).toEqual(valueByPattern(source));
      }),
      runs,
    );
  });

  it.each([
    ['x, "b" c, d', ['x', '"b" c', 'd']],
    ['x, "a, "b, y', ['x', '"a', '"b', 'y']],
    ['"a, b" # , "c", d', ['a, b" # , "c', 'd']],
    [',', []],
    ['a,', ['a']],
    ['a,,', undefined],
    ['a, ,b', undefined],
    ['a, " ,b', ['a', '', 'b']],
    ['"""a, b""" # c', 'a, b'],
    ['"open', undefined],
  ])('reads %j as ConfigObj does', (source, value) => {
    expect(readValue(source)).toEqual(value);
  });

  it('is refused where it sets an option again', () => {
    expect(() => parseConfigText('[a]\nb = 1\n"b" = 2\n', 'f')).toThrow('Duplicate keyword name at line 3.');
    expect(parseConfigText('[a]\nb = 1\nB = 2\n', 'f').get('a')).toEqual(new Map([['b', '2']]));
  });

  it('ends where Python ends a line', () => {
    expect(parseConfigText('[a]\vb = x\fc = 1\u0085d = 2\u2028e = 3', 'f')).toEqual(
      new Map([['a', new Map(Object.entries({ b: 'x', c: '1', d: '2', e: '3' }))]]),
    );
  });
});

describe('200 kB of what almost fits', () => {
  const words = ['[ ', '"] ', 'a ', '=', '" =', ',', 'a, ', '", ', '"a, ', '"a","', "'a', ", ' #', '" #', '\n '];

  it.each(words)('%j again and again is read at once', (word) => {
    for (const start of ['', '["', 'a = x, "']) {
      const text = `[s]\n${start}${word.repeat(Math.ceil(200_000 / word.length))}\0`;
      const from = performance.now();
      for (const read of [() => parseConfigText(text, 'f'), () => editConfigText(text, 's', 'key', '1')]) {
        // Most of them are no config.
        try {
          read();
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad_config' });
        }
      }
      expect(performance.now() - from, JSON.stringify([start, word])).toBeLessThan(1_500);
    }
  });
});
