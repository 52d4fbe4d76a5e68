// `check data` of a CSV beside Great Expectations with the same expectations: `npm run bench quality [MEGABYTES]` (1000).
// Great Expectations is timed without and with its check of dates (strftime), which `check data` always makes; its
// imports do not count. `--alone` leaves it out.
import * as fs from 'node:fs';
import * as path from 'node:path';

import { machine, mlopsUsage, printTable, pythonUsage, rival, scratch, type Usage } from './measure.ts';

const words = process.argv.slice(2);
const megabytes = Number(words.find((word) => /^\d+$/.test(word)) ?? 1000);
const folder = scratch('quality', 'disk');
const file = path.join(folder, 'data.csv');

const schema = String.raw`version: 1
columns:
  id: { type: integer, nullable: false, unique: true, min: 0 }
  age: { type: integer, nullable: false, min: 0, max: 120 }
  income: { type: number, min: 0, max: 100000 }
  score: { type: number, min: 0, max: 1 }
  city: { type: string, values: [Berlin, Hamburg, Bonn, Paris, Lyon, Rome] }
  plate: { type: string, regex: '^[A-Z]-\d{4}$', min_length: 3, max_length: 10 }
  email: { type: string, regex: '^[^@]+@[^@]+\.org$' }
  start: { type: date }
  end: { type: date }
  flag: { type: boolean }
rows: { min: 100 }
rules: ["start <= end"]
`;

console.log(machine());
const rows = makeTable(file, megabytes * 1e6);
fs.writeFileSync(path.join(folder, 'schema.yaml'), schema);
const ours = mlopsUsage(['check', 'data', file, '--schema', path.join(folder, 'schema.yaml')]);
const results = [['mlops check data', ours]] as [string, Usage][];
const python = rival('quality/bin/python');
if (python !== undefined && !words.includes('--alone')) {
  for (const dates of [[], ['--dates']]) {
    const usage = pythonUsage(python, 'quality/beside.py', file, ...dates);
    results.push([`Great Expectations${dates.length > 0 ? ', with dates' : ''}`, usage]);
  }
}
printTable(
  `${(fs.statSync(file).size / 1e6).toFixed(0)} MB of CSV, ${rows.toLocaleString('en')} rows`,
  ['', 'time', 'processor', 'memory', 'ratio of processor time', 'goal'],
  results.map(([name, { seconds, processor, peak }], i) => [
    name,
    `${seconds.toFixed(1)} s`,
    `${processor.toFixed(1)} s`,
    `${peak.toFixed(0)} MB`,
    (processor / ours.processor).toFixed(1),
    i === 0 ? 'under 300 MB' : '5',
  ]),
);

function makeTable(target: string, bytes: number): number {
  const out = fs.openSync(target, 'w');
  const cities = ['Berlin', 'Hamburg', 'Bonn', 'Paris', 'Lyon', 'Rome'];
  let state = 1;
  const random = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  let text = 'id,age,income,score,city,plate,email,start,end,flag\n';
  let written = 0;
  let row = 0;
  for (; written < bytes; row++) {
    const day = String(1 + Math.floor(random() * 28)).padStart(2, '0');
    text += `${row},${Math.floor(random() * 100)},${(random() * 1e5).toFixed(2)},${random().toFixed(6)},`;
    text += `${cities[Math.floor(random() * 6)]},B-${1000 + Math.floor(random() * 9000)},user${row}@example.org,`;
    text += `2024-0${1 + Math.floor(random() * 9)}-${day},2024-1${Math.floor(random() * 3)}-${day},${random() < 0.5}\n`;
    if (text.length < 1 << 20) continue;
    written += fs.writeSync(out, text);
    text = '';
  }
  fs.writeSync(out, text);
  fs.closeSync(out);
  return row;
}
