// Stage 5: serve the model on a free port of this machine, ask it one row after the other, and stop it.
//   latency.json   milliseconds that half, 95 and 99 of 100 requests took at most, and requests a second
import { spawn } from 'node:child_process';

import { readCsv } from './lib/csv.mjs';
import { readJson, round, writeJson } from './lib/files.mjs';
import { count, readParams } from './lib/params.mjs';
import { isMissing } from './table.mjs';

const { requests } = readParams('load', { requests: count });
const { inputs } = readJson('data/prepared/columns.json');
const { rows } = readCsv('data/prepared/test.csv');
const bodies = rows.map((row) => JSON.stringify(Object.fromEntries(inputs.flatMap(field(row)))));

const server = spawn('mlops', ['serve', 'models/tabular', '--port', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
try {
  const url = await addressOf(server);
  for (let n = 0; n < 20; n++) await ask(url, bodies[n % bodies.length]);
  const start = performance.now();
  const times = [];
  for (let n = 0; n < requests; n++) times.push(await ask(url, bodies[n % bodies.length]));
  const seconds = (performance.now() - start) / 1000;
  times.sort((a, b) => a - b);
  const at = (share) => round(times[Math.min(times.length - 1, Math.floor(share * times.length))]);
  const latency = { p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99), requests_per_second: round(requests / seconds) };
  writeJson('latency.json', latency);
  console.log(`95 of 100 requests took at most ${latency.p95_ms} ms`);
} finally {
  server.kill('SIGTERM');
}

/** Numbers as numbers, texts as texts; what is missing not at all, and texts of the test rows alone neither. */
function field(row) {
  return ({ name, kind, values }, index) => {
    const text = row[index];
    if (isMissing(text)) return [];
    if (kind === 'number') return [[name, Number(text)]];
    return values.includes(text) ? [[name, text]] : [];
  };
}

async function ask(url, body) {
  const start = performance.now();
  const answer = await fetch(`${url}/predict`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`the server refused ${body}: ${text}`);
  return performance.now() - start;
}

/** The server says on stderr where it listens. */
function addressOf(child) {
  return new Promise((resolve, reject) => {
    let said = '';
    child.on('error', reject);
    child.on('exit', () => reject(new Error(`the server did not start: ${said}`)));
    child.stderr.on('data', (chunk) => {
      said += chunk;
      const found = /http:\/\/\S+:\d+/.exec(said);
      if (found) resolve(found[0]);
    });
  });
}
