// `npm run docs`: makes docs/cli.md and docs/errors.md from the code; `--check` only compares.
import { createRequire } from 'node:module';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { ensureBuilt, ensureInstalled } from './first-run.mjs';

ensureInstalled();
ensureBuilt();
// The bundle is CommonJS, whose exports Node cannot see from outside once it is made small.
const { cliReference, errorReference } = createRequire(import.meta.url)('../dist/docs.js');
const check = process.argv.includes('--check');
let stale = 0;
for (const [file, text] of [
  ['docs/cli.md', await cliReference()],
  ['docs/errors.md', errorReference()],
]) {
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
  stale++;
  if (check) console.error(`${file} is not what the code says: run npm run docs`);
  else {
    writeFileSync(file, text);
    console.log(`wrote ${file}`);
  }
}
process.exit(check && stale > 0 ? 1 : 0);
