import { errorCodes, type ErrorCode } from './error-codes.ts';

/** What a person needs besides the message: the way out, and where it happened. */
export interface ErrorDetails {
  /** What to do next, as a sentence or a command to type. */
  readonly hint?: string | undefined;
  /** Where: `path`, `path:line:column`, a stage, a URL without credentials. Left out where the message says it. */
  readonly where?: string | undefined;
  readonly cause?: unknown;
  /** Machine-readable facts for `--json` and for callers that branch on them. Never secrets. */
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  /** Replaces the exit status of the catalogue, for verbs that have their own documented one. */
  readonly exit?: number | undefined;
}

/**
 * An error that a user can act on. It has a stable code from the catalogue, which maps it to an exit
 * status, an HTTP status and MLflow's `error_code`. Bugs stay plain `Error` and show a stack.
 */
export class MlopsError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly where: string | undefined;
  readonly data: Readonly<Record<string, unknown>> | undefined;
  readonly exit: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'MlopsError';
    this.code = code;
    this.hint = details.hint;
    this.where = details.where;
    this.data = details.data;
    this.exit = details.exit;
  }

  get httpStatus(): number {
    return errorCodes[this.code].http;
  }

  get mlflowCode(): string {
    return errorCodes[this.code].mlflow;
  }
}

export function isMlopsError(error: unknown, code?: ErrorCode): error is MlopsError {
  return error instanceof MlopsError && (code === undefined || error.code === code);
}

/** What some work gives, or the failure that it throws; bugs are thrown on. */
export function orFailure<Result>(work: () => Result): Result | MlopsError {
  try {
    return work();
  } catch (error) {
    if (!isMlopsError(error)) throw error;
    return error;
  }
}

/** True for Node's system errors with one of the given codes, e.g. `isSystemError(e, 'ENOENT')`. */
export function isSystemError(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return typeof error.code === 'string' && (codes.length === 0 || codes.includes(error.code));
}

/** The message of anything that was thrown, for use inside another message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const systemHints: Readonly<Record<string, [ErrorCode, string]>> = {
  ENOSPC: ['disk_full', 'free some space (for example with `mlops gc -w`) and run the same command again'],
  EDQUOT: ['disk_full', 'your disk quota is used up: free some space and run the same command again'],
  EACCES: ['permission_denied', 'check the permissions of that path'],
  EPERM: ['permission_denied', 'check the owner and permissions of that path'],
  EROFS: ['permission_denied', 'that file system is read-only'],
  EMFILE: ['too_many_open_files', 'raise the limit of open files (`ulimit -n`)'],
  ENFILE: ['too_many_open_files', 'raise the limit of open files'],
  ENAMETOOLONG: ['bad_path', 'shorten the file name'],
};

/**
 * Turns the system errors that a user causes (full disk, permissions) into an `MlopsError` that names
 * the path; returns anything else unchanged, so that bugs keep their stack.
 */
export function explainSystemError(error: unknown): unknown {
  if (!isSystemError(error)) return error;
  if (error.syscall === 'mkdtemp' && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
    const folder = error.path?.slice(0, error.path.lastIndexOf('/') + 1) ?? '';
    return new MlopsError('bad_path', `the folder for temporary files '${folder}' does not exist`, {
      hint: 'make it, or name another one in TMPDIR',
      cause: error,
    });
  }
  const known = systemHints[error.code ?? ''];
  if (known === undefined) return error;
  const [code, hint] = known;
  const target = error.path === undefined ? '' : ` '${error.path}'`;
  return new MlopsError(code, `${error.code}: cannot ${error.syscall ?? 'use'}${target}`, { hint, cause: error });
}
