import * as fc from 'fast-check';

import { PyFloat, type PyMap, type PyValue } from '../../src/base/index.ts';

/** Texts that YAML could take for something else, or that fold, or that need quotes. */
const oddTexts = [
  '',
  ' ',
  '~',
  'null',
  'yes',
  'True',
  'FALSE',
  '1',
  '01',
  '0x1F',
  '1_0',
  '1e3',
  '1.',
  '.5',
  '-.inf',
  '.nan',
  '=',
  '<<',
  '2020-01-01',
  '2001-12-14t21:59:43.10-05:00',
  '- a',
  '-',
  '?',
  ':',
  '? a',
  'a: b',
  'a:',
  'a #b',
  '#a',
  '@a',
  '`a',
  '%a',
  '!a',
  '&a',
  '*a',
  '|',
  '>',
  '---',
  '... ',
  "it's",
  '"q"',
  "'",
  'a\nb',
  'a\n',
  '\na',
  ' a',
  'a ',
  'a  b',
  'a \nb',
  'a\n b',
  'tab\there',
  '\u0085',
  'x\u2028y',
  '\u00a0',
  '\ufeff',
  '\u007f',
  '\u{1f600}',
  'é ü',
  '[a]',
  '{a}',
  'a, b',
  'a]b',
  'C:\\dir',
  'sh -c "a && b" > c.txt',
  '\\',
  '"',
];

const word = fc.oneof(
  fc.stringMatching(/^[a-z0-9_./-]{1,12}$/),
  fc.constantFrom(...oddTexts),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.stringMatching(/^[a-z]{60,100}$/),
);

/** Strings from single words to texts of several folded lines. */
export const arbitraryText = fc
  .oneof(
    { weight: 3, arbitrary: word },
    { weight: 2, arbitrary: fc.array(word, { maxLength: 40 }).map((words) => words.join(' ')) },
    { weight: 1, arbitrary: fc.array(word, { maxLength: 12 }).map((words) => words.join('\n')) },
    {
      weight: 1,
      arbitrary: fc.array(fc.stringMatching(/^[a-z'"é\\:]{1,14}$/), { maxLength: 50 }).map((words) => words.join(' ')),
    },
  )
  .filter((text) => !/\p{Surrogate}/u.test(text));

const scalar: fc.Arbitrary<PyValue> = fc.oneof(
  arbitraryText,
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.bigInt({ min: 2n ** 60n, max: 2n ** 90n }),
  fc.double({ noNaN: true }).map((value) => new PyFloat(value)),
  fc.integer({ min: -1000, max: 1000 }).map((value) => new PyFloat(value)),
);

/** Any value that DVC could be asked to write: nested mappings with text keys, lists, scalars. */
export const arbitraryYaml: fc.Arbitrary<PyValue> = fc.letrec<{ value: PyValue; map: PyMap }>((tie) => ({
  value: fc.oneof({ maxDepth: 4, depthSize: 'small' }, scalar, fc.array(tie('value'), { maxLength: 4 }), tie('map')),
  map: fc
    .uniqueArray(fc.tuple(fc.oneof(word, arbitraryText), tie('value')), { maxLength: 4, selector: ([key]) => key })
    .map((entries): PyMap => new Map(entries)),
})).map;
