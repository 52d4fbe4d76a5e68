import type { Command } from '../parse/command.ts';
import { envName } from '../parse/general-flags.ts';
import { version } from '../parse/version.ts';
import { argName, exitStatuses, flagName, flagSummary, usageOf } from './usage.ts';

/** A manual page in the man macros of roff, from the same description as the help. */
export function manPage(command: Command): string {
  const title = `mlops-${command.name.replaceAll(' ', '-')}`;
  const lines = [`.TH ${quoted(title.toUpperCase())} 1 "" ${quoted(`mlops ${version}`)} "mlops"`];
  lines.push('.SH NAME', `${text(title)} \\- ${text(command.summary)}`, '.SH SYNOPSIS', text(usageOf(command)));
  if (command.description !== undefined) {
    lines.push('.SH DESCRIPTION');
    for (const paragraph of command.description.split('\n')) lines.push('.PP', text(paragraph));
  }
  if (command.examples.length > 0) lines.push('.SH EXAMPLES');
  for (const [line, does] of command.examples) lines.push('.TP', `.B ${text(line)}`, text(does));
  const args = command.args ?? [];
  if (args.length > 0) lines.push('.SH ARGUMENTS');
  for (const arg of args) lines.push('.TP', `.B ${text(argName(arg))}`, text(arg.summary));
  const flags = (command.flags ?? []).filter((flag) => flag.hidden !== true);
  if (flags.length > 0) lines.push('.SH OPTIONS');
  for (const flag of flags) {
    lines.push('.TP', `.B ${text(flagName(flag).trim())}`, text(flagSummary(flag)), '.br');
    lines.push(text(`Environment: ${envName(command, flag)}`));
  }
  lines.push('.SH EXIT STATUS', text(exitStatuses(command)), '.SH SEE ALSO', '.BR mlops (1)');
  return `${lines.join('\n')}\n`;
}

/** The page of the program: its commands, each with a page of its own. */
export function mainManPage(commands: readonly Command[]): string {
  const lines = [`.TH "MLOPS" 1 "" ${quoted(`mlops ${version}`)} "mlops"`, '.SH NAME'];
  lines.push(
    'mlops \\- from git init to a monitored model in production',
    '.SH SYNOPSIS',
    'mlops [OPTIONS] COMMAND [ARGUMENTS]',
  );
  lines.push('.SH COMMANDS');
  for (const { name, summary } of commands) lines.push('.TP', `.B mlops ${text(name)}`, text(summary));
  return `${lines.join('\n')}\n`;
}

/** Of roff, backslashes and hyphens mean something everywhere, dots and quotes at the beginning of a line. */
function text(plain: string): string {
  const escaped = plain.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('’', "'");
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

function quoted(plain: string): string {
  return `"${text(plain).replaceAll('"', '""')}"`;
}
