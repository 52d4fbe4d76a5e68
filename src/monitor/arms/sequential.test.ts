import { expect, it } from 'vitest';

import { seededRandom } from '../statistics/random.ts';
import { sequential } from './sequential.ts';

/** Moments that are kept up to date value by value (Welford). */
class Running {
  n = 0;
  mean = 0;
  #squares = 0;

  add(value: number): void {
    this.n++;
    const delta = value - this.mean;
    this.mean += delta / this.n;
    this.#squares += delta * (value - this.mean);
  }

  get variance(): number {
    return this.#squares / (this.n - 1);
  }
}

const random = seededRandom(11);
const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Whether somebody who looks after every 10 values, 300 times, ever finds a difference. */
function finds(first: () => number, second: () => number, share = 0.5): boolean {
  const [a, b] = [new Running(), new Running()];
  for (let i = 1; i <= 3_000; i++) {
    if (random() < share) b.add(second());
    else a.add(first());
    if (i % 10 === 0 && (sequential(a, b)?.p ?? 1) < 0.05) return true;
  }
  return false;
}

const rare = (rate: number) => (): number => (random() < rate ? 1 : 0);
const skewed = (): number => Math.exp(normal());

it.each([
  ['numbers', normal, 0.5],
  ['rates', rare(0.3), 0.5],
  ['rare events in a small arm', rare(0.03), 0.1],
  ['skewed numbers', skewed, 0.5],
] as const)(
  'of 500 simulated A/A tests of %s that are looked at 300 times, fewer than 5 % find a difference',
  (_, value, share) => {
    let found = 0;
    for (let test = 0; test < 500; test++) if (finds(value, value, share)) found++;
    expect(found).toBeLessThan(25);
  },
);

it('finds a difference that there is', () => {
  let found = 0;
  for (let test = 0; test < 100; test++) if (finds(normal, () => normal() + 0.25)) found++;
  expect(found).toBeGreaterThan(90);
});
