import type { Verb } from '../parse/command.ts';
import type { VerbRow } from '../parse/verb-row.ts';
import { candidates } from '../session/completion.ts';

/** What the completion scripts call: `mlops __complete WORD... CURRENT` prints one candidate a line. */
export const completeVerb = (verbs: readonly VerbRow[]): Verb => ({
  name: '__complete',
  owner: 'mlops',
  hidden: true,
  summary: 'Answer a completion script',
  examples: [],
  passthrough: true,
  async run(input, terminal) {
    for (const candidate of await candidates(verbs, input.rest, terminal)) terminal.print(candidate);
  },
});
