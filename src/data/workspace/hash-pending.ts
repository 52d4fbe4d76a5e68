import { setTimeout as sleep } from 'node:timers/promises';

import { Meter } from '../../base/index.ts';
import type { HashName } from '../ids/content.ts';
import type { DataContext, WorkOptions } from '../context/context.ts';
import { hexAt } from '../ids/digest.ts';
import { raiseFailures } from '../jobs/failures.ts';
import { type DigestJob, type JobResult, type StorePlan } from '../jobs/job.ts';
import { smallFile, tick } from '../index/limits.ts';
import { factsPerFile, seeFacts, type WalkedDirectory } from '../index/walk.ts';
import { filesWorthThreads, runJobs, warmLanes } from '../jobs/lanes.ts';
import { openStaging } from '../jobs/staging.ts';
import { keepMade } from '../jobs/keep-verified.ts';

export interface ReadTreeOptions extends WorkOptions {
  readonly hashName?: HashName;
  /** Put every file into the cache while it is read. */
  readonly store?: StorePlan | undefined;
  /** Links that lead nowhere (into a cache that moved, for example) count as files that are not there. */
  readonly skipBroken?: boolean;
}

/** A directory on its way from what the walk saw to the digests of its files. */
export interface DirectoryState {
  readonly walked: WalkedDirectory;
  readonly digests: Buffer;
  /** Positions whose digest is not known. */
  readonly unknown: number[];
  /** Positions whose digest is known but whose object is to be stored. */
  readonly unstored: number[];
  version: number;
  changed: boolean;
}

/** Hashes the files of directories whose digests are unknown, and stores those that are to be stored. */
export async function hashPending(
  ctx: DataContext,
  states: readonly DirectoryState[],
  hashName: HashName,
  options: ReadTreeOptions,
): Promise<void> {
  const total = states.reduce((sum, { unknown, unstored }) => sum + unknown.length + unstored.length, 0);
  if (total === 0) return;
  warmLanes(total);
  if (total < filesWorthThreads) for (const { walked } of states) seeFacts(walked);
  const staging = hashName === 'md5' && options.store?.how === 'copy' ? openStaging(ctx.cacheDir, total) : undefined;
  try {
    const place = staging && { directory: staging.directory, pairs: staging.pairs };
    const store = options.store && { ...options.store, staging: place };
    await hashAll(ctx, states, hashName, { ...options, store });
  } finally {
    staging?.publish();
  }
}

async function hashAll(
  ctx: DataContext,
  states: readonly DirectoryState[],
  hashName: HashName,
  options: ReadTreeOptions,
): Promise<void> {
  const total = states.reduce((sum, { unknown, unstored }) => sum + unknown.length + unstored.length, 0);
  const bytes = states.reduce((sum, state) => sum + sizeOf(state), 0);
  const meter = new Meter(options.onProgress, 'hashing', total, bytes);
  const failed: JobResult[] = [];
  for (const round of rounds(states)) {
    const jobs = round.map(([state, batch]) => toJob(state, batch, hashName, options.store));
    await settle(jobs);
    const results = await runJobs(jobs, {
      signal: options.signal,
      threads: total >= filesWorthThreads || bytes >= 64 * smallFile,
      onBytes: meter.bytes,
      onJob: (job) => meter.files((job as DigestJob).files.length),
    });
    keepMade(ctx.verified, hashName, results);
    failed.push(...results.filter(({ failures }) => failures.length > 0));
    results.forEach((result, n) => takeOver(round[n], result));
  }
  raiseFailures(failed);
}

function sizeOf({ unknown, unstored, walked }: DirectoryState): number {
  let bytes = 0;
  for (const list of [unknown, unstored]) for (const i of list) bytes += walked.facts[i * factsPerFile] ?? 0;
  return bytes;
}

/** Files whose paths and results are held at a time, in this thread and once more in each other. */
const roundFiles = 20_000;

/** All batches, so many at a time. */
function* rounds(states: readonly DirectoryState[]): Iterable<[DirectoryState, number[]][]> {
  let round: [DirectoryState, number[]][] = [];
  let files = 0;
  for (const state of states) {
    for (const batch of batches(state)) {
      round.push([state, batch]);
      files += batch.length;
      if (files < roundFiles) continue;
      yield round;
      round = [];
      files = 0;
    }
  }
  if (round.length > 0) yield round;
}

/** Known digests whose objects the cache lacks: to be read and stored again. */
export function findUnstored(ctx: DataContext, states: readonly DirectoryState[], hashName: HashName): void {
  const objects = ctx.objects(hashName);
  for (const state of states) {
    const unknown = new Set(state.unknown);
    for (let i = 0; i < state.walked.names.length; i++) {
      if (!unknown.has(i) && !objects.has(hexAt(state.digests, i))) state.unstored.push(i);
    }
  }
}

const batchFiles = 200;
const batchBytes = 8 << 20;

function* batches(state: DirectoryState): Iterable<number[]> {
  let batch: number[] = [];
  let bytes = 0;
  for (const i of [...state.unknown, ...state.unstored]) {
    batch.push(i);
    bytes += state.walked.facts[i * factsPerFile] ?? 0;
    if (batch.length >= batchFiles || bytes >= batchBytes) {
      yield batch;
      batch = [];
      bytes = 0;
    }
  }
  if (batch.length > 0) yield batch;
}

function toJob(
  state: DirectoryState,
  batch: readonly number[],
  hashName: HashName,
  store: StorePlan | undefined,
): DigestJob {
  const facts = new Float64Array(batch.length * factsPerFile);
  batch.forEach((i, n) =>
    facts.set(state.walked.facts.subarray(i * factsPerFile, (i + 1) * factsPerFile), n * factsPerFile),
  );
  const files = batch.map((i) => `${state.walked.path}/${state.walked.names[i]}`);
  return { kind: 'digest', hashName, store, files, facts };
}

function takeOver(place: [DirectoryState, number[]] | undefined, result: JobResult): void {
  if (place === undefined) return;
  const [state, batch] = place;
  state.changed = true;
  batch.forEach((i, n) => {
    state.digests.set(result.digests.subarray(n * 16, n * 16 + 16), i * 16);
    state.walked.facts.set(result.facts.subarray(n * factsPerFile, (n + 1) * factsPerFile), i * factsPerFile);
  });
}

/**
 * Waits until the newest file is older than a tick of the file clock. Otherwise it could change once more
 * without its mtime moving, and the index would call it unchanged for ever.
 */
export async function settle(jobs: readonly DigestJob[]): Promise<void> {
  let newest = 0;
  for (const { facts } of jobs) {
    for (let at = 0; at < facts.length; at += factsPerFile) {
      const seen = Math.max(facts[at + 1] ?? 0, facts[at + 2] ?? 0);
      if (seen > newest) newest = seen;
    }
  }
  const wait = newest + tick - Date.now();
  if (wait > 0) await sleep(Math.min(wait, tick));
}
