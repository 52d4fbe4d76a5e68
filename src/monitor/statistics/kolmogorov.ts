import { logFactorial } from './special.ts';

/**
 * The two-sided Kolmogorov-Smirnov distribution for finite n, as scipy's `kstwo.sf(x, n)`: Simard and L'Ecuyer,
 * "Computing the Two-Sided Kolmogorov-Smirnov Distribution", J. Stat. Soft. 39 (2011), with scipy's cuts between methods.
 *
 * @param n whole number > 0.
 */
export function kolmogorovTail(n: number, x: number): number {
  if (x >= 1) return 0;
  if (x <= 0) return 1;
  const t = n * x;
  if (t <= 0.5) return 1;
  if (t <= 1) return 1 - clip(rubenGambino(n, t));
  if (t >= n - 1) return clip(2 * (1 - x) ** n);
  if (x >= 0.5) return clip(2 * smirnovTail(n, x));
  const square = t * x;
  if (n <= 140) {
    if (square <= 0.754693) return 1 - clip(durbinMatrix(n, x));
    if (square <= 4) return 1 - clip(pomeranz(n, x));
    return clip(2 * smirnovTail(n, x));
  }
  if (square >= 370) return 0;
  if (square >= 2.2) return clip(2 * smirnovTail(n, x));
  if (n <= 100_000 && n * x ** 1.5 <= 1.4) return 1 - clip(durbinMatrix(n, x));
  return 1 - clip(pelzGood(n, x));
}

const clip = (p: number): number => Math.min(1, Math.max(0, p));

/** P(Dn <= x) where 1/2n <= x <= 1/n: n! (2t - 1)^n / n^n. */
function rubenGambino(n: number, t: number): number {
  if (n > 140) return Math.exp(logFactorial(n) - n * Math.log(n) + n * Math.log(2 * t - 1));
  let product = 1;
  for (let i = 1; i <= n; i++) product *= (i / n) * (2 * t - 1);
  return product;
}

/** The factorials' logarithms for the last n asked for: the columns of a table have one n. */
let factorials: Float64Array | undefined;

function factorialsUpTo(n: number): Float64Array {
  if (factorials?.length === n + 1) return factorials;
  factorials = Float64Array.from({ length: n + 1 }, (_, i) => logFactorial(i));
  return factorials;
}

/** P(Dn+ >= x): the one-sided distribution (scipy's `smirnov`), a sum of positive terms; its limit above n = 10^6. */
function smirnovTail(n: number, x: number): number {
  if (n > 1_000_000) return Math.exp(-((6 * n * x + 1) ** 2) / 18 / n);
  const logs = factorialsUpTo(n);
  const all = logs[n] ?? 0;
  let sum = (1 - x) ** n / x;
  const last = Math.floor(n * (1 - x));
  for (let v = 1; v <= last; v++) {
    const rest = 1 - x - v / n;
    const power = v === n ? 0 : (n - v) * Math.log(rest);
    if (rest <= 0 && v !== n) continue;
    sum += Math.exp(all - (logs[v] ?? 0) - (logs[n - v] ?? 0) + (v - 1) * Math.log(x + v / n) + power);
  }
  return clip(sum * x);
}

const big = 2 ** 128;
const small = 2 ** -128;

/** P(Dn <= d) by Durbin's matrix (Marsaglia, Tsang, Wang 2003). */
function durbinMatrix(n: number, d: number): number {
  const nd = n * d;
  const k = Math.ceil(nd);
  const h = k - nd;
  const m = 2 * k - 1;
  let power = identity(m);
  let matrix = durbinStart(m, h);
  let exponent = 0;
  let matrixExponent = 0;
  const middle = (k - 1) * m + k - 1;
  for (let left = n; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) {
      power = multiply(power, matrix, m);
      exponent += matrixExponent;
    }
    matrix = multiply(matrix, matrix, m);
    matrixExponent *= 2;
    if (Math.abs(matrix[middle] ?? 0) > big) {
      for (let i = 0; i < matrix.length; i++) matrix[i] = (matrix[i] ?? 0) * small;
      matrixExponent += 128;
    }
  }
  let p = power[middle] ?? 0;
  for (let i = 1; i <= n; i++) {
    p = (i * p) / n;
    if (Math.abs(p) >= small) continue;
    p *= big;
    exponent -= 128;
  }
  return p * 2 ** exponent;
}

function durbinStart(m: number, h: number): Float64Array {
  const first = new Float64Array(m);
  const inverse = new Float64Array(m);
  let factorial = 1;
  for (let j = 1; j <= m; j++) {
    inverse[j - 1] = factorial;
    factorial /= j;
    first[j - 1] = (1 - h ** j) * factorial;
  }
  first[m - 1] = (1 + Math.max(2 * h - 1, 0) ** m - 2 * h ** m) * factorial;
  const matrix = new Float64Array(m * m);
  for (let column = 1; column < m; column++) {
    for (let row = column - 1; row < m; row++) matrix[row * m + column] = inverse[row - column + 1] ?? 0;
  }
  for (let row = 0; row < m; row++) matrix[row * m] = first[row] ?? 0;
  for (let column = 0; column < m; column++) matrix[(m - 1) * m + column] = first[m - 1 - column] ?? 0;
  return matrix;
}

function identity(m: number): Float64Array {
  const matrix = new Float64Array(m * m);
  for (let i = 0; i < m; i++) matrix[i * m + i] = 1;
  return matrix;
}

function multiply(a: Float64Array, b: Float64Array, m: number): Float64Array {
  const product = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    for (let k = 0; k < m; k++) {
      const factor = a[i * m + k] ?? 0;
      if (factor === 0) continue;
      for (let j = 0; j < m; j++) product[i * m + j] = (product[i * m + j] ?? 0) + factor * (b[k * m + j] ?? 0);
    }
  }
  return product;
}

/** P(Dn <= x) by Pomeranz' recursion (1974). */
function pomeranz(n: number, x: number): number {
  const t = n * x;
  const whole = Math.floor(t);
  const f = t - whole;
  const g = Math.min(f, 1 - f);
  const up = f > 0 ? 1 : 0;
  const round = f > 0.5 ? 1 : 0;
  const count = 2 * (whole + 1);
  const ends = poissonWeights(count, g / n);
  const odd = poissonWeights(count, (2 * g) / n);
  const even = poissonWeights(count, (1 - 2 * g) / n);
  let before = new Float64Array(count);
  let row = new Float64Array(count);
  row[0] = 1;
  let start = 0;
  let exponent = 0;
  let [from] = pomeranzWindow(0, n, whole, up, round);
  for (let i = 1; i < 2 * n + 2; i++) {
    [before, row] = [row, before];
    row.fill(0);
    const last = from;
    const offset = last - start;
    const [j1, j2] = pomeranzWindow(i, n, whole, up, round);
    from = j1;
    const weights = i === 1 || i === 2 * n + 1 ? ends : i % 2 === 1 ? odd : even;
    const length = j2 - last + 1;
    let most = 0;
    for (let j = j1; j <= j2 && length > 0; j++) {
      let sum = 0;
      for (let s = Math.max(0, j - last - count + 1); s <= Math.min(j - last, length - 1); s++) {
        sum += (before[offset + s] ?? 0) * (weights[j - last - s] ?? 0);
      }
      row[j - j1] = sum;
      most = Math.max(most, sum);
    }
    if (most > 0 && most < small) {
      for (let j = 0; j < count; j++) row[j] = (row[j] ?? 0) * big;
      exponent -= 128;
    }
    start = j1;
  }
  let answer = row[n - start] ?? 0;
  for (let m = 1; m <= n; m++) {
    if (Math.abs(answer) > big) {
      answer *= small;
      exponent += 128;
    }
    answer *= m;
  }
  return answer * 2 ** exponent;
}

/** rate^m / m!. */
function poissonWeights(count: number, rate: number): Float64Array {
  const weights = new Float64Array(count);
  weights[0] = 1;
  for (let m = 1; m < count; m++) weights[m] = ((weights[m - 1] ?? 0) * rate) / m;
  return weights;
}

function pomeranzWindow(i: number, n: number, whole: number, up: number, round: number): [number, number] {
  let j1: number;
  let j2: number;
  const half = Math.floor((i + 1) / 2);
  if (i === 0) [j1, j2] = [-whole - up - 1, whole + up - 1];
  else if ((i + 1) % 2 === 1) [j1, j2] = [half - 1 - whole - 1, half + whole + round - 1];
  else if (half === n + 1) [j1, j2] = [n - whole - up - 1, n + whole + up - 1];
  else [j1, j2] = [half - 1 - whole - round - 1, half + whole - 1 + up - 1];
  return [Math.max(j1 + 2, 0), Math.min(j2, n)];
}

/** P(Dn <= x) by the expansion of Pelz and Good (1976), in the form for small z. */
function pelzGood(n: number, x: number): number {
  const z = Math.sqrt(n) * x;
  const [z2, z3, z4, z6, z7, z8, z10] = [z ** 2, z ** 3, z ** 4, z ** 6, z ** 7, z ** 8, z ** 10];
  const [pi2, pi4, pi6] = [Math.PI ** 2, Math.PI ** 4, Math.PI ** 6];
  const logQ = -pi2 / 8 / z2;
  if (logQ < -708) return 0;
  const q = Math.exp(logQ);
  const k2b = ((2 * z4 - 5 * z2) * pi2) / 4;
  const k2c = (pi4 * (1 - 2 * z2)) / 16;
  const k3b = (pi2 * (135 * z4 - 96 * z6)) / 4;
  const k3c = (pi4 * (-60 * z2 + 212 * z4)) / 16;
  const k3d = (pi6 * (5 - 30 * z2)) / 64;
  const sums = [0, 0, 0, 0];
  const terms = Math.ceil((16 * z) / Math.PI);
  for (let k = terms; k > 0; k--) {
    const m2 = (2 * k - 1) ** 2;
    const power = q ** (8 * k);
    sums[0] = (sums[0] ?? 0) * power + 1;
    sums[1] = (sums[1] ?? 0) * power - z2 + (pi2 / 4) * m2;
    sums[2] = (sums[2] ?? 0) * power + 6 * z6 + 2 * z4 + k2b * m2 + k2c * m2 ** 2;
    sums[3] = (sums[3] ?? 0) * power - 30 * z6 - 90 * z8 + k3b * m2 + k3c * m2 ** 2 + k3d * m2 ** 3;
  }
  const root = Math.sqrt(2 * Math.PI);
  const divisors = [z, 6 * z4, 72 * z7, 6480 * z10];
  const [k0, k1, k2, k3] = sums.map((sum, i) => (sum * q * root) / (divisors[i] ?? 1));
  const q2 = Math.exp(-pi2 / 2 / z2);
  let extra2 = 0;
  let extra3 = 0;
  for (let k = terms; k > 0; k--) {
    const power = k ** 2 * q2 ** (k ** 2);
    extra2 += power;
    extra3 += (3 * z2 - pi2 * k ** 2) * power;
  }
  const second = (k2 ?? 0) + (extra2 * pi2 * root) / (-36 * z3);
  const third = (k3 ?? 0) + (extra3 * pi2 * root) / (216 * z6);
  return (k0 ?? 0) + (k1 ?? 0) / Math.sqrt(n) + second / n + third / n ** 1.5;
}
