import * as path from 'node:path';

import { findProjectRoot } from '../../project/index.ts';
import type { Command } from '../parse/command.ts';
import { say } from '../session/data-session.ts';

export const verb: Command = {
  name: 'root',
  owner: 'dvc',
  summary: 'Print the way from here to the top of the project',
  examples: [['cd "$(mlops root)"', 'go there']],
  run(_, terminal) {
    const relative = path.relative(terminal.cwd, findProjectRoot(terminal.cwd));
    say(terminal, relative === '' ? '.' : relative);
  },
};
