import { commit } from '../../repo/workspace/commit.ts';
import type { Command } from '../parse/command.ts';
import { say, selectionFlags, targetsArg, withRepo } from '../session/data-session.ts';

export const verb: Command = {
  name: 'commit',
  owner: 'dvc',
  stream: true,
  summary: 'Accept what is in the workspace as the new truth',
  description:
    'Puts changed content into the cache and its hashes into .dvc files and dvc.lock, without running anything.',
  examples: [
    ['mlops commit data/images.dvc', 'after files of a folder were changed'],
    ['mlops commit -f train', 'take outputs made by hand as those of a stage'],
  ],
  args: [targetsArg],
  flags: [
    { name: 'force', short: 'f', summary: 'without asking' },
    ...selectionFlags,
    { name: 'no-relink', summary: 'leave workspace files as they are' },
  ],
  failure: 1,
  async run(input, terminal) {
    const said = new Set<string>();
    const sayOnce = (line: string): void => {
      if (!said.has(line)) say(terminal, line);
      said.add(line);
    };
    await withRepo(terminal, (repo) =>
      commit(repo, {
        targets: input.args,
        force: input.on('force'),
        withDeps: input.on('with-deps'),
        recursive: input.on('recursive'),
        relink: !input.on('no-relink'),
        confirm: (question) => terminal.confirm(question),
        onLock: ({ file, generated, updated }) => {
          if (generated) sayOnce(`Generating lock file '${repo.display(file)}'`);
          if (updated) sayOnce(`Updating lock file '${repo.display(file)}'`);
        },
        onWarning: (message) => terminal.warn(message),
        signal: terminal.signal,
        onProgress: terminal.progress,
      }),
    );
  },
};
