import { didYouMean, PyDate, PyFloat, toPlain, type PyValue } from '../../base/index.ts';
import { type Fields, type FieldOptions, type FieldsValue, fieldsKind } from './fields.ts';
import { type SettingKind, unread } from './place.ts';

export type { SettingKind } from './place.ts';

/** The value that a kind reads. */
export type SettingOf<Kind> = Kind extends SettingKind<infer Value> ? Value : never;

/**
 * What a settings file may hold, as data. A kind reads a value and says in words what it takes:
 *
 *     const kind = setting.fields({
 *       every: setting.optional(setting.duration(), { about: 'time between two looks', fallback: 21_600_000 }),
 *       name: setting.required(setting.text(), { about: 'as it is shown' }),
 *     });
 *     type Mine = SettingOf<typeof kind>; // { every: number; name: string }
 */
export const setting = {
  text,
  number,
  integer,
  share,
  flag,
  scalar,
  plain,
  duration,
  environment,
  choice,
  exactly,
  listOf,
  mapOf,
  either,
  variants,
  checked,
  fields,
  required,
  optional,
};

interface Range {
  readonly min?: number;
  readonly max?: number;
  /** `min` itself is not allowed. */
  readonly above?: number;
}

/** A text that is not empty. */
function text(words = 'a text'): SettingKind<string> {
  return {
    words,
    read(value, at) {
      if (typeof value === 'string' && value !== '') return value;
      const written = typeof value === 'number' || value instanceof PyFloat || value instanceof PyDate;
      return at.wrong(words, value, written ? `write it in quotes: "${shownValue(value)}"` : undefined);
    },
  };
}

/** A finite number. */
function number(range: Range = {}): SettingKind<number> {
  const words = `a number${rangeWords(range)}`;
  return {
    words,
    read(value, at) {
      const found = numberIn(value);
      return found !== undefined && Number.isFinite(found) && isInside(found, range) ? found : at.wrong(words, value);
    },
  };
}

/** A whole number. */
function integer(range: Range = {}): SettingKind<number> {
  const words = `a whole number${rangeWords(range)}`;
  return {
    words,
    read: (value, at) =>
      typeof value === 'number' && Number.isSafeInteger(value) && isInside(value, range)
        ? value
        : at.wrong(words, value),
  };
}

/** A number from 0 to 1. */
function share(): SettingKind<number> {
  return number({ min: 0, max: 1 });
}

function flag(): SettingKind<boolean> {
  const words = 'true or false';
  return { words, read: (value, at) => (typeof value === 'boolean' ? value : at.wrong(words, value)) };
}

/** A text, a number, true or false; a date stays the text that was written. */
function scalar(): SettingKind<string | number | boolean> {
  const words = 'a text, a number, true or false';
  return {
    words,
    read(value, at) {
      if (typeof value === 'string' || typeof value === 'boolean') return value;
      if (value instanceof PyDate) return value.text;
      return numberIn(value) ?? at.wrong(words, value);
    },
  };
}

/** Whatever YAML can hold, as JSON has it. */
function plain(words = 'any value'): SettingKind<unknown> {
  return { words, read: (value) => toPlain(value) };
}

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** A time span as text, in milliseconds: `500ms`, `30s`, `15m`, `6h`, `7d`, `2w`. */
function duration(): SettingKind<number> {
  const words = 'a time such as 30s, 15m, 6h or 7d';
  return {
    words,
    read(value, at) {
      const [, count, unit] = typeof value === 'string' ? (/^(\d{1,9})(ms|[smhdw])$/.exec(value) ?? []) : [];
      if (count === undefined || unit === undefined) return at.wrong(words, value);
      return Number(count) * units[unit as keyof typeof units];
    },
  };
}

/** The name of an environment variable: the only place that secrets come from. */
function environment(): SettingKind<string> {
  const words = 'the name of an environment variable';
  return {
    words,
    read: (value, at) =>
      typeof value === 'string' && /^[A-Za-z_]\w*$/.test(value)
        ? value
        : at.wrong(words, value, 'the value itself stays out of the file', true),
  };
}

/** One of some words. */
function choice<const Value extends string>(values: readonly Value[]): SettingKind<Value> {
  const words = values.join(' or ');
  return {
    words,
    read: (value, at) =>
      values.find((one) => one === value) ??
      at.wrong(words, value, typeof value === 'string' ? didYouMean(value, values) : undefined),
  };
}

/** This value only: the version of a format. */
function exactly<const Value extends string | number | boolean>(expected: Value): SettingKind<Value> {
  const words = String(expected);
  return {
    words,
    read: (value, at) => (numberIn(value) === expected || value === expected ? expected : at.wrong(words, value)),
  };
}

interface Size {
  readonly min?: number;
  readonly max?: number;
}

function listOf<Value>(item: SettingKind<Value>, size: Size = {}): SettingKind<Value[]> {
  const words = `a list of ${item.words.replace(/^(?:a|an|the) /, '')}`;
  const { min = 0, max = Number.POSITIVE_INFINITY } = size;
  const count = min === max ? String(min) : Number.isFinite(max) ? `${min} to ${max}` : `at least ${min}`;
  return {
    words,
    inside: item,
    read(value, at) {
      if (!Array.isArray(value)) return at.wrong(words, value);
      if (value.length < min || value.length > max) return at.problem(`expected ${count} items, got ${value.length}`);
      return allOf(value.map((one, index) => item.read(one, at.step(index))));
    },
  };
}

/** A mapping from names that the user chooses. */
function mapOf<Value>(item: SettingKind<Value>, name = 'NAME'): SettingKind<ReadonlyMap<string, Value>> {
  const words = `a mapping from ${name}`;
  return {
    words,
    inside: item,
    name,
    read(value, at) {
      if (!(value instanceof Map)) return at.wrong(words, value);
      const entries = allOf([...value].map(([key, one]) => item.read(one, at.step(String(key)))));
      if (entries === unread) return unread;
      return new Map([...value.keys()].map((key, index) => [String(key), entries[index] as Value]));
    },
  };
}

/** The first of some kinds that takes the value. */
function either<const Kinds extends readonly SettingKind<unknown>[]>(
  ...kinds: Kinds
): SettingKind<SettingOf<Kinds[number]>> {
  const words = kinds.map((kind) => kind.words).join(', or ');
  return {
    words,
    read(value, at) {
      for (const kind of kinds) {
        const found = kind.read(value, at.quiet());
        if (found !== unread) return found as SettingOf<Kinds[number]>;
      }
      return at.wrong(words, value);
    },
  };
}

/** Fields of which one key says what the others are: `type: smtp`. */
function variants<const Key extends string, const Kinds extends Readonly<Record<string, Fields>>>(
  key: Key,
  kinds: Kinds,
): SettingKind<{ [Name in keyof Kinds & string]: Record<Key, Name> & FieldsValue<Kinds[Name]> }[keyof Kinds & string]> {
  const names = Object.keys(kinds);
  const known = new Map(
    names.map((name) => {
      const own = { [key]: required(exactly(name), { about: '' }), ...kinds[name] };
      return [name, fieldsKind(own)] as const;
    }),
  );
  return {
    words: `a mapping with ${key}: ${names.join(' or ')}`,
    variants: known,
    read(value, at) {
      if (!(value instanceof Map)) return at.wrong(`a mapping with ${key}`, value);
      const chosen = value.get(key);
      if (chosen === undefined) return at.problem(`'${key}' is missing`, `${key} is ${names.join(' or ')}`);
      const kind = typeof chosen === 'string' ? known.get(chosen) : undefined;
      if (kind === undefined) return choice(names).read(chosen, at.step(key)) as typeof unread;
      return kind.read(value, at) as never;
    },
  };
}

/** A kind with a condition that the types don't say; `check` gives the sentence that tells what is wrong. */
function checked<Value>(kind: SettingKind<Value>, check: (value: Value) => string | undefined): SettingKind<Value> {
  return {
    ...kind,
    read(value, at) {
      const found = kind.read(value, at);
      if (found === unread) return unread;
      const problem = check(found);
      return problem === undefined ? found : at.problem(problem);
    },
  };
}

/** A mapping with these keys and no others. */
function fields<const Given extends Fields>(given: Given): SettingKind<FieldsValue<Given>> {
  return fieldsKind(given);
}

function required<Value>(kind: SettingKind<Value>, options: { readonly about: string }) {
  return { kind, about: options.about, needed: true as const };
}

function optional<Value>(
  kind: SettingKind<Value>,
  options: FieldOptions<Value> & { readonly fallback: Value },
): { readonly kind: SettingKind<Value>; readonly about: string; readonly needed: false; readonly fallback: Value };
function optional<Value>(
  kind: SettingKind<Value>,
  options: FieldOptions<Value>,
): { readonly kind: SettingKind<Value>; readonly about: string; readonly needed: false; readonly fallback: undefined };
function optional<Value>(kind: SettingKind<Value>, options: FieldOptions<Value>) {
  return { kind, about: options.about, needed: false as const, fallback: options.fallback };
}

function allOf<Value>(values: (Value | typeof unread)[]): Value[] | typeof unread {
  return values.includes(unread) ? unread : (values as Value[]);
}

function numberIn(value: PyValue): number | undefined {
  if (value instanceof PyFloat) return value.value;
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'number' ? value : undefined;
}

function isInside(value: number, { min = -Infinity, max = Infinity, above = -Infinity }: Range): boolean {
  return value >= min && value <= max && value > above;
}

function rangeWords({ min, max, above }: Range): string {
  if (above !== undefined) return max === undefined ? ` above ${above}` : ` above ${above}, up to ${max}`;
  if (min === undefined) return max === undefined ? '' : ` up to ${max}`;
  return max === undefined ? ` of at least ${min}` : ` from ${min} to ${max}`;
}

/** A value as it would be written. */
function shownValue(value: PyValue): string {
  if (value instanceof PyDate) return value.text;
  return value instanceof PyFloat ? value.toString() : String(value);
}
