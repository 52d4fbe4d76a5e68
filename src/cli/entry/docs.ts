import { errorCodes } from '../../base/index.ts';
import type { Command } from '../parse/command.ts';
import { argName, exitStatuses, flagName, flagSummary, usageOf } from './usage.ts';
import { verbs } from './verbs.ts';
import { groupTitles, type Group } from '../parse/verb-row.ts';

/** All commands of the program, loaded: for the docs, the completion and the tests. */
export async function loadCommands(): Promise<{ readonly group: Group; readonly commands: readonly Command[] }[]> {
  const rows = verbs.filter((row) => row.hidden !== true);
  return Promise.all(
    rows.map(async (row) => {
      const { verb } = await row.load();
      const commands = 'run' in verb ? [verb] : verb.commands;
      return { group: row.group, commands: commands.filter((command) => command.hidden !== true) };
    }),
  );
}

export { mainManPage, manPage } from './man.ts';

/** The text of docs/cli.md. */
export async function cliReference(): Promise<string> {
  const loaded = await loadCommands();
  const parts = ['# Commands', '', 'Made from the command table by `npm run docs`; do not edit by hand.', ''];
  for (const group of Object.keys(groupTitles) as Group[]) {
    const names = loaded.filter((entry) => entry.group === group).flatMap((entry) => entry.commands);
    const links = names.map(({ name }) => `[${name}](#mlops-${name.replaceAll(' ', '-')})`);
    if (links.length > 0) parts.push(`- **${groupTitles[group]}**: ${links.join(', ')}`);
  }
  parts.push('');
  for (const group of Object.keys(groupTitles) as Group[]) {
    const commands = loaded.filter((entry) => entry.group === group).flatMap((entry) => entry.commands);
    if (commands.length === 0) continue;
    parts.push(`## ${groupTitles[group]}`, '', ...commands.flatMap(commandSection));
  }
  return `${parts.join('\n').trimEnd()}\n`;
}

/** The text of docs/errors.md. */
export function errorReference(): string {
  const rows = Object.entries(errorCodes).map(
    ([code, entry]) => `| \`${code}\` | ${entry.exit} | ${entry.http} | \`${entry.mlflow}\` | ${entry.summary} |`,
  );
  return [
    '# Errors',
    '',
    'Made from the catalogue (`src/base/error-codes.ts`) by `npm run docs`; do not edit by hand.',
    '',
    'A verb that DVC has exits as DVC does instead: 251 bad configuration, 252 interrupted, 253 not a project,',
    '254 wrong usage, 255 anything else (1 for add, commit, push, pull, fetch, move and remove). A bug of ours exits with 70.',
    '',
    '| code | exit | HTTP | MLflow | meaning |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function commandSection(command: Command): string[] {
  const lines = [`### mlops ${command.name}`, '', `${command.summary}.`, '', '```', usageOf(command), '```', ''];
  if (command.description !== undefined) lines.push(command.description, '');
  if (command.examples.length > 0) lines.push(...command.examples.map(([line, does]) => `- \`${line}\`: ${does}`), '');
  const rows = [
    ...(command.args ?? []).map((arg): [string, string] => [argName(arg), arg.summary]),
    ...(command.flags ?? [])
      .filter((flag) => flag.hidden !== true)
      .map((flag): [string, string] => [flagName(flag).trim(), flagSummary(flag)]),
  ];
  if (rows.length > 0)
    lines.push('| | |', '|---|---|', ...rows.map(([name, does]) => `| \`${name}\` | ${escapeCell(does)} |`), '');
  lines.push(`Exit status: ${exitStatuses(command)}.`, '');
  return lines;
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
