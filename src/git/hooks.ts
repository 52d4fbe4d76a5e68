import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../base/index.ts';
import { gitText, runGit } from './run.ts';

/**
 * Writes executable hook scripts into the repository's hook folder (`core.hooksPath` is honoured).
 * Nothing is written when one of them exists already.
 *
 * @param scripts name of the hook to the shell line it runs.
 * @throws MlopsError `git_failed` for a hook that is there.
 */
export function installHooks(root: string, scripts: Readonly<Record<string, string>>): void {
  const folder = path.resolve(root, gitText(root, ['rev-parse', '--git-path', 'hooks']));
  for (const name of Object.keys(scripts)) {
    if (!fs.existsSync(path.join(folder, name))) continue;
    throw new MlopsError('git_failed', `Hook '${name}' already exists.`, {
      hint: `move '${path.join(folder, name)}' away, or add the line '${scripts[name]}' to it`,
    });
  }
  fs.mkdirSync(folder, { recursive: true });
  for (const [name, line] of Object.entries(scripts)) {
    const file = path.join(folder, name);
    fs.writeFileSync(file, `#!/bin/sh\n${line}\n`);
    fs.chmodSync(file, 0o755);
  }
}

/** Registers a merge driver in the repository's own configuration. */
export function installMergeDriver(root: string, name: string, description: string, driver: string): void {
  runGit(root, ['config', `merge.${name}.name`, description]);
  runGit(root, ['config', `merge.${name}.driver`, driver]);
}
