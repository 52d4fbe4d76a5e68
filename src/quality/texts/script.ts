import { didYouMean } from '../../base/index.ts';
import { schemaError } from '../schema.ts';

/** Scripts in everyday use (Unicode Standard Annex #31, table 5). */
const everyday = [
  'Latin',
  'Cyrillic',
  'Greek',
  'Han',
  'Hiragana',
  'Katakana',
  'Hangul',
  'Bopomofo',
  'Arabic',
  'Hebrew',
  'Devanagari',
  'Bengali',
  'Gurmukhi',
  'Gujarati',
  'Oriya',
  'Tamil',
  'Telugu',
  'Kannada',
  'Malayalam',
  'Sinhala',
  'Thai',
  'Lao',
  'Tibetan',
  'Myanmar',
  'Khmer',
  'Georgian',
  'Armenian',
  'Ethiopic',
  'Thaana',
];

/** Scripts that one language writes together (ISO 15924; Unicode Technical Standard #39 takes each as one). */
const together: Readonly<Record<string, readonly string[]>> = {
  Japanese: ['Han', 'Hiragana', 'Katakana'],
  Korean: ['Hangul', 'Han'],
  Chinese: ['Han', 'Bopomofo'],
};
const codes: Readonly<Record<string, string>> = {
  Jpan: 'Japanese',
  Kore: 'Korean',
  Hanb: 'Chinese',
  Hans: 'Chinese',
  Hant: 'Chinese',
};

/**
 * Whether all letters of a text are of these scripts. Digits, marks and signs that scripts share count for none.
 * @throws MlopsError `bad_settings` for a name that Unicode does not know.
 */
export function scriptJudge(names: readonly string[], column: string): (text: string) => boolean {
  const foreign = new RegExp(String.raw`(?=\p{L})[^${classOf(names.flatMap((name) => scriptsOf(name, column)))}]`, 'u');
  return (text) => !foreign.test(text);
}

/**
 * Whether no word has letters of several scripts, as where one was typed by a letter that looks like it (`pаypal`, with
 * a Cyrillic `а`). What Japanese, Korean and Chinese write together is one.
 */
export function hasPureWords(text: string): boolean {
  if (isAscii.test(text)) return true;
  for (const [found] of text.matchAll(word)) if (!isAscii.test(found) && !isPure(found)) return false;
  return true;
}

const isAscii = /^\p{ASCII}*$/u;
const word = /[\p{L}\p{M}]+/gu;
let groups: readonly RegExp[] | undefined;
let known: RegExp | undefined;

function isPure(letters: string): boolean {
  groups ??= [...everyday.map((name) => [name]), ...Object.values(together)].map(
    (names) => new RegExp(`^[${classOf(names)}]*$`, 'u'),
  );
  if (groups.some((group) => group.test(letters))) return true;
  known ??= new RegExp(`[${everyday.map((name) => String.raw`\p{scx=${name}}`).join('')}]`, 'u');
  // A script that is not in the list is one, too.
  return !known.test(letters);
}

/** What may stand in a text of some scripts, for the inside of a class of characters. */
function classOf(scripts: readonly string[]): string {
  return [...scripts, 'Common', 'Inherited'].map((name) => String.raw`\p{scx=${name}}`).join('');
}

function scriptsOf(given: string, column: string): readonly string[] {
  const name = given
    .trim()
    .split(/[ _]+/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1).toLowerCase())
    .join('_');
  const group = together[codes[name] ?? name];
  if (group !== undefined) return group;
  if (/^[A-Za-z_]+$/.test(name)) {
    // `Old_Italic`, but `SignWriting` and `Nko`: as written, too.
    for (const spelling of [name, given.trim()]) if (isScript(spelling)) return [spelling];
  }
  const names = [...everyday, ...Object.keys(together)];
  throw schemaError(
    `columns.${column}.script: '${given.slice(0, 100)}' is no script of Unicode`,
    didYouMean(name, names) ?? `such as ${names.slice(0, 12).join(', ')}, Japanese`,
  );
}

function isScript(name: string): boolean {
  try {
    return new RegExp(String.raw`\p{scx=${name}}`, 'u').unicode;
  } catch {
    return false;
  }
}
