import { isDecimal } from '../base/index.ts';
import { invalid } from './limits.ts';

const docs = 'See the API docs for more information about request parameters.';

/**
 * A JSON message of MLflow's protocol, read field by field with the leniency of protobuf's JSON form: names in
 * snake_case or camelCase, whole numbers and doubles also as text, unknown names ignored, null as absent.
 * What people write by hand is taken where MLflow's server takes it: numbers as texts inside of lists and messages,
 * whole numbers with a fraction. Refusals use MLflow's own sentences.
 */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  /** Where this message is inside its request: `metrics[3].`. */
  readonly #path: string;
  /** The body as it came: only there `9.0` is no whole number. */
  readonly #source: string;

  constructor(values: Readonly<Record<string, unknown>>, path = '', source = '') {
    this.#values = values;
    this.#path = path;
    this.#source = source;
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
    if (this.#path !== '' && isScalar(value)) return String(value);
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

  /**
   * An int64. Beyond 2^53 (times in nanoseconds) it is the nearest number that a double holds; 2^63 stands for the
   * largest one. Fractions of numbers are cut off, and what is larger becomes the largest.
   */
  integer(name: string): number | undefined {
    const value = this.raw(name);
    if (value === undefined || value === '') return undefined;
    const number = typeof value === 'string' ? wholeOf(value) : Number(isScalar(value) ? value : NaN);
    if (number === undefined || !Number.isFinite(number)) throw this.#wrong(name, value);
    return Math.min(Math.max(Math.trunc(number), -(2 ** 63)), 2 ** 63);
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
    if (this.#path === '') throw this.#wrong(name, value);
    if (value === 'true' || value === 'True') return true;
    if (value === 'false' || value === 'False') return false;
    throw this.#wrong(name, value);
  }

  /** One of an enumeration, by its name in any case or its number; the first name has number `first`. */
  choice<Name extends string>(name: string, names: readonly Name[], first = 1): Name | undefined {
    const value = this.raw(name);
    if (value === undefined || value === '') return undefined;
    const number = typeof value === 'string' ? (wholeOf(value) ?? NaN) : Number(value);
    const wanted = String(value).toUpperCase();
    const found = names[number - first] ?? names.find((one) => one.toUpperCase() === wanted);
    if (found !== undefined) return found;
    throw invalid(
      `Invalid value ${show(value)} for parameter '${this.#path}${name}' supplied: use one of ${names.join(', ')}.`,
    );
  }

  texts(name: string): readonly string[] {
    return this.#list(name).map((value) => {
      if (isScalar(value)) return String(value);
      throw this.#wrong(name, value);
    });
  }

  /** As `texts`, for the lists in which MLflow's server takes nothing but texts. */
  onlyTexts(name: string): readonly string[] {
    const list = this.#list(name);
    if (list.some((value) => typeof value !== 'string')) throw this.#wrong(name, list);
    return list as readonly string[];
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
    const float = typeof value === 'number' && (!Number.isInteger(value) || this.#hasFloat(name, value));
    const hint = `Hint: Value was of type '${float ? 'float' : pythonType(value)}'.`;
    const shown = float && Number.isInteger(value) ? `${value}.0` : show(value);
    return invalid(`Invalid value ${shown} for parameter '${this.#path}${name}' supplied:  ${hint} ${docs}`);
  }

  /** Whether the body has this whole number with a point or an exponent: a float to Python. */
  #hasFloat(name: string, value: number): boolean {
    const at = this.#source.indexOf(JSON.stringify(name));
    if (at === -1) return false;
    const literal = /^\s*:\s*(-?\d[\d.eE+-]*)/.exec(
      this.#source.slice(at + name.length + 2, at + name.length + 400),
    )?.[1];
    return literal !== undefined && /[.e]/i.test(literal) && Number(literal) === value;
  }
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** The whole number that a text writes, `1.0` too; undefined for other texts. */
function wholeOf(text: string): number | undefined {
  const number = doubleOf(text.trim());
  return number !== undefined && Number.isInteger(number) ? number : undefined;
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
  return isDecimal(text) ? Number(text) : undefined;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'None';
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}

function pythonType(value: unknown): string {
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return 'int';
  if (typeof value === 'string') return 'str';
  return Array.isArray(value) ? 'list' : 'dict';
}
