import { errorCodes, isMlopsError } from '../../base/index.ts';
import { dvcExitStatus, type Command } from './command.ts';

/** A bug of ours: told apart from every failure that a user can cause (sysexits' EX_SOFTWARE). */
export const bugExitStatus = 70;

/**
 * The exit status of an error under a command. DVC's verbs answer with DVC's statuses (251 config, 252
 * interrupted, 253 no project, 254 usage, 255 other, or the verb's own failure status); ours with the catalogue's.
 */
export function exitStatusOf(error: unknown, command: Command | undefined): number {
  if (!isMlopsError(error)) return bugExitStatus;
  if (error.exit !== undefined) return error.exit;
  if (command?.owner !== 'dvc') return errorCodes[error.code].exit;
  return dvcExitStatus[error.code] ?? command.failure ?? 255;
}
