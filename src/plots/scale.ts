import { PyDate, PyFloat, type PyValue } from '../base/index.ts';

/** Maps data to pixels, and says which values to write at the axis. */
export interface Scale {
  readonly kind: 'linear' | 'band';
  /** Pixel of a value; for bands the middle. Undefined for what the scale cannot show. */
  readonly at: (value: PyValue) => number | undefined;
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
  /** Width of a band; 0 for linear scales. */
  readonly band: number;
}

export interface LinearOptions {
  readonly from: number;
  readonly to: number;
  readonly ticks: number;
  /** The axis begins at zero. */
  readonly zero?: boolean;
}

/** A linear scale over all numbers among the values, ending at round numbers. */
export function linearScale(values: readonly PyValue[], options: LinearOptions): Scale {
  let low = options.zero === true ? 0 : Number.POSITIVE_INFINITY;
  let high = options.zero === true ? 0 : Number.NEGATIVE_INFINITY;
  for (const value of values) {
    const number = toNumber(value);
    if (number === undefined) continue;
    low = Math.min(low, number);
    high = Math.max(high, number);
  }
  if (low > high) [low, high] = [0, 1];
  const largest = Math.max(Math.abs(low), Math.abs(high));
  // Values that hardly differ are one value with some room around it: ticks between them would not either.
  if (high - low <= largest * 1e-9) {
    const margin = largest === 0 ? 1 : largest * 0.1;
    [low, high] = [low - margin, high + margin];
  }
  const step = niceStep((high - low) / options.ticks);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  const [start, end] = [first * step, last * step];
  const at = (number: number): number =>
    options.from + ((number - start) / (end - start)) * (options.to - options.from);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => {
    const number = (first + i) * step;
    return { at: at(number), text: tickText(number, step) };
  });
  return {
    kind: 'linear',
    at: (value) => {
      const number = toNumber(value);
      return number === undefined ? undefined : at(number);
    },
    ticks,
    band: 0,
  };
}

/** A scale of categories, each with a band of its own. */
export function bandScale(names: readonly string[], from: number, to: number): Scale {
  const band = names.length === 0 ? to - from : (to - from) / names.length;
  const places = new Map(names.map((name, index) => [name, from + (index + 0.5) * band]));
  return {
    kind: 'band',
    at: (value) => places.get(categoryOf(value)),
    ticks: names.map((name) => ({ at: places.get(name) ?? from, text: name })),
    band,
  };
}

/** The number that a cell holds: CSV cells are text. Undefined for what is no number, or too large to be drawn. */
export function toNumber(value: PyValue | undefined): number | undefined {
  const number = numberIn(value);
  if (number === undefined || !(Math.abs(number) < 1e290)) return undefined;
  return Math.abs(number) < 1e-290 ? 0 : number;
}

function numberIn(value: PyValue | undefined): number | undefined {
  if (typeof value === 'number') return value;
  if (value instanceof PyFloat) return value.value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value !== 'string' || value.trim() === '' ? undefined : Number(value);
}

/** A cell as text, the way JavaScript shows it; lists and mappings are no categories. */
export function categoryOf(value: PyValue | undefined): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (value instanceof PyDate) return value.text;
  return value instanceof Map || Array.isArray(value) ? '' : value.toString();
}

/** Different categories in rising order: as numbers where all are, else as text. */
export function sortedCategories(values: readonly PyValue[]): string[] {
  const names = [...new Set(values.map(categoryOf))];
  const numeric = names.every((name) => toNumber(name) !== undefined);
  return numeric ? names.sort((a, b) => Number(a) - Number(b)) : names.sort();
}

/** 1, 2 or 5 times a power of ten, not below the given size. */
function niceStep(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= size * 0.999999) ?? 10;
  return factor * power;
}

function tickText(number: number, step: number): string {
  const magnitude = Math.abs(number);
  if (magnitude < step / 1e6) return '0';
  if (magnitude >= 1e6 || magnitude < 1e-4) return trimExponent(number.toExponential(3));
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return number.toFixed(Math.min(decimals, 10)).replace(/^-/, '\u2212');
}

function trimExponent(text: string): string {
  return text
    .replace(/\.?(?<!0)0+e/, 'e')
    .replace('e+', 'e')
    .replace(/^-/, '\u2212')
    .replace('e-', 'e\u2212');
}
