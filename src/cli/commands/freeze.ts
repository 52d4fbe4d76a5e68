import { setFrozen } from '../../repo/pipeline/freeze.ts';
import type { Command } from '../parse/command.ts';
import { say, withRepo } from '../session/data-session.ts';

export const verb: Command = freezeCommand('freeze');

/** `freeze` and `unfreeze` differ in a word. */
export function freezeCommand(name: 'freeze' | 'unfreeze'): Command {
  const frozen = name === 'freeze';
  return {
    name,
    owner: 'dvc',
    summary: frozen ? 'Keep stages from running when their deps change' : 'Let frozen stages run again',
    examples: [[`mlops ${name} train`, frozen ? 'train is not run by repro any more' : 'train is run by repro again']],
    args: [{ name: 'targets', summary: 'stages or .dvc files', variadic: true, completes: 'stage' }],
    failure: 1,
    run: (input, terminal) =>
      withRepo(terminal, async (repo) => {
        const report = setFrozen(repo, input.args, frozen);
        for (const { name: stage, file } of report.modified) say(terminal, `Modifying stage '${stage}' in '${file}'`);
      }),
  };
}
