// Stage 2: fields to learn from and fields to measure with.
import { readCsv, writeCsv } from './lib/csv.mjs';
import { fraction, readParams, wholeNumber } from './lib/params.mjs';
import { createRandom, shuffle } from './lib/random.mjs';

const params = readParams('preprocess', { test_fraction: fraction, seed: wholeNumber });
const { columns, rows } = readCsv('data/raw/fields.csv');
shuffle(rows, createRandom(params.seed));
const count = Math.round(rows.length * params.test_fraction);
writeCsv('data/prepared/test.csv', columns, rows.slice(0, count));
writeCsv('data/prepared/train.csv', columns, rows.slice(count));
// What the gates ask the models: the inputs and what each of them is to say.
for (const [at, what] of [[6, 'yield'], [7, 'quality']]) {
  const lines = rows.slice(0, count).map((row) => [...row.slice(0, 6), row[at]]);
  writeCsv(`data/prepared/test_${what}.csv`, [...columns.slice(0, 6), what], lines);
}
console.log(`${rows.length - count} fields to learn from, ${count} to measure with`);
