// Texts on which careless readers take the square of their length, or longer, and the clock that tells.
import { expect } from 'vitest';

const repeated = (before: string, word: string, after: string) => (size: number) =>
  before + word.repeat(Math.ceil((size - before.length - after.length) / word.length)) + after;

/** By what they are awkward for; each makes a text of about so many characters. */
export const awkwardTexts: Readonly<Record<string, (size: number) => string>> = {
  'digits and a letter': repeated('', '1', 'x'),
  'digits around a point': repeated('', '1', `.${'1'.repeat(1_000)}x`),
  'blanks in the middle': repeated('a', ' ', 'b'),
  tabs: repeated('', '\t', '\n'),
  'line breaks': repeated('', '\r\n', 'x'),
  slashes: repeated('', '/', '\n'),
  'slashes and dots': repeated('a', '/./..', '/b'),
  'one long path': (size) => repeated(repeated('', 'a/', '')(size / 2), 'b/../', 'c')(size),
  colons: repeated('runs:/u', ':', 'n/\n'),
  'the root of a model': repeated('models:/', 'a', '\n'),
  'a file': repeated('file:', '/', '\0'),
  backslashes: repeated('', '\\', '"'),
  'escaped quotes': repeated('"', '\\"', ''),
  quotes: repeated('', `'`, 'x'),
  'double quotes': repeated('', '"', 'x'),
  percents: repeated('', '%', ''),
  'percents of percents': repeated('', '%25', '2e'),
  commas: repeated('', ',', 'x'),
  'brackets that open': repeated('', '[', ''),
  'braces that open': repeated('', '{"a":', ''),
  'parentheses that open': repeated('', '(', ''),
  equals: repeated('a', '=', 'b'),
  minuses: repeated('', '-', '!'),
  'wide letters': repeated('', 'é', '\uD800'),
  'a number in a filter': repeated('metrics.a > ', '1', 'x'),
  'a list in a filter': repeated(`attributes.run_id IN ('a',b`, ' ', 'c)'),
  'a long list in a filter': repeated(`attributes.run_id IN (`, `'a',`, `'b')`),
  'clauses of a filter': repeated('', `tags.a = 'b' AND `, `tags.a = 'b'`),
  'a pattern of a filter': repeated(`tags.a LIKE '`, '%a', `'`),
  'a regular expression of a filter': repeated(`tag.a RLIKE '`, '(a+)+', `$'`),
  'a text in a filter that does not end': repeated(`params.a = '`, `''`, 'x'),
  'words of no number': repeated('{"a": NaN, "b": "', '\\"', ''),
};

/** The same for what stands in JSON without quotes. */
export const awkwardValues: Readonly<Record<string, (size: number) => string>> = {
  'a long integer': repeated('', '9', ''),
  'a long fraction': repeated('0.', '3', ''),
  'a long exponent': repeated('1e', '0', '1'),
  'brackets in brackets': (size) => '['.repeat(size / 2) + ']'.repeat(size / 2),
  'a list of nothing': repeated('[', '[],', '[]]'),
  'a list of numbers': repeated('[', '1,', '1]'),
  'a list of texts': repeated('[', '"a",', '"a"]'),
  'one key many times': repeated('{', '"a":1,', '"a":1}'),
};

const large = 100_000;
/** Milliseconds of the processor that a request of this size may take whatever it does. */
const allowed = 50;

async function timeOf(ask: (size: number) => Promise<unknown>, size: number): Promise<number> {
  // Of the processor: others on this machine do not count.
  const begin = process.cpuUsage();
  await ask(size);
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000;
}

async function median(ask: (size: number) => Promise<unknown>, size: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 10; i++) times.push(await timeOf(ask, size));
  return times.sort((a, b) => a - b)[5] ?? 0;
}

/** Fails when twice the bytes take more than three times as long, again and again, and that is noticed. */
export async function expectLinear(what: string, ask: (size: number) => Promise<unknown>): Promise<void> {
  if ((await timeOf(ask, large)) <= allowed) return;
  const whole = await median(ask, large);
  if (whole <= allowed) return;
  const half = await median(ask, large / 2);
  if (whole / half <= 3) return;
  // A collection of garbage that only the larger one needs looks the same once, a square at each doubling.
  const twice = await median(ask, large * 2);
  const shown = [half, whole, twice].map((time) => `${time.toFixed(0)} ms`).join(', ');
  expect(twice / whole, `${what}: ${shown} for 50, 100 and 200 kB`).toBeLessThan(3);
}
