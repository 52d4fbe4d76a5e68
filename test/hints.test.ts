import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { verbs } from '../src/cli/entry/verbs.ts';
import type { Command } from '../src/cli/parse/command.ts';
import { allFlags } from '../src/cli/parse/general-flags.ts';
import { root } from './cli.ts';

const commands = new Map<string, Command>();
for (const row of verbs) {
  const { verb } = await row.load();
  for (const command of 'run' in verb ? [verb] : verb.commands) {
    for (const name of [row.name, ...(row.aliases ?? [])]) commands.set(command.name.replace(row.name, name), command);
  }
}
const words = new Set(verbs.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]));
const everywhere = new Set(
  '-q --quiet -v -vv --verbose --yes --no-input --no-pager --no-color --debug --cd -h --help --version'.split(' '),
);

/** What is wrong with a command line that somebody is told to type; undefined when it is fine. */
function faultOf(line: string): string | undefined {
  const given = line.trim().split(/\s+/);
  const [verb = ''] = given;
  if (verb === 'help' || /^[A-Z.<…]/.test(verb) || verb.startsWith('--')) return undefined;
  if (!words.has(verb)) return `there is no verb '${verb}'`;
  const name = [3, 2, 1].map((count) => given.slice(0, count).join(' ')).find((candidate) => commands.has(candidate));
  const command = commands.get(name ?? '');
  const flags = given.filter((word) => /^--?[a-z]/.test(word)).map((word) => word.replace(/[=,;:).]+.*$/, ''));
  if (command === undefined) {
    const isGroup = [...commands.keys()].some((other) => other.startsWith(`${verb} `));
    return isGroup && flags.every((flag) => everywhere.has(flag)) ? undefined : `there is no command '${line}'`;
  }
  if (command.passthrough === true || command.rawTail === true) return undefined;
  const known = new Set(
    allFlags(command).flatMap(({ name: flag, short, aliases, negatable }) => [
      `--${flag}`,
      ...(aliases ?? []).map((alias) => `--${alias}`),
      ...(short === undefined ? [] : [`-${short}`]),
      ...(negatable === true ? [`--no-${flag}`] : []),
    ]),
  );
  const unknown = flags.filter((flag) => !known.has(flag) && !everywhere.has(flag));
  return unknown.length === 0 ? undefined : `\`mlops ${command.name}\` has no ${unknown.join(', ')}`;
}

/** Every command line that the program or its documents name in code: `mlops ...` in backquotes, and whole hints. */
function linesIn(text: string): string[] {
  const quoted = [...text.matchAll(/\\?`mlops ([^`\n]{1,200}?)\\?`/g)].map((match) => match[1] ?? '');
  const hints = [...text.matchAll(/(?:hint: |next\(|\?\? |: )'(?:[a-z ]{0,30}: )?mlops ([^'\n]{1,200})'/g)].map(
    (match) => match[1] ?? '',
  );
  // Behind a comma or a bracket the sentence goes on.
  return [...quoted, ...hints].map((line) => line.replaceAll(/\$\{[^}]*\}/g, 'X').replace(/[,;:] [^]*| \([^]*/, ''));
}

const sources = fs
  .readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => path.join('src', file));
const pages = [
  'README.md',
  'CHANGELOG.md',
  ...fs.readdirSync(path.join(root, 'docs')).map((name) => `docs/${name}`),
].filter((file) => file.endsWith('.md'));

describe('what people are told to type', () => {
  it('was seen, and a fault would be told', () => {
    const all = sources.flatMap((file) => linesIn(fs.readFileSync(path.join(root, file), 'utf8')));
    expect(all.length).toBeGreaterThan(120);
    expect(faultOf('models delete x --force')).toBe('`mlops models delete` has no --force');
    expect(faultOf('modls list')).toBe("there is no verb 'modls'");
    expect(faultOf('models lst --x')).toBe("there is no command 'models lst --x'");
    expect(faultOf('push -r NAME')).toBeUndefined();
  });

  it.each([...sources, ...pages])('%s names only commands and flags that there are', (file) => {
    const lines = linesIn(fs.readFileSync(path.join(root, file), 'utf8'));
    const faults = lines.flatMap((line) => {
      const fault = faultOf(line);
      return fault === undefined ? [] : [`mlops ${line}: ${fault}`];
    });
    expect(faults).toEqual([]);
  });

  it('names mlops, not dvc, in every hint', () => {
    const wrong = sources.flatMap((file) =>
      [...fs.readFileSync(path.join(root, file), 'utf8').matchAll(/hint: [`'"]([^\n]*)/g)]
        .map((match) => match[1] ?? '')
        .filter((hint) =>
          /\bdvc (?:add|push|pull|remote|config|repro|checkout|commit|gc|init|status|stage|exp)\b/.test(hint),
        )
        .map((hint) => `${file}: ${hint}`),
    );
    expect(wrong).toEqual([]);
  });
});
