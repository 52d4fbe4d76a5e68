// `npm test`: the first command on a fresh clone too. Installs what is missing, the tools that judge us among it where
// Python 3 is at hand, builds, runs every suite, and ends with what was not run and a count.
// `npm run test:long`: the same with more kills and more seeds, MLOPS_LONG=1.
// `npm run test:quick`: for the inner loop, the tests beside the sources and nothing that must be installed.
import { spawnSync } from 'node:child_process';
import { ensureBuilt, ensureInstalled } from './first-run.mjs';

const words = process.argv.slice(2);
const quick = words[0] === '--quick';
const long = words[0] === '--long';
if (long) process.env.MLOPS_LONG = '1';
const rest = quick || long ? words.slice(1) : words;
const isWhole = rest.every((word) => word.startsWith('-'));

ensureInstalled();
ensureBuilt();
if (!quick && isWhole) ensureTools();
const chosen = quick
  ? [
      ...(isWhole ? ['src/', 'test/architecture', 'test/verbs', 'test/docs'] : []),
      '--exclude',
      '**/*faults.test.ts',
      '--exclude',
      'test/interop/**',
    ]
  : [];
const reporters = ['--reporter=default', '--reporter=./scripts/count-reporter.mjs'];
const result = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', ...reporters, ...chosen, ...rest],
  { stdio: 'inherit' },
);
process.exit(result.status ?? 1);

/** Real DVC, MLflow's clients, MinIO and the rest. What cannot be had is no failure: the last lines name what it would have judged. */
function ensureTools() {
  if (process.env.MLOPS_TOOLS === 'none')
    return console.log('> MLOPS_TOOLS=none: what other tools judge is not run, unless they are in .tools already');
  if (spawnSync('python3', ['--version'], { stdio: 'ignore' }).status !== 0)
    return console.log('> no python3: what DVC and MLflow judge is not run');
  const listed = spawnSync(process.execPath, ['scripts/tools.mjs', '--list', '--json'], { encoding: 'utf8' });
  const missing = JSON.parse(listed.stdout)
    .filter(({ state }) => state !== 'ready')
    .map(({ name }) => name);
  if (missing.length > 0)
    console.log(`> npm run tools   (${missing.join(', ')}: some minutes the first time, kept for all checkouts)`);
  spawnSync(process.execPath, ['scripts/tools.mjs'], { stdio: missing.length > 0 ? 'inherit' : 'ignore' });
}
