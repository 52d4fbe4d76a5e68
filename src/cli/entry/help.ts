import type { Command, Verb } from '../parse/command.ts';
import { envName, hasJson } from '../parse/general-flags.ts';
import type { Style } from '../terminal/terminal.ts';
import { argName, exitStatuses, flagName, flagSummary, usageOf } from './usage.ts';
import { verbs } from './verbs.ts';
import { groupTitles, type Group, type VerbRow } from '../parse/verb-row.ts';

const width = 80;

/** `mlops --help`: every verb, grouped by task, after the examples. */
export function mainHelp(style: Style): string {
  const visible = verbs.filter((row) => row.hidden !== true);
  const column = Math.max(0, ...visible.map((row) => row.name.length)) + 2;
  const lines = [
    'One command from `git init` to a monitored model in production.',
    '',
    style.bold('Examples'),
    ...examples(style),
    '',
  ];
  lines.push(`${style.bold('Usage')}  mlops [-q | -v] [--cd DIR] COMMAND [ARGUMENTS]`, '');
  for (const group of Object.keys(groupTitles) as Group[]) {
    const rows = visible.filter((row) => row.group === group);
    if (rows.length === 0) continue;
    lines.push(style.bold(groupTitles[group]));
    for (const row of rows) lines.push(...twoColumns(style.cyan(row.name.padEnd(column)), row.summary, column + 2));
    lines.push('');
  }
  lines.push(style.bold('Everywhere'), ...globalFlagLines(style), '', 'More about a command: mlops COMMAND --help');
  return `${lines.join('\n')}\n`;
}

/** What `mlops` alone says: the five commands that most people need first. */
export function shortHelp(style: Style): string {
  const common = ['init', 'add', 'repro', 'push', 'serve'];
  const rows = common
    .map((name) => verbs.find((row) => row.name === name))
    .filter((row): row is VerbRow => row !== undefined);
  const lines = ['One command from `git init` to a monitored model in production.', '', style.bold('Common commands')];
  for (const row of rows) lines.push(`  ${style.cyan(row.name.padEnd(8))}${row.summary}`);
  lines.push('', 'Watch the whole way in a minute:  mlops demo', 'See every command:                mlops --help');
  return `${lines.join('\n')}\n`;
}

/** Help of one command: what it does, examples first, then arguments, flags and exit statuses. */
export function commandHelp(command: Command, style: Style): string {
  const [title = '', ...others] = wrap(`mlops ${command.name}: ${lowerFirst(command.summary)}`, width);
  const lines = [title.replace(`mlops ${command.name}`, (name) => style.bold(name)), ...others, ''];
  if (command.examples.length > 0) {
    lines.push(style.bold('Examples'));
    for (const [line, does] of command.examples) lines.push(`  ${style.cyan(line)}`, `      ${does}`);
    lines.push('');
  }
  lines.push(`${style.bold('Usage')}  ${usageOf(command)}`, '');
  if (command.description !== undefined)
    lines.push(...command.description.split('\n').flatMap((line) => wrap(line, width)), '');
  if ((command.aliases ?? []).length > 0) lines.push(`Also spelled: ${(command.aliases ?? []).join(', ')}`, '');
  lines.push(
    ...section(
      'Arguments',
      (command.args ?? []).map((arg): [string, string] => [argName(arg), arg.summary]),
      style,
    ),
  );
  const flags = (command.flags ?? []).filter((flag) => flag.hidden !== true);
  lines.push(
    ...section(
      'Flags',
      flags.map((flag): [string, string] => [flagName(flag), flagSummary(flag)]),
      style,
    ),
  );
  lines.push(style.bold('Everywhere'), ...globalFlagLines(style, command), '');
  lines.push(`${style.bold('Exit status')}  ${exitStatuses(command)}`);
  return `${lines.join('\n')}\n`;
}

/** What `-h` says: how to call the command and its flags, on one screen where that can be. */
export function commandShortHelp(command: Command, style: Style): string {
  const lines = [...wrap(`mlops ${command.name}: ${lowerFirst(command.summary)}`, width), ''];
  lines.push(`${style.bold('Usage')}  ${usageOf(command)}`, '');
  for (const [line] of command.examples.slice(0, 2)) lines.push(`  ${style.cyan(line)}`);
  if (command.examples.length > 0) lines.push('');
  const flags = (command.flags ?? []).filter((flag) => flag.hidden !== true);
  const rows = flags.map((flag): [string, string] => [flagName(flag), flag.summary]);
  lines.push(...section('Flags', rows, style), `All about it: mlops ${command.name} --help`);
  return `${lines.join('\n')}\n`;
}

/** Help of a word with sub-commands (`mlops remote --help`). */
export function verbHelp(verb: Verb, style: Style): string {
  if ('run' in verb) return commandHelp(verb, style);
  const visible = verb.commands.filter((command) => command.hidden !== true);
  const column = Math.max(...visible.map((command) => command.name.length)) + 2;
  const lines = [`${style.bold(`mlops ${verb.name}`)}: ${lowerFirst(verb.summary)}`, '', style.bold('Commands')];
  for (const command of visible)
    lines.push(...twoColumns(style.cyan(command.name.padEnd(column)), command.summary, column + 2));
  lines.push('', `More about one: mlops ${visible[0]?.name ?? verb.name} --help`);
  return `${lines.join('\n')}\n`;
}

const globalFlags: readonly (readonly [string, string])[] = [
  ['-q, --quiet', 'say only what went wrong'],
  ['-v, --verbose', 'say more; -vv says even more'],
  ['    --yes', 'answer every question with yes'],
  ['    --no-input', 'ask nothing'],
  ['    --cd DIR', 'work in DIR (before the command)'],
  ['    --no-color', 'no colours; NO_COLOR does the same'],
  ['    --debug', 'show the stack of an error'],
  ['    --no-pager', 'print long tables as they are'],
  ['-h, --help', 'this help; -h is shorter'],
];

function globalFlagLines(style: Style, command?: Command): string[] {
  const rows = globalFlags.map(([flag, does]): readonly [string, string] => {
    const isHelp = flag.includes('--help');
    const takesHost = command?.flags?.some(({ short }) => short === 'h') === true;
    return isHelp && takesHost ? ['    --help', 'this help; -h is --host here, as in MLflow'] : [flag, does];
  });
  if (command !== undefined && hasJson(command)) rows.unshift(...jsonRows);
  const example = (command?.flags ?? []).find(({ hidden }) => hidden !== true);
  const lines = rows.map(([flag, does]) => `  ${style.cyan(flag.padEnd(17))}${does}`);
  if (command !== undefined && example !== undefined)
    lines.push(
      ...wrap(`--${example.name} is also ${envName(command, example)}=, and so on`, width - 2).map(
        (line) => `  ${line}`,
      ),
    );
  return lines;
}

const jsonRows: readonly (readonly [string, string])[] = [
  ['    --fields a,b', 'of the JSON, only these fields'],
  ['    --jq PATH', "of the JSON, what is at PATH, as jq writes it: '.[].name'"],
];

function examples(style: Style): string[] {
  return [
    ['mlops demo', 'watch the whole way, from data to a served model'],
    ['mlops init', 'make this Git repository a project'],
    ['mlops add data/images', 'put data under version control'],
    ['mlops repro', 'run what changed in dvc.yaml, and record it'],
    ['mlops serve models:/NAME/Production', 'answer predictions'],
  ].map(([line, does]) => `  ${style.cyan((line ?? '').padEnd(38))}${does}`);
}

function section(title: string, rows: readonly (readonly [string, string])[], style: Style): string[] {
  if (rows.length === 0) return [];
  const column = Math.min(28, Math.max(...rows.map(([name]) => name.length)) + 2);
  const lines = rows.flatMap(([name, summary]) => {
    if (name.length <= column - 2) return twoColumns(style.cyan(name.padEnd(column)), summary, column + 2);
    return [`  ${style.cyan(name)}`, ...wrap(summary, width - column - 2).map((line) => ' '.repeat(column + 2) + line)];
  });
  return [style.bold(title), ...lines, ''];
}

/** A name (padded, maybe coloured) and its text, wrapped and aligned at `column`. */
function twoColumns(name: string, text: string, column: number): string[] {
  const [first = '', ...others] = wrap(text, width - column);
  return [`  ${name}${first}`, ...others.map((line) => ' '.repeat(column) + line)];
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z ]/.test(text) ? text[0]?.toLowerCase() + text.slice(1) : text;
}
