/** Makes one tool ready: builds it into its cache folder or finds it on the system, checks it, links it. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { aptInstall, refreshAptLists } from './apt.mjs';
import { findOnPath, pythonFor, runCheck, runWithRetry, ToolError } from './commands.mjs';
import { lock } from './lock.mjs';

const repoRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const linksDir = path.join(repoRoot, '.tools');
export const cacheDir = path.resolve(
  process.env.MLOPS_TOOLS_DIR ||
    path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'mlops-tools'),
);

const STAMP = '.installed.json';

/** Makes one tool ready and linked. Answers what was done, in a few words. Throws ToolError. */
export async function install(recipe) {
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
export async function checkOnly(recipe) {
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

export function stateOf(recipe) {
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
