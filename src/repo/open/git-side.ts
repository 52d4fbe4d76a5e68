import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import { addToGitignore, removeFromGitignore, stageFiles, trackedByGit } from '../../git/index.ts';
import type { DataRepo } from './data-repo.ts';

/**
 * What a command leaves for the user to `git add`: files relative to where the command was given. With
 * `core.autostage` they are staged at the end.
 */
export interface GitSide {
  /** Notes a file of the project (absolute path). */
  changed(file: string): void;
  /** Makes Git ignore these outputs. @throws MlopsError `git_tracked` when Git tracks one. */
  ignore(targets: readonly string[]): void;
  /** @throws MlopsError `git_tracked` when Git tracks one of them. */
  refuseTracked(targets: readonly string[]): void;
  unignore(targets: readonly string[]): void;
  /** Takes back the ignore lines that were added here, after a failure. */
  rollBack(): void;
  /** Stages what changed when the project wants that. @returns the files that the user should add. */
  finish(): string[];
}

export function gitSide(repo: DataRepo): GitSide {
  const files = new Set<string>();
  const ignored: string[] = [];
  const { gitRoot } = repo;
  const refuseTracked = (targets: readonly string[]): void => {
    const [tracked] = gitRoot === undefined ? [] : trackedByGit(gitRoot, targets);
    if (tracked !== undefined) throw alreadyTracked(path.relative(repo.cwd, path.resolve(gitRoot ?? '', tracked)));
  };
  return {
    changed: (file) => void files.add(file),
    refuseTracked,
    ignore(targets) {
      if (gitRoot === undefined || targets.length === 0) return;
      refuseTracked(targets);
      // Git never finds a name covered that ends in a space.
      const fresh = targets.filter((target) => !ignored.includes(target));
      const { files: edited, added } = addToGitignore(gitRoot, fresh);
      ignored.push(...added);
      for (const file of edited) files.add(file);
    },
    unignore(targets) {
      if (gitRoot === undefined || targets.length === 0) return;
      for (const file of removeFromGitignore(gitRoot, targets)) files.add(file);
    },
    rollBack() {
      if (gitRoot !== undefined && ignored.length > 0) removeFromGitignore(gitRoot, ignored);
    },
    finish() {
      if (gitRoot === undefined || files.size === 0) return [];
      if (repo.autostage) {
        stageFiles(gitRoot, [...files]);
        return [];
      }
      return [...files].map((file) => path.relative(repo.cwd, file));
    },
  };
}

function alreadyTracked(shown: string): MlopsError {
  return new MlopsError(
    'git_tracked',
    ` output '${shown}' is already tracked by SCM (e.g. Git).
    You can remove it from Git, then add to DVC.
        To stop tracking from Git:
            git rm -r --cached '${shown}'
            git commit -m "stop tracking ${shown}" `,
  );
}
