// `npm run bench [NAME...] [OPTIONS]`: builds and runs the benchmarks of bench/, one after the other.
import { build } from 'esbuild';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import * as path from 'node:path';
import { ensureBuilt, ensureInstalled, run } from './first-run.mjs';

ensureInstalled();
ensureBuilt();
const all = readdirSync('bench').filter((name) => name.endsWith('.bench.ts')).map((name) => name.slice(0, -'.bench.ts'.length));
// npm takes the first `--` away, so the names end where the first word is no benchmark's.
const words = process.argv.slice(2).filter((word) => word !== '--');
const firstOption = words.findIndex((word) => !all.includes(word));
const named = firstOption < 0 ? words : words.slice(0, firstOption);
const options = firstOption < 0 ? [] : words.slice(firstOption);
if (named.length === 0 && options.length > 0) {
  console.error(`there is no benchmark '${options[0]}'; there are: ${all.join(', ')}`);
  process.exit(2);
}
const chosen = named.length === 0 ? all : named;
// Beside node_modules, so that packages left outside the bundle are found.
const folder = path.join('node_modules', `.bench-${process.pid}`);
mkdirSync(folder, { recursive: true });
try {
  for (const name of chosen) {
    const outfile = path.join(folder, `${name}.mjs`);
    await build({ entryPoints: [`bench/${name}.bench.ts`], outfile, bundle: true, platform: 'node', format: 'esm', packages: 'external', logLevel: 'warning' });
    run(process.execPath, [outfile, ...options], { env: { ...process.env, MLOPS_ROOT: process.cwd() } });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
