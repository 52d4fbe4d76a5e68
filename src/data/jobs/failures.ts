import { explainSystemError, MlopsError, plural } from '../../base/index.ts';
import type { JobFailure, JobResult } from './job.ts';

/** Throws the error that the first failure of finished jobs stands for, naming how many more there were. */
export function raiseFailures(results: readonly JobResult[]): void {
  const failures = results.flatMap((result) => result.failures);
  const [first] = failures;
  if (first !== undefined) throw errorOf(first, failures.length - 1);
}

export function errorOf(failure: JobFailure, others: number): unknown {
  const more = others === 0 ? '' : ` (and ${plural(others, 'other file')})`;
  if (failure.code === 'changed' || failure.code === 'vanished') {
    return new MlopsError('file_changed', `${failure.message}${more}`, {
      hint: 'run the same command again when nothing writes there',
    });
  }
  if (failure.code === 'corrupt') {
    return new MlopsError('corrupt_object', `${failure.message}${more}`, {
      hint: 'run `mlops fsck --repair` to fetch it again from the remote',
      data: { path: failure.path },
    });
  }
  const error: NodeJS.ErrnoException = new Error(failure.message);
  error.code = failure.code;
  error.path = failure.path;
  const explained = explainSystemError(error);
  if (explained !== error) return explained;
  return new MlopsError('permission_denied', `${failure.message}${more}`, { cause: error });
}
