/** Runs a recipe's commands: fills in their holes, keeps their output, ends them with this process. */
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

const COMMAND_LIMIT_MS = 25 * 60_000;

export class ToolError extends Error {
  constructor(message, log = '') {
    super(message);
    this.log = log;
  }
}

export async function runWithRetry(command, where) {
  const first = await run(command, where);
  if (first.status === 0) return;
  console.log(`${where.recipe.name}: ${fill(command, where)[0]} ended with ${first.status}, trying once more`);
  const second = await run(command, where);
  if (second.status === 0) return;
  const log = where.logFile ? `, log ${where.logFile}` : '';
  throw new ToolError(`${fill(command, where).join(' ')} ended with ${second.status}${log}`, tail(second.output));
}

/** Runs all checks and answers the first line that the first one printed. */
export async function runCheck(recipe, dir, logFile) {
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
export function endTogether() {
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

/**
 * Runs one command in `dir` and answers { status, output, stdout }: `output` is both streams, and the status is a
 * word when the command could not run or was ended.
 */
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

export function findOnPath(...names) {
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

/**
 * The interpreter for a virtual environment as { file, version }: $MLOPS_PYTHON, or the first of python3,
 * python3.13 ... python3.10 with a version the pins have wheels for. Throws ToolError when there is none.
 */
export function pythonFor(recipe) {
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
