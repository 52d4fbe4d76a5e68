import type { HashName } from '../ids/content.ts';
import { hexAt } from '../ids/digest.ts';
import type { VerifiedObjects } from '../index/verified-objects.ts';
import type { CopyJob, JobResult } from './job.ts';

/** Keeps what finished copies found out about large objects. */
export function keepLarge(
  verified: VerifiedObjects,
  jobs: readonly CopyJob[],
  results: readonly (JobResult | undefined)[],
): void {
  jobs.forEach(({ digests, hashName }, n) => {
    for (const { index, facts } of results[n]?.large ?? []) verified.keep(digests[index] ?? '', hashName, facts);
  });
}

/** Keeps what finished hashing made of large files. */
export function keepMade(verified: VerifiedObjects, hashName: HashName, results: readonly JobResult[]): void {
  for (const { digests, large } of results) {
    for (const { index, facts } of large) verified.keep(hexAt(Buffer.from(digests), index), hashName, facts);
  }
}
