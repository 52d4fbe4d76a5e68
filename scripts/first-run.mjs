// Makes a fresh clone ready for a command: installs what is missing, builds what is stale, and says so.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
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
    if (attempt === 2) fail(whyNot());
    console.log('> once more, after a failure');
  }
  writeFileSync(stamp, wanted);
}

/** Builds dist/ when a source is newer than it. */
export function ensureBuilt() {
  const built = path.join('dist', 'mlops.js');
  if (
    existsSync(built) &&
    newest('src') <= statSync(built).mtimeMs &&
    statSync('package.json').mtimeMs <= statSync(built).mtimeMs
  )
    return;
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
  const nodedir = process.env.npm_config_nodedir ?? nodeHeaders();
  const env = {
    ...process.env,
    ONNXRUNTIME_NODE_INSTALL: 'skip',
    ...(nodedir === undefined ? {} : { npm_config_nodedir: nodedir }),
  };
  return process.platform === 'win32'
    ? spawnSync('npm.cmd', args, { stdio: 'inherit', env, shell: true })
    : spawnSync('npm', args, { stdio: 'inherit', env });
}

/**
 * The folder whose `include/node` belongs to this Node: with it, nothing is fetched to compile against. Without it,
 * node-gyp downloads the headers, which fails where nodejs.org cannot be reached.
 */
export function nodeHeaders(
  places = [path.dirname(path.dirname(realpathSync(process.execPath))), '/usr', '/usr/local'],
) {
  return places.find((folder) => {
    const file = path.join(folder, 'include/node/node_version.h');
    if (!existsSync(file)) return false;
    const text = readFileSync(file, 'utf8');
    const number = (name) => new RegExp(String.raw`#define NODE_${name}_VERSION (\d+)`).exec(text)?.[1];
    return `${number('MAJOR')}.${number('MINOR')}.${number('PATCH')}` === process.versions.node;
  });
}

/** What of compiling is missing, by its name: the last words of a compiler tell less. */
export function whyNot(has = (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined) {
  const missing = [];
  if (!has('python3') && !has('python')) missing.push('Python 3');
  if (!has('make')) missing.push('make');
  if (!['c++', 'g++', 'clang++'].some((name) => has(name))) missing.push('a C++ compiler (g++ or clang++)');
  if (nodeHeaders() === undefined)
    missing.push(
      `the headers of Node ${process.versions.node} (from nodejs.org, or a folder with include/node in npm_config_nodedir)`,
    );
  const start = 'the packages could not be installed. Where no prebuilt better-sqlite3 can be had, it is compiled; ';
  return missing.length === 0
    ? `${start}all that it needs is here: see what npm said above.`
    : `${start}missing for that: ${missing.join(', ')}.`;
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
    if (entry.isFile() && !entry.name.endsWith('.test.ts'))
      latest = Math.max(latest, statSync(path.join(entry.parentPath, entry.name)).mtimeMs);
  }
  return latest;
}

function fail(message) {
  console.error(`ERROR: ${message}`);
  process.exit(1);
}
