import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import { requireGitRoot, runGit, snapshotCommit } from '../../git/index.ts';
import { applyOverrides } from '../../repo/experiments/experiment-overrides.ts';
import { privateFolder, privateSubfolder } from '../../trust/index.ts';
import { readSpace, type FullTrial, type StudySpec } from '../../tune/index.ts';
import { settingsOf } from './open-tune.ts';
import { overridesOf, paramPlaces } from './trial-params.ts';

export interface Applied {
  /** Files that were written, relative to the project. */
  readonly files: readonly string[];
  readonly branch: string | undefined;
}

/**
 * Writes the params of a trial into the params files, whose comments stay; or into a new branch, and leaves the
 * workspace as it is.
 *
 * @throws MlopsError `bad_params`, `usage` for a branch that is there.
 */
export function applyTrial(
  root: string,
  spec: StudySpec,
  trial: FullTrial,
  options: { readonly branch?: string | undefined; readonly dry?: boolean },
): Applied {
  const { branch } = options;
  const overrides = overridesOf(paramPlaces(root, settingsOf(spec), readSpace(spec.space)), trial.params);
  const files = [...new Set(overrides.map(({ file }) => file))];
  if (files.length === 0) {
    throw new MlopsError('bad_params', 'the parameters of this study are in no file', {
      hint: 'the command took them from its arguments: see `mlops tune best`',
    });
  }
  if (options.dry === true) return { files, branch };
  if (branch === undefined) {
    applyOverrides(root, overrides);
    return { files, branch };
  }
  const gitRoot = requireGitRoot(root);
  if (runGit(gitRoot, ['rev-parse', '-q', '--verify', `refs/heads/${branch}`], { accept: [0, 1] }).status === 0) {
    throw new MlopsError('usage', `there is a branch '${branch}' already`, { hint: 'give another name' });
  }
  const applied = applyOverrides(root, overrides);
  try {
    const commit = snapshotCommit(gitRoot, {
      parent: 'HEAD',
      message: `Params of trial ${trial.number}`,
      add: files.map((file) => path.join(root, file)),
      tempDir: privateSubfolder(privateFolder(root), 'tmp', { make: true }),
    });
    runGit(gitRoot, ['branch', branch, commit]);
  } finally {
    applied.undo();
  }
  return { files, branch };
}
