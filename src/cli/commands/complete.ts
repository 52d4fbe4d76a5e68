import type { Verb } from '../parse/command.ts';
import { candidates } from '../entry/completion.ts';

/** What the completion scripts call: `mlops __complete WORD... CURRENT` prints one candidate a line. */
export const verb: Verb = {
  name: '__complete',
  owner: 'mlops',
  hidden: true,
  summary: 'Answer a completion script',
  examples: [],
  passthrough: true,
  async run(input, terminal) {
    for (const candidate of await candidates(input.rest, terminal.cwd)) terminal.print(candidate);
  },
};
