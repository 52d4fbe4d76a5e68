// A prediction log summarised beside pandas, and drift of two tables beside Evidently: `npm run bench monitor
// [PREDICTIONS] [ROWS]` (1000000 and 200000 rows of 100 columns). Imports of Python do not count. `--alone` leaves
// the others out; `npm run tools -- evidently` installs the other.
import * as fs from 'node:fs';
import * as path from 'node:path';

import { machine, mlopsUsage, printTable, pythonUsage, rival, scratch, type Usage } from './measure.ts';

const words = process.argv.slice(2);
const [predictions = 1_000_000, rows = 200_000] = words.filter((word) => /^\d+$/.test(word)).map(Number);
const columns = 100;
/** As the log closes them: 64 MiB. */
const segmentSize = 64 * 1024 * 1024;
const folder = scratch('monitor', 'disk');
const log = path.join(folder, 'log');

let state = 1;

console.log(machine());
makeLog();
const [reference = '', current = ''] = ['reference.csv', 'current.csv'].map(makeTable);
const python = words.includes('--alone') ? undefined : rival('evidently/bin/python');
const status = ['monitor', 'status', '--predictions', log];
const cold = mlopsUsage(status);
const warm = mlopsUsage(status);
appendOne();
const grown = mlopsUsage(status);
const drift = mlopsUsage(['monitor', 'drift', '--reference', reference, '--current', current]);
const results: [string, Usage, string][] = [
  ['monitor status, first time', cold, '2 s and 300 MB (a million)'],
  ['monitor status, again', warm, '0.3 s'],
  ['monitor status, a record more', grown, '0.3 s'],
];
if (python !== undefined) results.push(['pandas', pythonUsage(python, 'monitor/summary.py', log), '']);
results.push(['monitor drift', drift, '4 s and 600 MB']);
if (python !== undefined) results.push(['Evidently', pythonUsage(python, 'monitor/drift.py', reference, current), '']);
printTable(
  `${predictions.toLocaleString('en')} predictions; ${columns} columns of ${rows.toLocaleString('en')} rows against as many`,
  ['', 'time', 'processor', 'memory', 'goal'],
  results.map(([name, { seconds, processor, peak }, goal]) => [
    ...[name, `${seconds.toFixed(2)} s`, `${processor.toFixed(2)} s`, `${peak.toFixed(0)} MB`, goal],
  ]),
);

function random(): number {
  return (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

function makeLog(): void {
  fs.mkdirSync(log);
  let segment = 0;
  for (let made = 0; made < predictions; segment++) {
    const out = fs.openSync(segmentFile(segment), 'w');
    let text = '{"mlops_prediction_log":1}\n';
    for (let size = 0; size < segmentSize && made < predictions; made++) {
      text += record(made);
      if (text.length < 1 << 20) continue;
      size += fs.writeSync(out, text);
      text = '';
    }
    fs.writeSync(out, text);
    fs.closeSync(out);
  }
}

function segmentFile(segment: number): string {
  return path.join(log, `predictions-20260101T${String(segment).padStart(9, '0')}Z-bench.jsonl`);
}

function appendOne(): void {
  const [last = ''] = fs
    .readdirSync(log)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .toReversed();
  fs.appendFileSync(path.join(log, last), record(predictions));
}

function record(place: number): string {
  const id = `${Math.floor(random() * 2 ** 32).toString(16)}-${place.toString(16).padStart(12, '0')}`;
  const inputs = {
    age: Math.floor(random() * 90),
    sex: place % 2 === 0 ? 'f' : 'm',
    a: random() * 10,
    b: random() - 0.5,
  };
  const prediction = ['nevus', 'melanoma', 'keratosis'][place % 3];
  const scores = { nevus: 0.5, melanoma: 0.3, keratosis: 0.2 };
  const [at, version] = [1_767_225_600_000 + place * 100, String(1 + (place % 2))];
  const fields = { id, at, model: 'skin', version, inputs, prediction, scores, latency_ms: random() * 50 };
  return `${JSON.stringify({ kind: 'prediction', ...fields })}\n`;
}

function makeTable(name: string): string {
  const file = path.join(folder, name);
  const out = fs.openSync(file, 'w');
  let text = `${Array.from({ length: columns }, (_, i) => `c${i}`).join(',')}\n`;
  for (let row = 0; row < rows; row++) {
    text += `${Array.from({ length: columns }, () => Math.log(random() + 1e-9) * random()).join(',')}\n`;
    if (text.length < 1 << 20) continue;
    fs.writeSync(out, text);
    text = '';
  }
  fs.writeSync(out, text);
  fs.closeSync(out);
  return file;
}
