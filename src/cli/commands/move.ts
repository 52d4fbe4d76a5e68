import { move } from '../../repo/workspace/move.ts';
import type { Command } from '../parse/command.ts';
import { sayGitAdd, withRepo } from '../session/data-session.ts';

export const verb: Command = {
  name: 'move',
  aliases: ['mv'],
  owner: 'dvc',
  summary: 'Rename a tracked file or folder',
  examples: [['mlops move data/raw.csv data/2024.csv', 'with its .dvc file and ignore line']],
  args: [
    { name: 'src', summary: 'tracked file or folder', completes: 'path' },
    { name: 'dst', summary: 'new name, or a folder to move into', completes: 'path' },
  ],
  failure: 1,
  async run(input, terminal) {
    const [source = '', target = ''] = input.args;
    sayGitAdd(terminal, await withRepo(terminal, async (repo) => move(repo, source, target)));
  },
};
