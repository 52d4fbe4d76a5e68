// `npm run bench [NAME...] [-- OPTIONS]`: builds and runs the benchmarks of bench/, one after the other.
import { build } from 'esbuild';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import * as path from 'node:path';
import { ensureBuilt, ensureInstalled, run } from './first-run.mjs';

ensureInstalled();
ensureBuilt();
const all = readdirSync('bench').filter((name) => name.endsWith('.bench.ts')).map((name) => name.slice(0, -'.bench.ts'.length));
const dash = process.argv.indexOf('--');
const words = process.argv.slice(2, dash < 0 ? undefined : dash);
const options = dash < 0 ? [] : process.argv.slice(dash + 1);
const chosen = words.length === 0 ? all : words;
for (const name of chosen) {
  if (!all.includes(name)) {
    console.error(`there is no benchmark '${name}'; there are: ${all.join(', ')}`);
    process.exit(2);
  }
}
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
