import { explainSystemError, isMlopsError, messageOf, type MlopsError } from '../../base/index.ts';
import type { Command } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { bugExitStatus, exitStatusOf } from '../parse/exit-status.ts';
import { version } from '../parse/version.ts';

/**
 * Tells a person what went wrong, on stderr: what, where, why, and what to do next. An error that is not
 * in the catalogue is a bug of ours: its stack is in a file, or shown by --debug. Returns the exit status.
 */
export async function reportError(
  thrown: unknown,
  command: Command | undefined,
  terminal: Terminal,
  status: number,
): Promise<number> {
  terminal.clearProgress();
  const error = explainSystemError(thrown);
  if (!isMlopsError(error)) return reportBug(error, command, terminal);
  const wanted = error === thrown ? status : exitStatusOf(error, command);
  for (const line of describe(error, command, terminal)) terminal.error(line);
  return wanted;
}

function describe(error: MlopsError, command: Command | undefined, terminal: Terminal): string[] {
  const { style, asDvc } = terminal;
  const lines = [isReport(error) ? error.message : `${style.red('ERROR')}: ${causeOf(error, command)}${error.message}`];
  if (error.where !== undefined) lines.push(`  at ${error.where}`);
  const hint = hintOf(error, command);
  if (hint !== undefined) lines.push(`${style.cyan('hint')}: ${asDvc ? asDvcSaysIt(hint) : hint}`);
  if (error.code === 'usage' && command !== undefined)
    lines.push(`${style.cyan('usage')}: see \`${asDvc ? 'dvc' : 'mlops'} ${command.name} --help\``);
  // A hint too: who compares what DVC would say leaves hints out.
  if (!asDvc) lines.push(style.dim(`hint: \`mlops explain ${error.code}\` tells more`));
  if (terminal.debug) lines.push(style.dim(error.stack ?? ''));
  return lines;
}

/** What failed a moment ago is no advice. */
function hintOf({ hint }: MlopsError, command: Command | undefined): string | undefined {
  const isItself = command !== undefined && hint?.replaceAll('`', '') === `mlops ${command.name}`;
  return isItself ? undefined : hint;
}

/** Whoever calls us `dvc` may have no `mlops`; words that DVC lacks stay ours. */
function asDvcSaysIt(hint: string): string {
  const word =
    /\bmlops (?=(?:add|artifacts|cache|check-ignore|checkout|commit|config|dag|data|destroy|diff|doctor|du|exp|fetch|freeze|gc|get|get-url|import|import-url|init|install|list|list-url|metrics|move|params|plots|pull|push|remote|remove|repro|root|stage|status|unfreeze|unprotect|update|version)\b)/g;
  return hint.replace(word, 'dvc ');
}

/** A report on a project file with its source lines stands for itself, as in DVC. */
function isReport(error: MlopsError): boolean {
  const about = error.code === 'bad_yaml' || error.code === 'bad_project_file';
  return about && /^'[^']*' (?:is invalid|validation failed)/.test(error.message);
}

function causeOf(error: MlopsError, command: Command | undefined): string {
  const known = error.message.startsWith('configuration error');
  return error.code === 'bad_config' && command?.owner === 'dvc' && !known ? 'configuration error - ' : '';
}

/** A fault of ours: what to send is in a file, so that a stack does not hide what happened. */
async function reportBug(error: unknown, command: Command | undefined, terminal: Terminal): Promise<number> {
  const { style } = terminal;
  const { bugReport, issueAddress, writeReport } = await import('./bug-report.ts');
  const report = bugReport(error, command?.name, terminal.env);
  const file = writeReport(report);
  terminal.error(`${style.red('ERROR')}: unexpected error - ${messageOf(error)}`);
  if (terminal.debug || file === undefined) terminal.error(error instanceof Error ? (error.stack ?? '') : '');
  terminal.error(`This is a bug in mlops ${version}. What to send, without secrets: ${file ?? 'the lines above'}`);
  const address = issueAddress(report);
  if (address !== undefined) terminal.error(`Report it: ${address}`);
  return bugExitStatus;
}
