/** Values of overrides: what unquoted text says, and what functions make of others. */
import { MlopsError, PyFloat, type PyValue } from '../../base/index.ts';

/** One value, or the values of a sweep. */
export type OverrideValue = { readonly one: PyValue } | { readonly sweep: readonly PyValue[] };

const intText = /^[+-]?(?:0|[1-9](?:_?\d)*)$/;
/** Whole numbers too. */
const floatText =
  /^[+-]?(?:(?:(?:0|[1-9](?:_?\d)*)(?:\.(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:e[+-]?\d(?:_?\d)*)?|inf|nan)$/i;

/** Unquoted text as the value that it says. */
export function typed(text: string): PyValue {
  if (/^null$/i.test(text)) return null;
  if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  const bare = text.replaceAll('_', '');
  if (intText.test(text)) return integer(BigInt(bare.replace(/^\+/, '')));
  if (!floatText.test(text)) return text;
  const named = /^([+-]?)(inf|nan)$/i.exec(bare);
  if (named === null) return new PyFloat(Number(bare));
  const value = named[2]?.toLowerCase() === 'inf' ? Number.POSITIVE_INFINITY : Number.NaN;
  return new PyFloat(named[1] === '-' ? -value : value);
}

function integer(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** What a function makes of its arguments, or the sentence why it cannot. */
export function callFunction(
  name: string,
  args: readonly OverrideValue[],
  named: ReadonlyMap<string, PyValue>,
): OverrideValue | string {
  const [first] = args;
  switch (name) {
    case 'choice':
      return args.length === 0 ? 'choice() needs values' : { sweep: valuesOf(args) };
    case 'range':
      return range(args, named);
    case 'sort': {
      const sorted = [...valuesOf(args)].sort(compare);
      return likeFirst(args, named.get('reverse') === true ? sorted.reverse() : sorted);
    }
    case 'shuffle':
      return likeFirst(args, shuffled(valuesOf(args)));
    case 'tag':
      return args.at(-1) ?? 'tag() needs a sweep';
    case 'int':
    case 'float':
    case 'str':
    case 'bool': {
      if (first === undefined || args.length > 1) return `${name}() takes one value`;
      if ('sweep' in first) return { sweep: first.sweep.map((value) => cast(name, value)) };
      return { one: cast(name, first.one) };
    }
    case 'interval':
    case 'glob':
      return `${name}() is not supported: name the values`;
    default:
      return `there is no function ${name}()`;
  }
}

/** The values that a function was given: its arguments, or those in its only list or sweep. */
function valuesOf(args: readonly OverrideValue[]): readonly PyValue[] {
  const [first] = args;
  if (args.length === 1 && first !== undefined) {
    if ('sweep' in first) return first.sweep;
    if (Array.isArray(first.one)) return first.one;
  }
  return args.flatMap((arg) => ('one' in arg ? [arg.one] : arg.sweep));
}

/** Of a list a list is made, of anything else a sweep. */
function likeFirst(args: readonly OverrideValue[], values: readonly PyValue[]): OverrideValue {
  const [first] = args;
  const isList = args.length === 1 && first !== undefined && 'one' in first && Array.isArray(first.one);
  return isList ? { one: [...values] } : { sweep: values };
}

function range(args: readonly OverrideValue[], named: ReadonlyMap<string, PyValue>): OverrideValue | string {
  const given = args.map((arg) => ('one' in arg ? arg.one : null));
  const [start, stop] = given.length === 1 ? [0, given[0]] : given;
  const parts = [named.get('start') ?? start ?? 0, named.get('stop') ?? stop, named.get('step') ?? given[2] ?? 1];
  const numbers = parts.map((part) => (part instanceof PyFloat ? part.value : part));
  const [from, to, step] = numbers;
  if (typeof from !== 'number' || typeof to !== 'number' || typeof step !== 'number' || step === 0) {
    return 'range(start, stop, step) takes numbers, and a step that is not 0';
  }
  const float = parts.some((part) => part instanceof PyFloat);
  if (float) return { sweep: floatRange(from, to, step) };
  const sweep: number[] = [];
  for (let at = from; step > 0 ? at < to : at > to; at += step) sweep.push(at);
  return { sweep };
}

/**
 * Hydra adds the step up in Python's decimals of 28 digits, from the exact values of the floats: that decides whether
 * the end is still in the range.
 */
function floatRange(from: number, to: number, step: number): PyFloat[] {
  const values: PyFloat[] = [];
  const [stop, by] = [decimalOf(to), decimalOf(step)];
  for (let at = decimalOf(from); step > 0 ? at < stop : at > stop; at = rounded(at + by)) {
    values.push(new PyFloat(Number(`${at}e-${scale}`)));
  }
  return values;
}

/** Decimals are held in units of 1e-1080, which is enough for every float. */
const scale = 1080;

function decimalOf(value: number): bigint {
  let [numerator, twos] = [value, 0];
  while (!Number.isInteger(numerator)) {
    numerator *= 2;
    twos++;
  }
  return (BigInt(numerator) * 10n ** BigInt(scale)) / 2n ** BigInt(twos);
}

/** To 28 significant digits, half to even. */
function rounded(value: bigint): bigint {
  const magnitude = value < 0n ? -value : value;
  const unit = 10n ** BigInt(Math.max(0, String(magnitude).length - 28));
  const [whole, rest] = [magnitude / unit, magnitude % unit];
  const up = rest * 2n > unit || (rest * 2n === unit && whole % 2n === 1n);
  const result = (up ? whole + 1n : whole) * unit;
  return value < 0n ? -result : result;
}

function cast(name: string, value: PyValue): PyValue {
  // Hydra reads the text once more, as the value that it was.
  if (name === 'str') return value;
  if (Array.isArray(value)) return value.map((item) => cast(name, item));
  if (value instanceof Map)
    return new Map([...value].map(([key, item]): [PyValue, PyValue] => [key, cast(name, item)]));
  const plain = value instanceof PyFloat ? value.value : value;
  if (name === 'bool' && typeof plain === 'string')
    return castError(name, value, /^(true|false)$/i, plain.toLowerCase() === 'true');
  if (name === 'bool') return plain !== 0 && plain !== false && plain !== null;
  const text = typeof plain === 'boolean' ? String(Number(plain)) : String(plain);
  if (name === 'float') return castError(name, value, floatText, new PyFloat(Number(text)));
  const whole = typeof plain === 'number' ? String(Math.trunc(plain)) : text;
  return castError(name, value, intText, intText.test(whole) ? integer(BigInt(whole.replaceAll('_', ''))) : 0, whole);
}

function castError(name: string, value: PyValue, fits: RegExp, result: PyValue, text: string = String(value)): PyValue {
  if (fits.test(text) || typeof value === 'boolean') return result;
  throw new MlopsError('usage', `${name}() cannot take ${String(value)}`, { exit: 255 });
}

function compare(a: PyValue, b: PyValue): number {
  const plain = (value: PyValue): string | number =>
    value instanceof PyFloat ? value.value : typeof value === 'number' ? value : String(value);
  const [x, y] = [plain(a), plain(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

function shuffled(values: readonly PyValue[]): PyValue[] {
  const keyed = values.map((value) => ({ value, key: Math.random() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ value }) => value);
}
