import { PyFloat, type PyValue } from '../base/index.ts';
import { pythonStr } from '../project/index.ts';

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
  if (!Number.isFinite(value) || value === 0 || Math.abs(value) >= 1e21 || digits > 99) return value;
  if (digits < 0) return roundTens(value, -digits);
  const rounded = value.toFixed(digits);
  // The exact value has a 5 and then nothing: JavaScript rounds away from zero there, Python to even.
  const exact = value.toFixed(100);
  const tail = exact.slice(exact.indexOf('.') + 1 + digits);
  if (!/^50*$/.test(tail)) return Number(rounded);
  const down = exact.slice(0, exact.indexOf('.') + 1 + digits);
  const lastDigit = Number(/(\d)\.?$/.exec(down)?.[1] ?? '0');
  return Number(lastDigit % 2 === 0 ? down : rounded);
}

function roundTens(value: number, zeros: number): number {
  const unit = 10 ** zeros;
  const quotient = value / unit;
  const low = Math.floor(quotient);
  const part = quotient - low;
  const nearest = part < 0.5 || (part === 0.5 && low % 2 === 0) ? low : low + 1;
  return nearest * unit;
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
  const significant = Math.min(100, Math.max(1, digits));
  const [mantissa = '0', power = '0'] = value.toExponential(significant - 1).split('e');
  const exponent = Number(power);
  const sign = Object.is(value, -0) ? '-' : '';
  if (exponent < -4 || exponent >= significant) {
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${withoutZeros(mantissa)}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  return sign + withoutZeros(value.toFixed(Math.max(0, significant - 1 - exponent)));
}

function withoutZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
