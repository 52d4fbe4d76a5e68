import { invalid } from './limits.ts';

const docs = 'See the API docs for more information about request parameters.';

/**
 * A JSON message of MLflow's protocol, read field by field with the leniency of protobuf's JSON form: names in
 * snake_case or camelCase, whole numbers and doubles also as text, unknown names ignored, null as absent.
 * Refusals use MLflow's own sentences.
 */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  /** Where this message is inside its request: `metrics[3].`. */
  readonly #path: string;

  constructor(values: Readonly<Record<string, unknown>>, path = '') {
    this.#values = values;
    this.#path = path;
  }

  /** Every value as it came. */
  all(): Readonly<Record<string, unknown>> {
    return this.#values;
  }

  has(name: string): boolean {
    return this.raw(name) !== undefined;
  }

  /** The value as it came; undefined for absent and null. */
  raw(name: string): unknown {
    const value = this.#values[name] ?? undefined;
    if (!name.includes('_')) return value;
    const camel = camelCase(name);
    if (!Object.hasOwn(this.#values, camel)) return value;
    if (value !== undefined) throw invalid(`Parameter '${this.#path}${name}' was given twice, as '${camel}' too.`);
    return this.#values[camel] ?? undefined;
  }

  text(name: string): string | undefined {
    const value = this.raw(name);
    if (value === undefined || typeof value === 'string') return value;
    throw this.#wrong(name, value);
  }

  /** A text that must be there and not be empty. */
  need(name: string): string {
    const value = this.text(name);
    if (value === undefined || value === '') throw this.missing(name);
    return value;
  }

  /** As `text`, with the empty text as absent. */
  filled(name: string): string | undefined {
    const value = this.text(name);
    return value === '' ? undefined : value;
  }

  /** An int64. Beyond 2^53 (times in nanoseconds) it is the nearest number that a double holds. */
  integer(name: string): number | undefined {
    const value = this.raw(name);
    if (value === undefined || value === '') return undefined;
    const number = typeof value === 'string' && /^\s*[-+]?\d+\s*$/.test(value) ? Number(value) : value;
    if (typeof number === 'number' && Number.isInteger(number) && Math.abs(number) < 2 ** 63) return number;
    throw this.#wrong(name, value);
  }

  /** A double: a number, its text, `NaN`, `Infinity`, `-Infinity`, or a truth value as 1 or 0. */
  double(name: string): number | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number') return value;
    if (typeof value === 'boolean') return value ? 1 : 0;
    const number = typeof value === 'string' ? doubleOf(value.trim()) : undefined;
    if (number === undefined) throw this.#wrong(name, value);
    return number;
  }

  flag(name: string): boolean | undefined {
    const value = this.raw(name);
    if (value === undefined || typeof value === 'boolean') return value;
    if (value === 'true' || value === 'True') return true;
    if (value === 'false' || value === 'False') return false;
    throw this.#wrong(name, value);
  }

  /** One of an enumeration, by its name or its number; the first name has number `first`. */
  choice<Name extends string>(name: string, names: readonly Name[], first = 1): Name | undefined {
    const value = this.raw(name);
    if (value === undefined || value === '') return undefined;
    const found = typeof value === 'number' ? names[value - first] : names.find((one) => one === value);
    if (found !== undefined) return found;
    throw invalid(
      `Invalid value ${show(value)} for parameter '${this.#path}${name}' supplied: use one of ${names.join(', ')}.`,
    );
  }

  texts(name: string): readonly string[] {
    return this.#list(name).map((value) => {
      if (typeof value === 'string') return value;
      throw this.#wrong(name, value);
    });
  }

  /** Messages inside this one; absent is none. */
  messages(name: string): readonly Fields[] {
    return this.#list(name).map((value, i) => {
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
        return new Fields(value as Record<string, unknown>, `${this.#path}${name}[${i}].`);
      }
      throw this.#wrong(name, value);
    });
  }

  /** The message of this name; an empty one where it is absent. */
  message(name: string): Fields {
    const value = this.raw(name) ?? {};
    if (typeof value !== 'object' || Array.isArray(value)) throw this.#wrong(name, value);
    return new Fields(value as Record<string, unknown>, `${this.#path}${name}.`);
  }

  missing(name: string): Error {
    return invalid(`Missing value for required parameter '${this.#path}${name}'. ${docs}`);
  }

  #list(name: string): readonly unknown[] {
    const value = this.raw(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw this.#wrong(name, value);
    return value;
  }

  #wrong(name: string, value: unknown): Error {
    const hint = `Hint: Value was of type '${pythonType(value)}'.`;
    return invalid(`Invalid value ${show(value)} for parameter '${this.#path}${name}' supplied:  ${hint} ${docs}`);
  }
}

/**
 * The fields of a query string. Every value is text there, and a list of one cannot be told from a text, so the
 * names of lists are given.
 */
export function readQuery(query: Readonly<Record<string, unknown>>, lists: readonly string[] = []): Fields {
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(query)) {
    if (lists.includes(name)) values[name] = Array.isArray(value) ? value : [value];
    else values[name] = Array.isArray(value) ? value.at(-1) : value;
  }
  return new Fields(values);
}

const camelNames = new Map<string, string>();

function camelCase(name: string): string {
  let camel = camelNames.get(name);
  if (camel === undefined) {
    camel = name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    camelNames.set(name, camel);
  }
  return camel;
}

function doubleOf(text: string): number | undefined {
  if (/^nan$/i.test(text)) return NaN;
  if (/^[-+]?inf(?:inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'None';
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}

function pythonType(value: unknown): string {
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  if (typeof value === 'string') return 'str';
  return Array.isArray(value) ? 'list' : 'dict';
}
