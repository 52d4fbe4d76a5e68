#!/usr/bin/env node
/**
 * Installs the pinned programs that the interop tests drive (DVC, MLflow, MinIO, ...) into a cache folder that is
 * shared by all checkouts, and links them from the git-ignored `.tools/NAME`.
 *
 *   node scripts/tools.mjs [--list [--json]] [--check] [NAME...]
 *
 * Cache: $MLOPS_TOOLS_DIR, else $XDG_CACHE_HOME/mlops-tools, else ~/.cache/mlops-tools. One folder per recipe, named
 * by a hash of it, so changing a pin makes a new folder and never disturbs another checkout. A folder counts as
 * installed only when its stamp file exists, and that is written after the recipe's check has passed: an interrupted
 * run starts that tool again (finished downloads come from pip's and Go's own caches).
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

const repoRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const linksDir = path.join(repoRoot, '.tools');
const cacheDir =
  process.env.MLOPS_TOOLS_DIR ??
  path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'mlops-tools');

const STAMP = '.installed.json';
const AT_ONCE = 2;
const COMMAND_LIMIT_MS = 25 * 60_000;
const LOCK_WAIT_MS = 40 * 60_000;

// ---------------------------------------------------------------------------------------------------------------
// Recipes. Plain data after the little builders below: `commands` and `check` are argument lists in which {dir} is
// the folder to fill and {python} the interpreter; `program` is the main program inside {dir}, or what to find on
// PATH for programs that belong to the system.
// ---------------------------------------------------------------------------------------------------------------

const RECIPES = [
  venv('dvc', {
    about: 'DVC with its S3 remote: the other side of every data test',
    pins: ['dvc==3.67.1', 'dvc-s3==3.3.0', 'ruamel.yaml==0.19.1'],
    program: 'bin/dvc',
    check: [
      ['{dir}/bin/dvc', '--version'],
      ['{dir}/bin/python', '-c', 'import dvc.api, dvc_s3, ruamel.yaml'],
    ],
  }),
  {
    name: 'minio',
    about: 'S3 server, built from its Go module (release tags are not all served as modules; this commit is)',
    program: 'minio',
    needs: ['go'],
    env: { GOBIN: '{dir}', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod -buildvcs=false -trimpath', CGO_ENABLED: '0' },
    commands: [['go', 'install', '-ldflags=-s -w', 'github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c']],
    check: [['{dir}/minio', '--version']],
  },
  venv('mlflow', {
    about: 'current MLflow, and what makes and serves ONNX models in Python',
    // onnx: the newest one whose default opset and IR version onnxruntime 1.30 loads (1.22 and 1.23 do not).
    // onnxruntime: the version of our own onnxruntime-node, so that both sides compute the same.
    pins: [
      'mlflow==3.17.2',
      'numpy==2.4.6',
      'pandas==3.1.1',
      'scikit-learn==1.9.1',
      'onnx==1.21.0',
      'onnxruntime==1.30.0',
      'skl2onnx==1.20.0',
      'tritonclient[http]==2.73.0',
      'fastapi==0.165.0',
      'uvicorn==0.54.0',
      'requests==2.34.2',
      'boto3==1.44.5',
      'magika==1.0.3',
      'tokenizers==0.23.3',
    ],
    pythons: [11, 13],
    program: 'bin/python',
    check: [
      ['{dir}/bin/mlflow', '--version'],
      [
        '{dir}/bin/python',
        '-c',
        'import mlflow, numpy, pandas, sklearn, onnx, onnxruntime, skl2onnx, tritonclient.http, ' +
          'fastapi, uvicorn, requests, boto3, magika, tokenizers; print(mlflow.__version__)',
      ],
    ],
  }),
  venv('mlflow29', {
    about: 'MLflow 2.9 client: the oldest one that must work against our server',
    // setuptools: this MLflow imports pkg_resources, which later ones no longer have. SQLAlchemy: 2.1 took away names
    // that MLflow 2 imports.
    pins: [
      'mlflow==2.9.2',
      'numpy==1.26.4',
      'pandas==2.1.4',
      'scikit-learn==1.3.2',
      'scipy==1.11.4',
      'pyarrow==14.0.2',
      'setuptools==68.2.2',
      'sqlalchemy==2.0.44',
    ],
    pythons: [9, 12],
    program: 'bin/python',
    check: [
      [
        '{dir}/bin/python',
        '-c',
        'import mlflow.sklearn, mlflow.store.tracking.sqlalchemy_store, pkg_resources; print(mlflow.__version__)',
      ],
    ],
  }),
  venv('mlflow222', {
    about: 'MLflow 2.22 client: the last of the 2.x line',
    pins: [
      'mlflow==2.22.4',
      'numpy==2.2.6',
      'pandas==2.2.3',
      'scikit-learn==1.6.1',
      'scipy==1.15.3',
      'pyarrow==19.0.1',
      'setuptools==80.9.0',
      'sqlalchemy==2.0.44',
    ],
    pythons: [10, 13],
    program: 'bin/python',
    check: [
      [
        '{dir}/bin/python',
        '-c',
        'import mlflow.sklearn, mlflow.store.tracking.sqlalchemy_store; print(mlflow.__version__)',
      ],
    ],
  }),
  {
    name: 'promtool',
    about: 'checks our metrics, rules and alerts; taken out of the prometheus package, whose service is not installed',
    program: 'promtool',
    needs: ['apt-get', 'dpkg-deb'],
    aptLists: true,
    install: 'sudo apt-get update',
    commands: [
      ['apt-get', 'download', 'prometheus'],
      ['sh', '-c', 'dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool'],
      ['sh', '-c', 'mv usr/bin/promtool . && rm -rf usr prometheus_*.deb'],
    ],
    check: [['{dir}/promtool', '--version']],
  },
  aptProgram('chromium', {
    about: 'browser for the web UI tests',
    names: ['chromium', 'chromium-browser', 'google-chrome'],
    check: ['--version'],
  }),
  // wrk has no way to print its version and succeed: `-v` exits with 1.
  aptProgram('wrk', { about: 'HTTP load for the benchmarks', names: ['wrk'], check: ['-v'], checkStatus: 1 }),
  aptProgram('git', { about: 'version control', names: ['git'], check: ['--version'] }),
  aptProgram('flock', {
    about: 'file locks as DVC takes them',
    names: ['flock'],
    check: ['--version'],
    debian: 'util-linux',
  }),
];

/** A Python virtual environment with these exact packages, for Python 3.`pythons[0]` up to 3.`pythons[1]`. */
function venv(name, { about, pins, pythons = [10, 13], program, check }) {
  const pip = [
    '{dir}/bin/python',
    '-m',
    'pip',
    'install',
    '--disable-pip-version-check',
    '--no-input',
    '--progress-bar=off',
  ];
  return {
    name,
    about,
    program,
    pythons,
    // Scripts in a virtual environment hold its absolute path: it is built where it stays.
    inPlace: true,
    env: { PYTHONNOUSERSITE: '1', PYTHONPATH: '' },
    commands: [
      ['{python}', '-m', 'venv', '{dir}'],
      [...pip, ...pins],
    ],
    check: [...check, ['{dir}/bin/python', '-m', 'pip', 'check', '--disable-pip-version-check']],
  };
}

/** A program of the system: found on PATH, else installed by apt-get when that is possible. */
function aptProgram(name, { about, names, check, checkStatus = 0, debian = name }) {
  return { name, about, system: names, debian, check: [['{program}', ...check]], checkStatus };
}

// ---------------------------------------------------------------------------------------------------------------

class ToolError extends Error {
  constructor(message, log = '') {
    super(message);
    this.log = log;
  }
}

async function main(args) {
  const flags = new Set(args.filter((arg) => arg.startsWith('-')));
  const names = args.filter((arg) => !arg.startsWith('-'));
  const known = RECIPES.map((recipe) => recipe.name);
  const strange = [...flags].filter((flag) => !['--list', '--check', '--json', '--help', '-h'].includes(flag));
  const unknown = names.filter((name) => !known.includes(name));
  if (strange.length + unknown.length > 0) {
    console.error(`tools: unknown ${[...strange, ...unknown].join(', ')}; tools are ${known.join(', ')}`);
    process.exitCode = 2;
    return;
  }
  const chosen = names.length > 0 ? RECIPES.filter((recipe) => names.includes(recipe.name)) : RECIPES;
  if (flags.has('--help') || flags.has('-h')) {
    console.log('node scripts/tools.mjs [--list [--json]] [--check] [NAME...]\n' + known.join(' '));
  } else if (flags.has('--list')) {
    list(chosen, flags.has('--json'));
  } else {
    await runAll(chosen, flags.has('--check') ? checkOnly : install);
  }
}

function list(recipes, json) {
  const rows = recipes.map((recipe) => ({
    name: recipe.name,
    about: recipe.about,
    program: recipe.system ? null : recipe.program,
    state: stateOf(recipe),
  }));
  if (json) console.log(JSON.stringify(rows));
  else for (const row of rows) console.log(`${row.name.padEnd(10)} ${row.state.padEnd(10)} ${row.about}`);
}

/** Runs `act` for each recipe, AT_ONCE at a time, prints one line for each, and sets the exit status. */
async function runAll(recipes, act) {
  const queue = [...recipes];
  const failed = [];
  const worker = async () => {
    for (let recipe = queue.shift(); recipe !== undefined; recipe = queue.shift()) {
      const started = Date.now();
      const took = () => `${((Date.now() - started) / 1000).toFixed(1)} s`;
      try {
        const said = await act(recipe);
        console.log(`${recipe.name}: ${said} (${took()})`);
      } catch (error) {
        if (!(error instanceof ToolError)) throw error;
        failed.push(recipe.name);
        console.error(`${recipe.name}: FAILED after ${took()}: ${error.message}`);
        if (error.log !== '') console.error(error.log.replace(/^/gm, '  | '));
      }
    }
  };
  endTogether();
  const started = Date.now();
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`tools: ${recipes.length - failed.length} of ${recipes.length} ready in ${seconds} s, cache ${cacheDir}`);
  if (failed.length > 0) {
    console.error(`tools: failed: ${failed.join(', ')}`);
    process.exitCode = 1;
  }
}

/** Makes one tool ready and linked. Answers what was done, in a few words. Throws ToolError. */
async function install(recipe) {
  if (recipe.system) return installSystem(recipe);
  const dir = dirOf(recipe);
  if (!isInstalled(dir, recipe)) {
    fs.mkdirSync(cacheDir, { recursive: true });
    const release = await lock(`${dir}.lock`);
    try {
      // Another process may have finished it while this one waited.
      if (!isInstalled(dir, recipe)) return await build(recipe, dir);
    } finally {
      release();
    }
  }
  link(recipe.name, dir);
  return `already there, ${path.join('.tools', recipe.name)} -> ${dir}`;
}

async function build(recipe, dir) {
  for (const need of recipe.needs ?? []) {
    if (findOnPath(need) === undefined) throw new ToolError(`needs the program ${need}, which is not on PATH`);
  }
  if (recipe.aptLists) await refreshAptLists(recipe);
  console.log(`${recipe.name}: installing into ${dir}`);
  const work = recipe.inPlace ? dir : `${dir}.part`;
  fs.rmSync(work, { recursive: true, force: true });
  fs.mkdirSync(work, { recursive: true });
  const logFile = `${dir}.log`;
  fs.writeFileSync(logFile, '');
  for (const command of recipe.commands) await runWithRetry(command, { recipe, dir: work, logFile });
  const said = await runCheck(recipe, work, logFile);
  fs.writeFileSync(path.join(work, STAMP), JSON.stringify({ recipe, said, at: new Date().toISOString() }, null, 2));
  if (work !== dir) {
    fs.rmSync(dir, { recursive: true, force: true });
    fs.renameSync(work, dir);
  }
  link(recipe.name, dir);
  return `installed, ${said}, ${path.join('.tools', recipe.name)} -> ${dir}`;
}

async function installSystem(recipe) {
  let program = findOnPath(...recipe.system);
  if (program === undefined) {
    const advice = `sudo apt-get install -y ${recipe.debian}`;
    if (findOnPath('apt-get') === undefined) throw new ToolError(`not found; install ${recipe.system[0]} (${advice})`);
    if (process.getuid?.() !== 0) throw new ToolError(`not found, and only root can install it: ${advice}`);
    console.log(`${recipe.name}: installing the package ${recipe.debian}`);
    await aptInstall(recipe);
    program = findOnPath(...recipe.system);
    if (program === undefined)
      throw new ToolError(`package ${recipe.debian} holds none of ${recipe.system.join(', ')}`);
  }
  const said = await runCheck(recipe, path.dirname(program));
  link(recipe.name, program);
  return `${said}, ${path.join('.tools', recipe.name)} -> ${program}`;
}

/** Runs the checks of an installed tool again, without changing anything but the link. */
async function checkOnly(recipe) {
  if (recipe.system) {
    const program = findOnPath(...recipe.system);
    if (program === undefined) throw new ToolError(`missing; npm run tools -- ${recipe.name}`);
    return runCheck(recipe, path.dirname(program));
  }
  const dir = dirOf(recipe);
  if (!isInstalled(dir, recipe)) throw new ToolError(`missing; npm run tools -- ${recipe.name}`);
  const linked = path.join(linksDir, recipe.name);
  if (!fs.existsSync(linked) || fs.realpathSync(linked) !== fs.realpathSync(dir)) {
    throw new ToolError(`${linked} does not lead to ${dir}; npm run tools -- ${recipe.name}`);
  }
  return runCheck(recipe, dir);
}

function stateOf(recipe) {
  if (recipe.system) return findOnPath(...recipe.system) === undefined ? 'missing' : 'ready';
  try {
    return isInstalled(dirOf(recipe), recipe) ? 'ready' : 'missing';
  } catch (error) {
    if (error instanceof ToolError) return 'missing';
    throw error;
  }
}

/** Stamped, and its program still leads to a file (a virtual environment dies with the Python it was made from). */
function isInstalled(dir, recipe) {
  return fs.existsSync(path.join(dir, STAMP)) && fs.existsSync(path.join(dir, recipe.program));
}

/** Cache folder of a recipe on this platform and, for virtual environments, with this Python. */
function dirOf(recipe) {
  const python = recipe.pythons ? pythonFor(recipe) : null;
  const { commands, env, program } = recipe;
  const key = JSON.stringify([commands, env, program, process.platform, process.arch, python]);
  return path.join(cacheDir, `${recipe.name}-${createHash('sha256').update(key).digest('hex').slice(0, 12)}`);
}

/**
 * The interpreter for a virtual environment as { file, version }: $MLOPS_PYTHON, or the first of python3,
 * python3.13 ... python3.10 with a version the pins have wheels for. Throws ToolError when there is none.
 */
function pythonFor(recipe) {
  const [low, high] = recipe.pythons;
  const newestFirst = Array.from({ length: high - low + 1 }, (_, i) => `python3.${high - i}`);
  const candidates = process.env.MLOPS_PYTHON ? [process.env.MLOPS_PYTHON] : ['python3', ...newestFirst];
  const seen = [];
  for (const candidate of candidates) {
    const python = probePython(candidate);
    if (python === undefined) continue;
    const minor = Number(python.version.split('.')[1]);
    if (python.version.startsWith('3.') && minor >= low && minor <= high) return python;
    seen.push(`${candidate} is ${python.version}`);
  }
  const found = seen.length > 0 ? ` (${seen.join(', ')})` : '';
  throw new ToolError(`needs Python 3.${low} to 3.${high}${found}; install one or name it in MLOPS_PYTHON`);
}

const probedPythons = new Map();

function probePython(candidate) {
  if (!probedPythons.has(candidate)) {
    // The base interpreter, not a virtual environment or a version manager's wrapper, which come and go.
    const code =
      'import sys, os; print(os.path.realpath(getattr(sys, "_base_executable", sys.executable))); print(sys.version.split()[0])';
    const ran = spawnSync(candidate, ['-c', code], { encoding: 'utf8' });
    const [file, version] = (ran.stdout ?? '').trim().split('\n');
    probedPythons.set(candidate, ran.status === 0 && file && version ? { file, version } : undefined);
  }
  return probedPythons.get(candidate);
}

// Debian packages ------------------------------------------------------------------------------------------------

let aptQueue = Promise.resolve();
let aptUpdated;

/** apt-get allows one at a time: runs `work` after all earlier ones, whether or not they succeeded. */
function serially(work) {
  const result = aptQueue.then(work);
  aptQueue = result.catch(() => undefined);
  return result;
}

function aptInstall(recipe) {
  return serially(async () => {
    await aptUpdate();
    const command = [
      'apt-get',
      'install',
      '-y',
      '--no-install-recommends',
      '-o',
      'DPkg::Lock::Timeout=600',
      recipe.debian,
    ];
    await runWithRetry(command, { recipe, dir: os.tmpdir(), env: { DEBIAN_FRONTEND: 'noninteractive' } });
  });
}

/** Package lists are needed even to download a package without installing it; only root can fetch them. */
async function refreshAptLists(recipe) {
  if (process.getuid?.() === 0) return serially(aptUpdate);
  const known = spawnSync('apt-cache', ['show', 'prometheus'], { encoding: 'utf8' });
  if (known.status !== 0) throw new ToolError(`apt knows no such package; run: ${recipe.install}`);
}

function aptUpdate() {
  aptUpdated ??= runWithRetry(['apt-get', 'update', '-q'], { recipe: { name: 'apt' }, dir: os.tmpdir() });
  return aptUpdated;
}

// Running commands -----------------------------------------------------------------------------------------------

async function runWithRetry(command, where) {
  const first = await run(command, where);
  if (first.status === 0) return;
  console.log(`${where.recipe.name}: ${command[0]} ended with ${first.status}, trying once more`);
  const second = await run(command, where);
  if (second.status === 0) return;
  const log = where.logFile ? `, log ${where.logFile}` : '';
  throw new ToolError(`${fill(command, where).join(' ')} ended with ${second.status}${log}`, tail(second.output));
}

/** Runs all checks and answers the first line that the first one printed. */
async function runCheck(recipe, dir, logFile) {
  let said = '';
  for (const command of recipe.check) {
    const ran = await run(command, { recipe, dir, logFile });
    if (ran.status !== (recipe.checkStatus ?? 0)) {
      throw new ToolError(
        `check failed: ${fill(command, { recipe, dir }).join(' ')} ended with ${ran.status}`,
        tail(ran.output),
      );
    }
    said ||= (ran.stdout.trim() || ran.output.trim()).split('\n')[0].trim();
  }
  return said;
}

const running = new Set();

/** An interrupted run takes its commands with it: pip left alone would go on writing where the next run starts. */
function endTogether() {
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ]) {
    process.once(signal, () => {
      for (const child of running) child.kill('SIGTERM');
      process.exit(status);
    });
  }
}

/** Runs one command in `dir` and answers { status, output, stdout }; `output` is both streams and the status is a word when it could not run or was ended. */
function run(command, where) {
  const [file, ...args] = fill(command, where);
  const env = { ...process.env, ...where.env };
  for (const [key, value] of Object.entries(where.recipe.env ?? {})) env[key] = fill([value], where)[0];
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd: where.dir,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: COMMAND_LIMIT_MS,
    });
    running.add(child);
    child.on('close', () => running.delete(child));
    let output = '';
    let stdout = '';
    const take = (chunk) => {
      output = (output + chunk).slice(-200_000);
      if (where.logFile) fs.appendFileSync(where.logFile, chunk);
    };
    child.stdout.on('data', take);
    child.stdout.on('data', (chunk) => (stdout = (stdout + chunk).slice(0, 10_000)));
    child.stderr.on('data', take);
    child.on('error', (error) => resolve({ status: error.code ?? error.message, output, stdout }));
    child.on('close', (code, signal) => resolve({ status: code ?? signal, output, stdout }));
  });
}

function fill(command, { recipe, dir }) {
  const values = {
    '{dir}': () => dir,
    '{python}': () => pythonFor(recipe).file,
    '{program}': () => findOnPath(...recipe.system),
  };
  return command.map((word) => word.replace(/\{(dir|python|program)\}/g, (hole) => values[hole]()));
}

function tail(text, lines = 25) {
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}

function findOnPath(...names) {
  for (const name of names) {
    for (const dir of (process.env.PATH ?? '').split(path.delimiter)) {
      const file = path.join(dir, name);
      try {
        fs.accessSync(file, fs.constants.X_OK);
        if (dir !== '' && fs.statSync(file).isFile()) return file;
      } catch {
        continue;
      }
    }
  }
  return undefined;
}

// Files ----------------------------------------------------------------------------------------------------------

/** Points `.tools/NAME` at `target` in one step, so that a reader sees the old or the new one. */
function link(name, target) {
  const file = path.join(linksDir, name);
  fs.mkdirSync(linksDir, { recursive: true });
  const existing = fs.lstatSync(file, { throwIfNoEntry: false });
  if (existing?.isSymbolicLink() && fs.readlinkSync(file) === target) return;
  if (existing && !existing.isSymbolicLink()) throw new ToolError(`${file} is in the way: it is not a link; remove it`);
  const temporary = `${file}.${process.pid}.new`;
  fs.rmSync(temporary, { force: true });
  fs.symlinkSync(target, temporary);
  fs.renameSync(temporary, file);
}

/** Holds a lock file with this process's id; takes over from a process that is gone. Answers how to let go. */
async function lock(file) {
  const until = Date.now() + LOCK_WAIT_MS;
  for (let waits = 0; Date.now() < until; waits++) {
    try {
      fs.writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => fs.rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!lockIsHeld(file)) fs.rmSync(file, { force: true });
    else if (waits === 0) console.log(`waiting for another install that holds ${file}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new ToolError(`another install holds ${file} for too long; remove that file if none is running`);
}

function lockIsHeld(file) {
  let pid;
  try {
    pid = Number(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
  // A file without a number was created a moment ago: its holder is about to write it.
  if (!Number.isInteger(pid) || pid <= 0)
    return Date.now() - (fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) < 5_000;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

await main(process.argv.slice(2));
