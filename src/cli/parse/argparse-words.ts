import { MlopsError } from '../../base/index.ts';
import type { Command, FlagSpec } from './command.ts';

/** Words of a command line, ready to be parsed, and what some of them stand for. */
export interface PreparedWords {
  readonly words: readonly string[];
  /** The text of a word that was put aside so that it is not taken for a flag. */
  original(word: string): string;
}

/**
 * What Python's argparse, and so every command line of DVC, also takes: flags that are cut short (`--rec`), as long
 * as one flag alone begins so, and words with a dash and a space (`- x`), which are no flags.
 * @throws MlopsError `usage` for a beginning that fits several flags.
 */
export function prepareWords(command: Command, words: readonly string[]): PreparedWords {
  if (command.owner !== 'dvc' || command.rawTail === true) return { words, original: (word) => word };
  const flags = command.flags ?? [];
  const names = flags.filter(({ ours }) => ours !== true).flatMap(namesOf);
  const shorts = new Set(flags.flatMap(({ short }) => short ?? []));
  const end = words.includes('--') ? words.indexOf('--') : words.length;
  const aside: string[] = [];
  const prepared = words.map((word, i) => {
    if (i >= end || !word.startsWith('-')) return word;
    if (word.startsWith('--') && !word.slice(0, beforeValue(word)).includes(' ')) return wholeFlag(word, names);
    if (!word.includes(' ') || shorts.has(word[1] ?? '')) return word;
    aside.push(word);
    return `${mark}${aside.length - 1}`;
  });
  const original = (word: string): string =>
    word.startsWith(mark) ? (aside[Number(word.slice(mark.length))] ?? word) : word;
  return { words: prepared, original };
}

const mark = '\0word ';

function namesOf(flag: FlagSpec): string[] {
  return [flag.name, ...(flag.aliases ?? []), ...(flag.negatable === true ? [`no-${flag.name}`] : [])];
}

function beforeValue(word: string): number {
  const at = word.indexOf('=');
  return at < 0 ? word.length : at;
}

function wholeFlag(word: string, names: readonly string[]): string {
  const at = beforeValue(word);
  const given = word.slice(2, at);
  if (given === '' || names.includes(given)) return word;
  const fitting = names.filter((name) => name.startsWith(given));
  const [only] = fitting;
  if (only === undefined) return word;
  if (fitting.length === 1) return `--${only}${word.slice(at)}`;
  const shown = fitting.map((name) => `--${name}`).join(', ');
  throw new MlopsError('usage', `ambiguous option: --${given} could match ${shown}`);
}
