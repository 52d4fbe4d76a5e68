// Stage 2: pictures to learn from and pictures to measure with.
import { readCsv, writeCsv } from './lib/csv.mjs';
import { fraction, readParams, wholeNumber } from './lib/params.mjs';
import { createRandom, shuffle } from './lib/random.mjs';

const params = readParams('preprocess', { test_fraction: fraction, seed: wholeNumber });
const { columns, rows } = readCsv('data/raw/marks.csv');
shuffle(rows, createRandom(params.seed));
const count = Math.round(rows.length * params.test_fraction);
writeCsv('data/prepared/test.csv', columns, rows.slice(0, count));
writeCsv('data/prepared/train.csv', columns, rows.slice(count));
console.log(`${rows.length - count} pictures to learn from, ${count} to measure with`);
