import { isMlopsError } from '../../base/index.ts';
import { filterText, parseFilter, runRules } from '../../mlflow/index.ts';
import type { FilterProblem } from './wire.ts';

export interface ReadFilter {
  readonly filter: string | undefined;
  readonly problem?: FilterProblem | undefined;
}

/**
 * What a person wrote into the field of the runs page: MLflow's grammar, or words that are searched in names. What is
 * wrong is told with its place, which the grammar's own message lacks.
 */
export function readFilter(written: string): ReadFilter {
  const text = written.trim();
  if (text === '') return { filter: undefined };
  const whole = messageFor(text);
  if (whole === undefined) return { filter: text };
  if (isWords(text)) return { filter: `attributes.run_name ILIKE ${filterText(`%${text}%`)}` };
  for (const { from, to } of clausesOf(written)) {
    const message = messageFor(written.slice(from, to).trim());
    if (message !== undefined) return { filter: undefined, problem: { message, from, to } };
  }
  return { filter: undefined, problem: { message: whole, from: 0, to: written.length } };
}

function messageFor(filter: string): string | undefined {
  try {
    parseFilter(filter, runRules);
    return undefined;
  } catch (error) {
    if (isMlopsError(error, 'invalid_value')) return error.message;
    throw error;
  }
}

const comparators = new Set(['like', 'ilike', 'in', 'is', 'and', 'not', 'rlike']);

/** Words without anything that compares. */
function isWords(text: string): boolean {
  if (/[=<>!'"`(]/.test(text)) return false;
  return !text
    .toLowerCase()
    .split(/\s/)
    .some((word) => comparators.has(word));
}

/** The pieces between the ANDs outside of quotes, without the blanks around them. */
function clausesOf(text: string): { from: number; to: number }[] {
  const found: { from: number; to: number }[] = [];
  let quote = '';
  let start = 0;
  const add = (end: number): void => {
    const piece = text.slice(start, end);
    const from = start + piece.length - piece.trimStart().length;
    const to = start + piece.trimEnd().length;
    if (to > from) found.push({ from, to });
  };
  for (let i = 0; i < text.length; i++) {
    const letter = text.charAt(i);
    if (quote !== '') {
      if (letter === quote) quote = '';
    } else if (`'"\``.includes(letter)) quote = letter;
    else if (isAnd(text, i)) {
      add(i);
      start = i + 3;
      i += 2;
    }
  }
  add(text.length);
  return found;
}

function isAnd(text: string, at: number): boolean {
  if (text.slice(at, at + 3).toLowerCase() !== 'and') return false;
  return isBlank(text, at - 1) && isBlank(text, at + 3);
}

function isBlank(text: string, at: number): boolean {
  return at < 0 || at >= text.length || text.charAt(at).trim() === '';
}
