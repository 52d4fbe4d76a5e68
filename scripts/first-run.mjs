// Makes a fresh clone ready for a command: installs what is missing, builds what is stale, and says so.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import * as path from 'node:path';

const root = path.dirname(import.meta.dirname);
process.chdir(root);

/** Installs the packages of package-lock.json unless node_modules holds just them. */
export function ensureInstalled() {
  const wanted = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');
  const stamp = path.join('node_modules', '.mlops-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log('> npm ci   (packages are missing or out of date; better-sqlite3 may compile for a minute)');
  for (let attempt = 1; ; attempt++) {
    const result = npm(['ci', '--no-audit', '--no-fund', '--loglevel', 'error']);
    if (result.status === 0 && sqliteLoads()) break;
    if (attempt === 2) fail('the packages could not be installed. better-sqlite3 compiles where no prebuilt binary can be had and then needs a C++ compiler, make and Python.');
    console.log('> once more, after a failure');
  }
  writeFileSync(stamp, wanted);
}

/** Builds dist/ when a source is newer than it. */
export function ensureBuilt() {
  const built = path.join('dist', 'mlops.js');
  if (existsSync(built) && newest('src') <= statSync(built).mtimeMs && statSync('package.json').mtimeMs <= statSync(built).mtimeMs) return;
  console.log('> npm run build');
  run(process.execPath, ['scripts/build.mjs']);
}

/** Runs a program with this terminal; ends this process with its status when it fails. */
export function run(program, args, options = {}) {
  const result = spawnSync(program, args, { stdio: 'inherit', ...options });
  if (result.error) fail(`${program}: ${result.error.message}`);
  if (result.status !== 0) process.exit(result.status ?? 1);
}

function npm(args) {
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  return process.platform === 'win32' ? spawnSync('npm.cmd', args, { stdio: 'inherit', env, shell: true }) : spawnSync('npm', args, { stdio: 'inherit', env });
}

/** An npm that blocks install scripts leaves the addon uncompiled without failing: compile it then. */
function sqliteLoads() {
  const probe = ['-e', "new (require('better-sqlite3'))(':memory:').close()"];
  if (spawnSync(process.execPath, probe, { stdio: 'ignore' }).status === 0) return true;
  npm(['rebuild', 'better-sqlite3', '--foreground-scripts', '--loglevel', 'error']);
  return spawnSync(process.execPath, probe, { stdio: 'inherit' }).status === 0;
}

function newest(folder) {
  let latest = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && !entry.name.endsWith('.test.ts')) latest = Math.max(latest, statSync(path.join(entry.parentPath, entry.name)).mtimeMs);
  }
  return latest;
}

function fail(message) {
  console.error(`ERROR: ${message}`);
  process.exit(1);
}
