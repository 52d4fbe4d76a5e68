// `npm run bench [NAME...] [OPTIONS]`: builds and runs the benchmarks of bench/, one after the other. Tables go to the
// terminal, and as JSON to bench/results/NAME.json.
// `npm run bench -- --check [NAME...]`: runs those that have floors, and fails when a ratio fell under its floor.
import { build } from 'esbuild';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import * as path from 'node:path';
import { belowFloor } from './bench-floors.mjs';
import { ensureBuilt, ensureInstalled, run } from './first-run.mjs';

ensureInstalled();
ensureBuilt();
const all = readdirSync('bench')
  .filter((name) => name.endsWith('.bench.ts'))
  .map((name) => name.slice(0, -'.bench.ts'.length));
const floors = JSON.parse(readFileSync('bench/floors.json', 'utf8'));
// npm takes the first `--` away, so the names end where the first word is no benchmark's.
const given = process.argv.slice(2).filter((word) => word !== '--');
const check = given.includes('--check');
const words = given.filter((word) => word !== '--check');
const firstOption = words.findIndex((word) => !all.includes(word));
const named = firstOption < 0 ? words : words.slice(0, firstOption);
const options = firstOption < 0 ? [] : words.slice(firstOption);
if (named.length === 0 && options.length > 0) {
  console.error(`there is no benchmark '${options[0]}'; there are: ${all.join(', ')}`);
  process.exit(2);
}
const chosen = named.length > 0 ? named : check ? Object.keys(floors) : all;
const results = path.resolve('bench/results');
mkdirSync(results, { recursive: true });
// Beside node_modules, so that packages left outside the bundle are found.
const folder = path.join('node_modules', `.bench-${process.pid}`);
mkdirSync(folder, { recursive: true });
const slow = [];
try {
  for (const name of chosen) {
    const outfile = path.join(folder, `${name}.mjs`);
    const json = path.join(results, `${name}.json`);
    rmSync(json, { force: true });
    await build({
      entryPoints: [`bench/${name}.bench.ts`],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      logLevel: 'warning',
    });
    const own = check && options.length === 0 ? (floors[name]?.options ?? []) : options;
    run(process.execPath, [outfile, ...own], {
      env: { ...process.env, MLOPS_ROOT: process.cwd(), MLOPS_BENCH_JSON: json },
    });
    if (check)
      slow.push(
        ...belowFloor(JSON.parse(readFileSync(json, 'utf8')).tables, floors[name]?.ratios ?? {}).map(
          (line) => `${name}: ${line}`,
        ),
      );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (check) {
  for (const line of slow) console.error(line);
  console.log(
    slow.length === 0 ? 'every ratio is at its floor or above' : `${slow.length} below their floor (bench/floors.json)`,
  );
  process.exitCode = slow.length === 0 ? 0 : 1;
}
