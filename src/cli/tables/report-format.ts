import { PyFloat, withoutTrailing, type PyValue } from '../../base/index.ts';
import { pythonStr } from '../../project/index.ts';

/** The digits after the point that DVC rounds metrics to unless told otherwise. */
export const defaultPrecision = 5;

/** A value in a table: as Python's `str`, floats rounded to `precision` digits after the point where given. */
export function valueText(value: PyValue, precision?: number): string {
  return pythonStr(precision === undefined ? value : roundFloats(value, precision));
}

function roundFloats(value: PyValue, digits: number): PyValue {
  if (value instanceof PyFloat) return new PyFloat(pythonRound(value.value, digits));
  if (Array.isArray(value)) return value.map((item) => roundFloats(item, digits));
  if (!(value instanceof Map)) return value;
  return new Map([...value].map(([key, item]): [PyValue, PyValue] => [key, roundFloats(item, digits)]));
}

/** Python's `round(x, digits)`: correct on the exact binary value, ties to the even digit. */
export function pythonRound(value: number, digits: number): number {
  if (!Number.isFinite(value) || value === 0) return value;
  const { exponent } = exactDigits(value);
  const count = Math.max(0, exponent + 1 + digits);
  // A double has no more digits than this that matter.
  if (count > 100 || exponent + 1 + digits < 0) return count > 100 ? value : 0 * value;
  const rounded = roundToDigits(value, count);
  return Math.sign(value) * Number(`${rounded.digits || '0'}e${rounded.exponent + 1 - rounded.digits.length}`);
}

/** The decimal digits of a double's magnitude, `d.ddd` times ten to the exponent; exact where a tie is possible. */
function exactDigits(value: number): { readonly digits: string; readonly exponent: number } {
  const [mantissa = '0', power = '0'] = Math.abs(value).toExponential(100).split('e');
  return { digits: mantissa.replace('.', ''), exponent: Number(power) };
}

/** The first `count` digits, rounded half to even; one more where the rounding carries. */
function roundToDigits(value: number, count: number): { readonly digits: string; readonly exponent: number } {
  const { digits, exponent } = exactDigits(value);
  const kept = digits.slice(0, count);
  const rest = digits.slice(count);
  const odd = Number(kept.at(-1) ?? '0') % 2 === 1;
  const up = rest > '5' && (odd || !/^50*$/.test(rest));
  if (!up) return { digits: kept, exponent };
  const next = String(BigInt(kept || '0') + 1n).padStart(count, '0');
  return { digits: next, exponent: next.length > count ? exponent + 1 : exponent };
}

/** A value with its floats as Python's `%.Ng` shows them, as `exp show` and `exp diff` do. */
export function shortValueText(value: PyValue, digits?: number): string {
  return pythonStr(digits === undefined ? value : shortFloats(value, digits));
}

function shortFloats(value: PyValue, digits: number): PyValue {
  if (value instanceof PyFloat) return generalFormat(value.value, digits);
  if (Array.isArray(value)) return value.map((item) => shortFloats(item, digits));
  if (!(value instanceof Map)) return value;
  return new Map([...value].map(([key, item]): [PyValue, PyValue] => [key, shortFloats(item, digits)]));
}

/** `format(value, '.Ng')`: N significant digits, no trailing zeros, exponents below 1e-4 and from 1eN on. */
export function generalFormat(value: number, digits: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  if (value === 0) return `${sign}0`;
  const significant = Math.min(100, Math.max(1, digits));
  const rounded = roundToDigits(value, significant);
  const { exponent } = rounded;
  const text = rounded.digits.slice(0, significant);
  if (exponent < -4 || exponent >= significant) {
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${withoutZeros(`${text.slice(0, 1)}.${text.slice(1)}`)}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  if (exponent < 0) return sign + withoutZeros(`0.${'0'.repeat(-exponent - 1)}${text}`);
  return sign + withoutZeros(`${text.slice(0, exponent + 1)}.${text.slice(exponent + 1)}`);
}

function withoutZeros(text: string): string {
  return withoutTrailing(withoutTrailing(text, '0'), '.');
}
