import { installGitHooks } from '../../repo/setup/install.ts';
import type { Command } from '../parse/command.ts';

export const verb: Command = {
  name: 'install',
  owner: 'dvc',
  summary: 'Install Git hooks',
  description:
    'Before a commit Git then shows the status of data and pipelines, after a checkout it checks the data out, ' +
    'before a push it pushes the data.',
  examples: [['mlops install', 'write them into .git/hooks']],
  flags: [{ name: 'use-pre-commit-tool', summary: 'add them to .pre-commit-config.yaml instead' }],
  failure: 1,
  run(input, terminal) {
    installGitHooks(terminal.cwd, input.on('use-pre-commit-tool'));
    terminal.note('Git now runs status before a commit, checkout after a checkout and push before a push');
  },
};
