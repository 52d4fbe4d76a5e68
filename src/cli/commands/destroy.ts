import { MlopsError } from '../../base/index.ts';
import { destroyedFiles, destroyProject } from '../../repo/setup/destroy.ts';
import { openDataRepo } from '../../repo/open/open-data-repo.ts';
import type { Command } from '../parse/command.ts';

const question =
  'This will destroy all information about your pipelines, all data files, as well as cache in .dvc/cache.\n' +
  'Are you sure you want to continue?';

export const verb: Command = {
  name: 'destroy',
  owner: 'dvc',
  summary: 'Make the project a plain folder again',
  description: 'Removes all DVC files and the cache inside of the project. The data in the workspace stays.',
  examples: [['mlops destroy -f', 'without asking']],
  flags: [
    { name: 'force', short: 'f', summary: 'do not ask' },
    { name: 'dry-run', ours: true, summary: 'only say what would be removed' },
  ],
  failure: 1,
  async run(input, terminal) {
    const repo = await openDataRepo(terminal.cwd, { waitForLock: terminal.waitForLock, signal: terminal.signal });
    if (input.on('dry-run')) {
      for (const file of destroyedFiles(repo)) terminal.print(`would remove ${file}`);
      repo.close();
      return 0;
    }
    if (input.on('force') || (await terminal.confirmAnywhere(question))) {
      destroyProject(repo);
      return 0;
    }
    repo.close();
    throw new MlopsError(
      'confirmation_needed',
      'failed to destroy DVC - cannot destroy without a confirmation from the user. Use `-f` to force.',
      { exit: 1 },
    );
  },
};
