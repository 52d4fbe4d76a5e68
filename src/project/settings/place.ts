import { PyDate, PyFloat, type PyValue } from '../../base/index.ts';

/** What a kind gives for a value that it cannot take; the place knows why. */
export const unread: unique symbol = Symbol('unread');

/** What a value of a settings file may be. */
export interface SettingKind<Value> {
  /** What it takes, in words that follow "expected": `a number from 0 to 1`. */
  readonly words: string;
  read(value: PyValue, at: Place): Value | typeof unread;
  /** For the documentation: the keys of a mapping. */
  readonly keys?: ReadonlyMap<string, SettingField> | undefined;
  /** For the documentation: the kind of each item. */
  readonly inside?: SettingKind<unknown> | undefined;
  /** For the documentation: what a key that the user chooses stands for. */
  readonly name?: string | undefined;
  /** For the documentation: the mappings that it may be. */
  readonly variants?: ReadonlyMap<string, SettingKind<unknown>> | undefined;
}

export interface SettingField {
  readonly kind: SettingKind<unknown>;
  /** What it is for: words without a capital and a full stop. */
  readonly about: string;
  readonly needed: boolean;
  readonly fallback?: unknown;
}

export interface SettingProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint: string | undefined;
}

/** Where in the file a value stands, and the list of all that is wrong in it. */
export class Place {
  readonly path: readonly (string | number)[];
  readonly #problems: SettingProblem[];

  constructor(problems: SettingProblem[], path: readonly (string | number)[] = []) {
    this.#problems = problems;
    this.path = path;
  }

  step(to: string | number): Place {
    return new Place(this.#problems, [...this.path, to]);
  }

  /** The same place, whose problems nobody hears of. */
  quiet(): Place {
    return new Place([], this.path);
  }

  problem(message: string, hint?: string): typeof unread {
    this.#problems.push({ path: this.path, message, hint });
    return unread;
  }

  /** @param secret that the value is not to be shown. */
  wrong(expected: string, value: PyValue, hint?: string, secret = false): typeof unread {
    return this.problem(
      `expected ${expected}, got ${secret && typeof value === 'string' ? 'something else' : shown(value)}`,
      hint,
    );
  }
}

function shown(value: PyValue): string {
  if (value === null) return 'nothing';
  if (value instanceof Map) return 'a mapping';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof PyFloat) return value.toString();
  if (value instanceof PyDate) return `the date ${value.text}`;
  return typeof value === 'string' ? `'${value.length > 60 ? `${value.slice(0, 60)}...` : value}'` : String(value);
}
