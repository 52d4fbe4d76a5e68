// exp and log with the same result, to the last bit, on every machine.
//
// JavaScript promises exact bits for + - * / and Math.sqrt. Math.exp and Math.log are "implementation-approximated": the
// next Node may round them differently. One different bit in one weight is a different md5 of the model, and then a
// colleague's `mlops status` calls an unchanged model changed. These few lines use only operations that are exact.

const LN2 = 0.6931471805599453;
// ln 2 in two parts: HIGH has 21 zero bits at its end, so that k * HIGH is exact and `rest` below loses nothing.
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;

/** e to the power x, correct to about 15 digits. */
export function exp(x) {
  if (x < -745) return 0;
  if (x > 709) throw new RangeError(`exp(${x}) is too large for a number`);
  // e^x = 2^k * e^rest with |rest| <= 0.35, where thirteen terms of the series are enough.
  const k = Math.round(x / LN2);
  const rest = x - k * LN2_HIGH - k * LN2_LOW;
  let sum = 1;
  for (let n = 13; n >= 1; n--) sum = 1 + (rest / n) * sum;
  // Two halves, because 2^k alone may be too small for a number where the product is not.
  const half = Math.trunc(k / 2);
  return sum * powerOfTwo(half) * powerOfTwo(k - half);
}

/** Natural logarithm of x > 0, correct to about 14 digits. */
export function log(x) {
  if (!(x > 0 && x < Infinity)) throw new RangeError(`log(${x}) is not a finite number`);
  // Bring x into 0.7 ... 1.4 by powers of two, then solve e^y = x with Halley's method: the digits triple every step.
  let k = 0;
  while (x > Math.SQRT2) [x, k] = [x / 2, k + 1];
  while (x < Math.SQRT1_2) [x, k] = [x * 2, k - 1];
  let y = x - 1;
  for (let step = 0; step < 4; step++) {
    const power = exp(y);
    y += (2 * (x - power)) / (x + power);
  }
  return k * LN2_HIGH + (k * LN2_LOW + y);
}

function powerOfTwo(exponent) {
  let power = 1;
  for (let n = Math.abs(exponent); n > 0; n--) power *= 2;
  return exponent < 0 ? 1 / power : power;
}
