import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import { tryFindProject } from '../../project/index.ts';
import type { ArgSpec, Command, Verb } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { withRepo } from '../session/data-session.ts';

const args: readonly ArgSpec[] = [
  { name: 'args', summary: 'what Git gives to its hook', optional: true, variadic: true },
];

const preCommit: Command = {
  name: 'git-hook pre-commit',
  owner: 'dvc',
  summary: 'Show the status before a commit',
  examples: [],
  args,
  run: (_, terminal) => runVerb(terminal, 'status'),
};

const postCheckout: Command = {
  name: 'git-hook post-checkout',
  owner: 'dvc',
  summary: 'Check the data out after a checkout',
  examples: [],
  args,
  run(input, terminal) {
    const flag = terminal.env['PRE_COMMIT_CHECKOUT_TYPE'] ?? input.args[2];
    // Only for branches and revisions, not for single files, and never in the middle of a rebase.
    if (flag !== '1' || fs.existsSync(path.join(terminal.cwd, '.git', 'rebase-merge'))) return 0;
    return runVerb(terminal, 'checkout');
  },
};

const prePush: Command = {
  name: 'git-hook pre-push',
  owner: 'dvc',
  summary: 'Push the data before a push',
  examples: [],
  args,
  run: (_, terminal) => runVerb(terminal, 'push'),
};

const mergeDriver: Command = {
  name: 'git-hook merge-driver',
  owner: 'dvc',
  summary: 'Merge two versions of a .dvc file',
  examples: [],
  flags: [
    { name: 'ancestor', value: 'FILE', summary: 'the common ancestor' },
    { name: 'our', value: 'FILE', summary: 'our version; gets the result' },
    { name: 'their', value: 'FILE', summary: 'their version' },
  ],
  failure: 1,
  async run(input, terminal) {
    const { mergeDvcFiles } = await import('../../repo/setup/merge-driver.ts');
    const lacking = ['ancestor', 'our', 'their'].filter((flag) => !input.given(flag));
    if (lacking.length > 0) {
      const names = lacking.map((flag) => `--${flag}`).join(', ');
      throw new MlopsError('usage', `the following arguments are required: ${names}`, { exit: 254 });
    }
    const file = (flag: string): string => path.resolve(terminal.cwd, input.text(flag) ?? '');
    await withRepo(terminal, async (repo) => {
      mergeDvcFiles(repo, { ancestor: file('ancestor'), our: file('our'), their: file('their') });
      return Promise.resolve();
    });
  },
};

export const verb: Verb = {
  name: 'git-hook',
  summary: 'Run by the Git hooks that `install` writes',
  commands: [preCommit, postCheckout, prePush, mergeDriver],
};

/** Runs another verb of this program; outside of a project there is nothing to do. */
function runVerb(terminal: Terminal, name: string): number {
  if (tryFindProject(terminal.cwd) === undefined) return 0;
  const program = process.argv[1] ?? '';
  const result = spawnSync(process.execPath, [program, name], { cwd: terminal.cwd, stdio: 'inherit' });
  return result.status ?? 255;
}
