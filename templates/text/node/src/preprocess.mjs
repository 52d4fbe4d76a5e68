// Stage 2: lower case; profiles to learn from and, of no text among them, profiles to search with.
import { readCsv, writeCsv } from './lib/csv.mjs';
import { fraction, readParams, wholeNumber } from './lib/params.mjs';
import { createRandom, shuffle } from './lib/random.mjs';

const params = readParams('preprocess', { test_fraction: fraction, seed: wholeNumber });
const { columns, rows } = readCsv('data/raw/profiles.csv');
const clean = rows.map(([id, topic, role, text]) => [id, topic, role, text.toLowerCase().trim()]);
const unique = [...new Map(clean.map((row) => [row[3], row])).values()];
shuffle(unique, createRandom(params.seed));
const count = Math.round(unique.length * params.test_fraction);
writeCsv('data/prepared/test.csv', columns, unique.slice(0, count));
writeCsv('data/prepared/train.csv', columns, unique.slice(count));
console.log(`${unique.length} profiles: ${unique.length - count} to learn from, ${count} to search with`);
