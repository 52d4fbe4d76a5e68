/** Debian's packages: one apt-get at a time, lists fetched once a run, installs by root only. */
import { spawnSync } from 'node:child_process';
import * as os from 'node:os';
import { runWithRetry, ToolError } from './commands.mjs';

let aptQueue = Promise.resolve();
let aptUpdated;

/** apt-get allows one at a time: runs `work` after all earlier ones, whether or not they succeeded. */
function serially(work) {
  const result = aptQueue.then(work);
  aptQueue = result.catch(() => undefined);
  return result;
}

export function aptInstall(recipe) {
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
export async function refreshAptLists(recipe) {
  if (process.getuid?.() === 0) return serially(aptUpdate);
  const known = spawnSync('apt-cache', ['show', 'prometheus'], { encoding: 'utf8' });
  if (known.status !== 0) throw new ToolError(`apt knows no such package; run: ${recipe.install}`);
}

function aptUpdate() {
  aptUpdated ??= runWithRetry(['apt-get', 'update', '-q'], { recipe: { name: 'apt' }, dir: os.tmpdir() });
  return aptUpdated;
}
