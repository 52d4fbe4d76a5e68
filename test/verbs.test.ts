import { describe, expect, it } from 'vitest';

import type { Command } from '../src/cli/parse/command.ts';
import { cliReference, loadCommands } from '../src/cli/entry/docs.ts';
import { commandHelp, mainHelp } from '../src/cli/entry/help.ts';
import { plainStyle } from '../src/cli/terminal/style.ts';
import { verbs } from '../src/cli/entry/verbs.ts';

/** Every top-level word of dvc 3.67; where we have one of them, its flags, texts and exit codes are DVC's. */
const dvcVerbs = new Set(
  `add artifacts cache check-ignore checkout commit completion config daemon dag data dataset destroy diff doctor
   du exp experiments fetch freeze gc get get-url git-hook import import-db import-url init install list list-url ls
   ls-url machine metrics move mv params plots pull push queue remote remove repro rm root stage status studio
   unfreeze unprotect update version`.split(/\s+/),
);

/** Every top-level word of mlflow 3.17. */
const mlflowVerbs = new Set(
  `agent ai-commands artifacts autolog crypto datasets db deployments doctor experiments gateway gc mcp
   migrate-filestore models run runs sagemaker scorers server skills traces ui`.split(/\s+/),
);

/** Words that both tools have, or that we use otherwise than their owner: declared, with who wins. */
const declared: Readonly<Record<string, 'dvc' | 'mlflow' | 'mlops'>> = {
  artifacts: 'dvc',
  doctor: 'mlops',
  version: 'dvc',
  experiments: 'mlops',
  gc: 'dvc',
  models: 'mlops',
  runs: 'mlops',
  run: 'mlops',
  completion: 'mlops',
  server: 'mlflow',
  ui: 'mlflow',
};

const loaded = (await loadCommands()).flatMap((entry) => entry.commands);
const all = loaded.map((command): [string, Command] => [command.name, command]);

describe('the verbs', () => {
  it('were seen', () => {
    expect(verbs.length).toBeGreaterThan(40);
    expect(all.length).toBeGreaterThan(70);
    expect(dvcVerbs.size + mlflowVerbs.size).toBeGreaterThan(60);
  });

  it("keep their owners: DVC's words are DVC's unless declared otherwise", () => {
    const wrong = loaded.filter((command) => {
      const word = command.name.split(' ')[0] ?? '';
      const owner = declared[word] ?? (dvcVerbs.has(word) ? 'dvc' : mlflowVerbs.has(word) ? 'mlflow' : 'mlops');
      return command.owner !== owner;
    });
    expect(wrong.map((command) => `${command.name}: ${command.owner}`)).toEqual([]);
  });

  it('have a row with the name and the summary of what it loads', async () => {
    for (const row of verbs) {
      const { verb } = await row.load();
      expect(verb.name).toBe(row.name);
      expect(verb.summary).toBe(row.summary);
      if ('commands' in verb)
        for (const command of verb.commands) expect(`${command.name} `).toMatch(new RegExp(`^${verb.name} `));
    }
  });

  it('have distinct names', () => {
    const names = all.map(([name]) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(all)('%s describes itself: summary, examples, distinct flags', (name, command) => {
    expect(command.summary).toMatch(/^[A-Z].*[^.]$/);
    expect(command.summary.length).toBeLessThanOrEqual(84);
    expect(command.examples.length).toBeGreaterThan(0);
    const words = [name.split(' ')[0] ?? '', ...(command.aliases ?? [])];
    for (const [line] of command.examples)
      expect(
        words.some((word) => line.includes(word)),
        line,
      ).toBe(true);
    const flags = (command.flags ?? []).flatMap((flag) => [flag.name, ...(flag.aliases ?? [])]);
    expect(new Set(flags).size).toBe(flags.length);
    const letters = (command.flags ?? []).flatMap((flag) => (flag.short === undefined ? [] : [flag.short]));
    expect(new Set(letters).size).toBe(letters.length);
    expect(letters.filter((letter) => 'qv'.includes(letter))).toEqual([]);
  });

  it.each(all)('%s has help that fits 80 columns', (_, command) => {
    const long = commandHelp(command, plainStyle)
      .split('\n')
      .filter((line) => line.length > 80 && !/^ {2}mlops |^Usage|^Exit/.test(line));
    expect(long).toEqual([]);
  });

  it('have --json on everything that lists or shows', () => {
    const reading = loaded.filter(
      (command) => command.owner === 'mlops' && /\b(list|show|search|compare|status|history|why)$/.test(command.name),
    );
    expect(reading.length).toBeGreaterThan(5);
    const without = reading.filter((command) => (command.flags ?? []).every((flag) => flag.name !== 'json'));
    expect(without.map((command) => command.name)).toEqual([]);
  });

  it('all stand in the help and in the reference', async () => {
    const help = mainHelp(plainStyle);
    const reference = await cliReference();
    for (const row of verbs.filter((candidate) => candidate.hidden !== true)) expect(help).toContain(`  ${row.name} `);
    for (const [name] of all) expect(reference).toContain(`### mlops ${name}\n`);
  });
});
