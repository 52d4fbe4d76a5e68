import { isSystemError } from '../../base/index.ts';
import { copyOne } from './copy-job.ts';
import { digestOne } from './digest-job.ts';
import { FileFailure, type Job, type JobFailure, type JobResult, type JobState } from './job.ts';
import { factsPerFile } from '../index/walk.ts';

/**
 * Runs a job to its end, synchronously for small files. Never throws for a file's own failure.
 * @param moved told of the bytes of large files as they are read.
 */
export async function runJob(job: Job, cancelled: () => boolean, moved: (bytes: number) => void): Promise<JobResult> {
  const count = job.kind === 'digest' ? job.files.length : job.from.length;
  const state: JobState = {
    digests: Buffer.alloc(job.kind === 'digest' ? count * 16 : 0),
    facts: new Float64Array(count * factsPerFile),
    failures: [],
    large: [],
    bytes: 0,
    moved,
    cancelled,
  };
  for (let i = 0; i < count && !cancelled(); i++) {
    const file = (job.kind === 'digest' ? job.files[i] : job.to[i]) ?? '';
    try {
      if (job.kind === 'digest') {
        const pending = digestOne(job, i, state);
        if (pending !== undefined) await pending;
      } else {
        const pending = copyOne(job, i, state);
        if (pending !== undefined) await pending;
      }
    } catch (error) {
      state.failures.push(failureOf(error, i, file));
    }
  }
  // Without the function, which cannot be sent between threads.
  const { digests, facts, failures, large, bytes } = state;
  return { digests, facts, failures, large, bytes };
}

function failureOf(error: unknown, index: number, file: string): JobFailure {
  if (error instanceof FileFailure) return { index, code: error.code, message: error.message, path: file };
  if (isSystemError(error)) {
    return { index, code: error.code ?? 'EIO', message: error.message, path: error.path ?? file };
  }
  throw error;
}
