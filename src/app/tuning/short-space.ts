import * as fs from 'node:fs';
import * as path from 'node:path';

import {
  anyCharacter,
  anyText,
  isMlopsError,
  matchesWildcard,
  MlopsError,
  toPlain,
  type PyValue,
} from '../../base/index.ts';
import { parseYaml } from '../../project/index.ts';
import { parseOverrideValue } from '../../repo/experiments/override-grammar.ts';

/** A parameter of `-S`: what it is called, and its domain as `tune drive` takes it. */
export interface ShortParameter {
  readonly name: string;
  readonly domain: Readonly<Record<string, unknown>>;
  /** Values of a sweep: alone they are a grid. */
  readonly swept: boolean;
}

const functions = ['log', 'float', 'int', 'logint', 'choice', 'interval', 'glob'] as const;

/**
 * Reads `-S 'lr=log(1e-5, 1e-1)'`: `float(LOW, HIGH[, STEP])`, `int(LOW, HIGH[, STEP])`, `log(LOW, HIGH)`,
 * `logint(LOW, HIGH)`, `choice(A, B, ...)` with values as YAML has them; and the sweeps of `exp run -S`: `1,2,3`,
 * `range(0, 5)`, `interval(0, 1)`, `glob(data/*.csv)`. One value stays fixed.
 *
 * @param root where `glob` looks.
 * @throws MlopsError `usage`.
 */
export function parseShort(text: string, root: string): ShortParameter {
  const [, name, value] = /^([^=]+)=([\s\S]+)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw bad(text, 'write it as NAME=DOMAIN');
  return { name: name.trim(), ...parseShortDomain(value.trim(), text, root) };
}

/** The right side alone, which `tune.yaml` takes too. @throws MlopsError `usage`. */
export function parseShortDomain(value: string, shown: string, root: string): Omit<ShortParameter, 'name'> {
  const [, called = '', inside = ''] = /^([a-z]+)\(([\s\S]*)\)$/.exec(value) ?? [];
  const known = functions.find((each) => each === called);
  if (known === undefined || (known === 'int' || known === 'float' ? !inside.includes(',') : false)) {
    return sweep(value, shown);
  }
  if (known === 'glob') return { domain: { choices: filesLike(inside.trim(), root, shown) }, swept: true };
  const args = argumentsOf(inside, shown);
  if (known === 'choice') return { domain: { type: 'categorical', choices: args }, swept: false };
  const numbers = args.filter((each) => typeof each === 'number');
  const most = known === 'int' || known === 'float' ? 3 : 2;
  if (numbers.length !== args.length || args.length < 2 || args.length > most) {
    throw bad(shown, `${known}(LOW, HIGH${most === 3 ? '[, STEP]' : ''}) takes numbers`);
  }
  const [low, high, step] = numbers as [number, number, number?];
  const type = known === 'int' || known === 'logint' ? 'int' : 'float';
  const log = known === 'log' || known === 'logint';
  return {
    domain: { type, low, high, ...(log ? { log } : {}), ...(step === undefined ? {} : { step }) },
    swept: false,
  };
}

function sweep(value: string, shown: string): Omit<ShortParameter, 'name'> {
  try {
    const parsed = parseOverrideValue(value);
    const values = 'one' in parsed ? [parsed.one] : parsed.sweep;
    return { domain: { type: 'categorical', choices: values.map(toPlain) }, swept: true };
  } catch (error) {
    if (!isMlopsError(error)) throw error;
    throw bad(shown, error.hint ?? error.message);
  }
}

function argumentsOf(inside: string, shown: string): unknown[] {
  let list: PyValue;
  try {
    list = parseYaml(`[${inside}]`, shown);
  } catch (error) {
    if (!isMlopsError(error)) throw error;
    throw bad(shown, 'values are written as in YAML, with commas between them');
  }
  return (list as PyValue[]).map(toPlain);
}

function filesLike(pattern: string, root: string, shown: string): string[] {
  const folder = path.posix.dirname(pattern);
  const parts = path.posix.basename(pattern);
  const names = fs.existsSync(path.join(root, folder)) ? fs.readdirSync(path.join(root, folder)).sort() : [];
  const found = names.filter((name) => matches(parts, name)).map((name) => path.posix.join(folder, name));
  if (found.length === 0) throw bad(shown, `no file is like '${pattern}'`);
  return found;
}

function matches(pattern: string, name: string): boolean {
  const parts = [...pattern].map((character) =>
    character === '*' ? anyText : character === '?' ? anyCharacter : character,
  );
  return matchesWildcard(parts, name);
}

function bad(text: string, hint: string): MlopsError {
  return new MlopsError('usage', `'${text}' is no search space`, {
    hint: `${hint}; for example -S 'train.lr=log(1e-5,1e-1)' -S 'k=int(1,9)' -S 'model=choice(a,b)'`,
  });
}
