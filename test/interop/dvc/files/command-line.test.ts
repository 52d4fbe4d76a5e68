import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it } from 'vitest';

import { verbs } from '../../../../src/cli/entry/verbs.ts';
import { absentFlag, absentFromDvc } from '../../../../src/cli/parse/absent.ts';
import type { Command } from '../../../../src/cli/parse/command.ts';
import { allFlags } from '../../../../src/cli/parse/general-flags.ts';
import { root } from '../../../cli.ts';
import { describeWithTool } from '../../../tools.ts';

const dump = `
import argparse, json
from dvc.cli.parser import get_main_parser
found = {}
def walk(parser, words):
    subs = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if words and not subs:
        found[' '.join(words)] = [option for action in parser._actions for option in action.option_strings]
    for sub in subs:
        for name, other in sub.choices.items():
            walk(other, words + [name])
walk(get_main_parser(), [])
print(json.dumps(found))
`;

const general = ['-h', '--help', '-q', '--quiet', '-v', '--verbose'];

async function ourCommands(): Promise<Map<string, Command>> {
  const found = new Map<string, Command>();
  for (const row of verbs) {
    const { verb } = await row.load();
    for (const command of 'run' in verb ? [verb] : verb.commands) {
      for (const word of [row.name, ...(row.aliases ?? [])]) {
        const name = command.name.replace(row.name, word);
        found.set(name, command);
        const parts = name.split(' ');
        if (parts.length > 1)
          for (const alias of command.aliases ?? [])
            found.set([...parts.slice(0, -1), alias.split(' ').at(-1)].join(' '), command);
      }
    }
  }
  return found;
}

describeWithTool('dvc', 'the command line', ({ dvc }) => {
  it("has every verb and flag of DVC's, or says what to do instead, here and in docs/from-dvc.md", async () => {
    const text = execFileSync(path.join(path.dirname(dvc), 'python'), ['-c', dump], { encoding: 'utf8' });
    const theirs = JSON.parse(text) as Record<string, string[]>;
    expect(Object.keys(theirs).length).toBeGreaterThan(70);
    const ours = await ourCommands();
    const page = fs.readFileSync(path.join(root, 'docs/from-dvc.md'), 'utf8');
    const faults: string[] = [];
    for (const [name, options] of Object.entries(theirs)) {
      // Of the long form of `exp` some words are those of the tracking store; docs/from-dvc.md says so.
      if (name.startsWith('experiments ')) continue;
      const command = ours.get(name);
      if (command === undefined) {
        const known = [name, name.split(' ')[0] ?? ''].find((word) => absentFromDvc[word] !== undefined);
        if (known === undefined || !page.includes(`\`${known}\``)) faults.push(name);
        continue;
      }
      const flags = allFlags(command).flatMap((flag) => [
        `--${flag.name}`,
        ...(flag.short === undefined ? [] : [`-${flag.short}`]),
        ...(flag.aliases ?? []).map((alias) => `--${alias}`),
        ...(flag.negatable === true ? [`--no-${flag.name}`] : []),
      ]);
      for (const option of options) {
        if (flags.includes(option) || general.includes(option)) continue;
        const told = absentFlag(command.name, option) !== undefined && page.includes(option);
        if (!told) faults.push(`${name} ${option}`);
      }
    }
    expect(faults).toEqual([]);
  });
});
