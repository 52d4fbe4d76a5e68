// `npm test`: the first command on a fresh clone too. Installs, builds, runs the suites; ends with a count.
import { spawnSync } from 'node:child_process';
import { ensureBuilt, ensureInstalled } from './first-run.mjs';

ensureInstalled();
ensureBuilt();
const args = ['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=./scripts/count-reporter.mjs', ...process.argv.slice(2)];
const result = spawnSync(process.execPath, args, { stdio: 'inherit' });
process.exit(result.status ?? 1);
