// Stage 1: fields, written by a formula and a seed, so that nothing is downloaded. (mlops needs Node in any case: this stage
// is JavaScript also where the others are Python.)
//   yield    tons a hectare: diminishing returns of what is spread, best at 600 mm, 18 degrees, pH 6.5, with noise
//   quality  `good` where rain, acidity and potassium suit, with noise
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const params = readFileSync('params.yaml', 'utf8');
const setting = (name) => Number(new RegExp(`^generate:\\n(?:  .*\\n)*?  ${name}: (\\d+)`, 'm').exec(params)?.[1]);
const [count, seed] = ['fields', 'seed'].map(setting);

let state = seed >>> 0;
/** Tommy Ettinger's mulberry32: from 0 (included) to 1 (excluded). */
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
}
/** Nearly normal, of mean 0 and deviation 1, without functions that differ between machines. */
const noise = () => Array.from({ length: 12 }, random).reduce((sum, value) => sum + value, -6);
const between = (low, high, digits) => Number((low + random() * (high - low)).toFixed(digits));
const returns = (amount, half) => amount / (amount + half);
const distance = (value, best, width) => ((value - best) / width) ** 2;

const lines = ['rain,temperature,ph,nitrogen,phosphorus,potassium,yield,quality'];
for (let n = 0; n < count; n++) {
  const rain = between(200, 1000, 0);
  const temperature = between(8, 28, 1);
  const ph = between(4.5, 8.5, 2);
  const [nitrogen, phosphorus, potassium] = [between(0, 200, 0), between(0, 100, 0), between(0, 150, 0)];
  const climate = 1 / (1 + distance(rain, 600, 300) + distance(temperature, 18, 8) + distance(ph, 6.5, 2));
  const food = 0.4 + 0.6 * returns(nitrogen, 50) + 0.25 * returns(phosphorus, 30) + 0.25 * returns(potassium, 40);
  const tons = Math.max(0, 8 * climate * food + 0.35 * noise());
  const good = 1.2 - distance(rain, 550, 350) - distance(ph, 6.5, 1.5) + returns(potassium, 60) + 0.35 * noise() > 1.1;
  const fields = [rain, temperature, ph, nitrogen, phosphorus, potassium, tons.toFixed(3), good ? 'good' : 'poor'];
  lines.push(fields.join(','));
}
mkdirSync('data/raw', { recursive: true });
writeFileSync('data/raw/fields.csv', `${lines.join('\n')}\n`);
console.log(`${count} fields`);
