// Stage 1: the table to rows to learn from and rows to measure with.
//   data/prepared/train.csv, test.csv   the inputs by name, `target` last
//   data/prepared/columns.json          what the columns are, by the training rows alone
import { readCsv, writeCsv } from './lib/csv.mjs';
import { writeJson } from './lib/files.mjs';
import { fraction, readParams, text, wholeNumber } from './lib/params.mjs';
import { createRandom, shuffle } from './lib/random.mjs';
import { describeColumns, describeTarget, isMissing } from './table.mjs';

const { file, target } = readParams('data', { file: text, target: text });
const params = readParams('prepare', { test_fraction: fraction, seed: wholeNumber });

const table = readCsv(file);
const at = table.columns.indexOf(target);
if (at < 0) throw new Error(`params.yaml: "${target}" is no column of ${file}. It has: ${table.columns.join(', ')}`);

const rows = shuffle(
  table.rows.filter((row) => !isMissing(row[at])),
  createRandom(params.seed),
);
const testCount = Math.round(rows.length * params.test_fraction);
const [test, train] = [rows.slice(0, testCount), rows.slice(testCount)];
if (test.length === 0 || train.length === 0) throw new Error(`${file}: ${rows.length} rows are too few`);

const inputs = describeColumns(table.columns, train, target);
if (inputs.length === 0) throw new Error(`${file}: no column besides "${target}" can be an input`);
const names = inputs.map(({ name }) => name);
const places = names.map((name) => table.columns.indexOf(name));
// The same row twice would tell the test what was learned, and count twice.
const seen = new Set();
const counts = {};
for (const [part, list] of Object.entries({ train, test })) {
  const lines = list.map((row) => [...places.map((place) => row[place].trim()), row[at].trim()]);
  const fresh = lines.filter((line) => seen.size < seen.add(JSON.stringify(line)).size);
  writeCsv(`data/prepared/${part}.csv`, [...names, 'target'], fresh);
  counts[part] = fresh.length;
}
if (counts.test === 0) throw new Error(`${file}: all rows to test with are also among those to learn from`);
writeJson('data/prepared/columns.json', { inputs, target: describeTarget(target, rows.map((row) => row[at])) });
const left = table.columns.filter((name) => name !== target && !names.includes(name));
console.log(`${rows.length} rows: ${counts.train} to train, ${counts.test} to test; inputs: ${names.join(', ')}`);
if (left.length > 0) console.log(`left out, one value only or too many texts: ${left.join(', ')}`);
