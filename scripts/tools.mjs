#!/usr/bin/env node
/**
 * Installs the pinned programs that the interop tests drive (DVC, MLflow, MinIO, ...) into a cache folder that is
 * shared by all checkouts, and links them from the git-ignored `.tools/NAME`.
 *
 *   node scripts/tools.mjs [--list [--json]] [--check] [NAME...]
 *
 * Without names: all that the tests need, but not what only a benchmark does.
 *
 * Cache: $MLOPS_TOOLS_DIR, else $XDG_CACHE_HOME/mlops-tools, else ~/.cache/mlops-tools. One folder per recipe, named
 * by a hash of it, so changing a pin makes a new folder and never disturbs another checkout. A folder counts as
 * installed only when its stamp file exists, and that is written after the recipe's check has passed: an interrupted
 * run starts that tool again (Go keeps finished downloads; pip does so only where the package index allows caching).
 */
import { endTogether, ToolError } from './tools/commands.mjs';
import { cacheDir, checkOnly, install, stateOf } from './tools/install.mjs';
import { RECIPES } from './tools/recipes.mjs';

const AT_ONCE = 2;

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
  // What only a benchmark needs is installed when it is named.
  const chosen = RECIPES.filter(({ name, forBench }) => (names.length > 0 ? names.includes(name) : forBench !== true));
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

await main(process.argv.slice(2));
