import * as fs from 'node:fs';
import * as path from 'node:path';

import { lockFileOf } from '../../project/index.ts';
import { unprotect } from '../../data/index.ts';
import type { DataRepo } from '../open/data-repo.ts';

/**
 * Makes a project a plain folder again: links to the cache become files, then all `.dvc`, `dvc.yaml` and
 * `dvc.lock` files, `.dvcignore`, `.dvc` with its cache and our `.mlops` are removed. The data stays.
 * Closes the project.
 */
export function destroyProject(repo: DataRepo): void {
  const files = destroyedFiles(repo);
  for (const stage of repo.stages()) {
    for (const out of stage.outs) {
      const target = out.path === undefined ? undefined : path.join(repo.root, out.path);
      if (out.cache && target !== undefined && fs.existsSync(target)) unprotect(repo.data, target);
    }
  }
  repo.close();
  for (const file of files) fs.rmSync(path.join(repo.root, file), { recursive: true, force: true });
}

/** What `destroyProject` removes, relative to the project, as far as it is there. */
export function destroyedFiles(repo: DataRepo): string[] {
  const files = new Set<string>();
  for (const stage of repo.stages()) {
    files.add(stage.file);
    if (stage.kind === 'pipeline') files.add(lockFileOf(stage.file));
  }
  const state = path.relative(repo.root, repo.stateDir);
  return [...files, '.dvcignore', '.dvc', state].filter((file) => fs.existsSync(path.join(repo.root, file)));
}
