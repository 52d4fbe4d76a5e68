import { errorCodes, explainSystemError, isMlopsError, messageOf, type MlopsError } from '../../base/index.ts';
import type { Command } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { bugExitStatus, exitStatusOf } from '../parse/exit-status.ts';
import { version } from '../parse/version.ts';

/**
 * Tells a person what went wrong, on stderr: what, where, why, and what to do next. An error that is not
 * in the catalogue is a bug of ours and shows its stack. Returns the exit status.
 */
export async function reportError(
  thrown: unknown,
  command: Command | undefined,
  terminal: Terminal,
  status: number,
): Promise<number> {
  terminal.clearProgress();
  const error = explainSystemError(thrown);
  if (!isMlopsError(error)) return reportBug(error, terminal);
  const wanted = error === thrown ? status : exitStatusOf(error, command);
  for (const line of describe(error, command, terminal)) terminal.error(line);
  return wanted;
}

function describe(error: MlopsError, command: Command | undefined, terminal: Terminal): string[] {
  const { style } = terminal;
  const lines = [isReport(error) ? error.message : `${style.red('ERROR')}: ${causeOf(error, command)}${error.message}`];
  if (error.where !== undefined) lines.push(`  at ${error.where}`);
  if (error.hint !== undefined) lines.push(`${style.cyan('hint')}: ${error.hint}`);
  if (error.code === 'usage' && command !== undefined)
    lines.push(`${style.cyan('usage')}: see \`mlops ${command.name} --help\``);
  if (terminal.debug)
    lines.push(style.dim(`code: ${error.code} (${errorCodes[error.code].summary})`), style.dim(error.stack ?? ''));
  return lines;
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

function reportBug(error: unknown, terminal: Terminal): number {
  const { style } = terminal;
  terminal.error(`${style.red('ERROR')}: unexpected error - ${messageOf(error)}`);
  terminal.error(error instanceof Error ? (error.stack ?? '') : '');
  terminal.error(
    `This is a bug in mlops ${version} (Node ${process.version}, ${process.platform} ${process.arch}). Please report it with the lines above.`,
  );
  return bugExitStatus;
}
