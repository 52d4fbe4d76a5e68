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
  const files = new Set<string>();
  for (const stage of repo.stages()) {
    for (const out of stage.outs) {
      const target = out.path === undefined ? undefined : path.join(repo.root, out.path);
      if (out.cache && target !== undefined && fs.existsSync(target)) unprotect(repo.data, target);
    }
    files.add(stage.file);
    if (stage.kind === 'pipeline') files.add(lockFileOf(stage.file));
  }
  repo.close();
  for (const file of [...files, '.dvcignore']) fs.rmSync(path.join(repo.root, file), { force: true });
  fs.rmSync(path.join(repo.root, '.dvc'), { recursive: true, force: true });
  fs.rmSync(repo.stateDir, { recursive: true, force: true });
}
