import { plural } from '../../base/index.ts';
import { unprotectTargets } from '../../repo/workspace/remove.ts';
import type { Command } from '../parse/command.ts';
import { withRepo } from '../session/data-session.ts';

export const verb: Command = {
  name: 'unprotect',
  owner: 'dvc',
  stream: true,
  summary: 'Turn links to the cache into files that can be edited',
  examples: [['mlops unprotect data/images', 'before changing files in place']],
  args: [{ name: 'targets', summary: 'tracked files and folders', variadic: true, completes: 'target' }],
  failure: 1,
  async run(input, terminal) {
    const options = { signal: terminal.signal, onProgress: terminal.progress };
    const count = await withRepo(terminal, async (repo) => unprotectTargets(repo, input.args, options));
    if (terminal.stderrIsTty) terminal.note(`${plural(count, 'link')} turned into plain files`);
  },
};
