import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError, mapPool, messageOf, Meter, MlopsError, temporaryName } from '../../base/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import type { HashName } from '../ids/content.ts';
import type { DataContext, WorkOptions } from '../context/context.ts';
import { createStreamDigest, digestFile, digestOf } from '../ids/digest.ts';
import { type CopyJob, type JobResult } from '../jobs/job.ts';
import { smallFile } from '../index/limits.ts';
import { filesPerJob, filesWorthThreads, runJobs } from '../jobs/lanes.ts';
import { objectKey, objectPath } from '../ids/layout.ts';
import { openStaging, stagedPath, type Staging } from '../jobs/staging.ts';
import { keepLarge } from '../jobs/keep-verified.ts';
import { factsOf, sizeOfFew } from '../index/walk.ts';

export interface TransferOptions extends WorkOptions {
  /** Objects in flight. Default 4 per CPU, as DVC. */
  readonly jobs?: number | undefined;
  /**
   * False: what arrives is believed, as DVC does unless `remote.verify` is set: corrupt content is neither refused nor
   * found by the checkout of the same command. Default true.
   */
  readonly verify?: boolean | undefined;
}

/** How a group of objects is moved. */
export interface MoveOptions extends TransferOptions {
  /** For the progress line. */
  readonly name: string;
  /** False: so small that hashing all of them again is faster than asking which were hashed before. */
  readonly large?: boolean;
  /** Objects that will be placed in the workspace by a copy, so that large ones get one on their way. */
  readonly isPlaced?: ((md5: string) => boolean) | undefined;
}

export interface ObjectFailure {
  readonly md5: string;
  readonly hashName: HashName;
  /**
   * `missing`: not where it comes from. `lost`: the same, although the remote promises it by the manifest of its folder.
   * `corrupt`: its content is not what its name says. `failed`: anything else.
   */
  readonly reason: 'missing' | 'lost' | 'corrupt' | 'failed';
  readonly message: string;
}

export interface MoveResult {
  readonly moved: readonly string[];
  readonly failures: readonly ObjectFailure[];
}

type Direction = 'up' | 'down';

/**
 * Copies objects from the cache to a store, or back. Every byte is hashed on its way (down: unless `verify` is false): an
 * object whose content does not match its name arrives nowhere. Failures of single objects do not stop the others.
 * @throws MlopsError `remote_denied`, `bucket_not_found` at once: nothing else will succeed.
 */
export async function moveObjects(
  ctx: DataContext,
  store: BlobStore,
  direction: Direction,
  hashName: HashName,
  ids: readonly string[],
  options: MoveOptions,
): Promise<MoveResult> {
  if (ids.length === 0) return { moved: [], failures: [] };
  const result =
    store.directory === undefined
      ? await moveOneByOne(ctx, store, direction, hashName, ids, options)
      : await moveByThreads(ctx, store.directory, direction, hashName, ids, options);
  if (direction === 'down') ctx.verified.arrive(result.moved, hashName);
  ctx.forgetObjects();
  return result;
}

// Folders --------------------------------------------------------------------------------------------

async function moveByThreads(
  ctx: DataContext,
  directory: string,
  direction: Direction,
  hashName: HashName,
  ids: readonly string[],
  options: MoveOptions,
): Promise<MoveResult> {
  const target = direction === 'up' ? directory : ctx.cacheDir;
  const staging = hashName === 'md5' ? openStaging(target, ids.length) : undefined;
  const mayBeKnown = direction === 'up' && options.large !== false;
  const isBelieved = direction === 'down' && options.verify === false;
  const isKnown = (id: string): boolean => isBelieved || (mayBeKnown && ctx.verified.has(id, hashName));
  const { isPlaced } = options;
  const jobs = toJobs(ctx, directory, direction, hashName, ids, staging, isKnown).map((job) =>
    isPlaced === undefined
      ? job
      : { ...job, spares: job.digests.map((id) => (isPlaced(id) ? ctx.spares.pathOf(id, hashName) : undefined)) },
  );
  const bytes = sizeOfFew(ids.length, () => jobs.flatMap(({ from }) => from));
  const meter = new Meter(options.onProgress, options.name, ids.length, bytes);
  let results: JobResult[];
  try {
    results = await runJobs(jobs, {
      signal: options.signal,
      threads: ids.length >= filesWorthThreads || isHeavy(jobs[0]),
      onBytes: meter.bytes,
      onJob: (job) => meter.files((job as CopyJob).to.length),
    });
  } finally {
    staging?.publish();
  }
  keepLarge(ctx.verified, jobs, results);
  const failures = results.flatMap((result, n) =>
    result.failures.map(({ index, code, message }): ObjectFailure => {
      const reason = code === 'ENOENT' ? 'missing' : code === 'corrupt' ? 'corrupt' : 'failed';
      return { md5: jobs[n]?.digests[index] ?? '', hashName, reason, message };
    }),
  );
  const failed = new Set(failures.map(({ md5 }) => md5));
  return { moved: failed.size === 0 ? ids : ids.filter((id) => !failed.has(id)), failures };
}

/** Objects that are staged are written straight to their place there; others beside theirs, and renamed. */
function toJobs(
  ctx: DataContext,
  directory: string,
  direction: Direction,
  hashName: HashName,
  ids: readonly string[],
  staging: Staging | undefined,
  isKnown: (id: string) => boolean,
): CopyJob[] {
  const isStaged = (id: string): boolean => staging?.pairs[Number.parseInt(id.slice(0, 2), 16)] === 1;
  const staged = staging === undefined ? [] : ids.filter(isStaged);
  const others = staging === undefined ? ids : ids.filter((id) => !isStaged(id));
  const size = filesPerJob(ids.length);
  const [source, target] = direction === 'up' ? [ctx.cacheDir, directory] : [directory, ctx.cacheDir];
  const jobs: CopyJob[] = [];
  for (const [group, isFresh] of [
    [staged, true],
    [others, false],
  ] as const) {
    for (let start = 0; start < group.length; start += size) {
      const digests = group.slice(start, start + size);
      jobs.push({
        kind: 'copy',
        hashName,
        from: digests.map((id) => objectPath(source, id, hashName)),
        to: digests.map((id) =>
          isFresh ? stagedPath(staging?.directory ?? '', id) : objectPath(target, id, hashName),
        ),
        digests,
        verified: Uint8Array.from(digests, (id) => (isKnown(id) ? 1 : 0)),
        cached: direction === 'up' ? 'from' : 'to',
        mode: direction === 'up' ? 0o444 : ctx.objectMode,
        target: isFresh ? 'fresh' : 'replace',
        how: 'copy',
        wantsFacts: false,
      });
    }
  }
  return jobs;
}

/** Few large objects are worth threads too. */
function isHeavy(job: CopyJob | undefined): boolean {
  const sample = job?.from.slice(0, 4) ?? [];
  return sample.some((file) => (fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 8 * smallFile);
}

// Everything else ------------------------------------------------------------------------------------

async function moveOneByOne(
  ctx: DataContext,
  store: BlobStore,
  direction: Direction,
  hashName: HashName,
  ids: readonly string[],
  options: MoveOptions,
): Promise<MoveResult> {
  const moved: string[] = [];
  const failures: ObjectFailure[] = [];
  const move = direction === 'up' ? sendObject : receiveObject;
  const sources = (): string[] => ids.map((id) => objectPath(ctx.cacheDir, id, hashName));
  const known = direction === 'up' ? sizeOfFew(ids.length, sources) : undefined;
  const meter = new Meter(options.onProgress, options.name, ids.length, known);
  await mapPool(
    ids,
    options.jobs ?? 16,
    async (id) => {
      try {
        await move(ctx, store, hashName, id, { signal: options.signal, meter, isBelieved: options.verify === false });
        moved.push(id);
      } catch (error) {
        if (
          options.signal?.aborted === true ||
          isMlopsError(error, 'remote_denied') ||
          isMlopsError(error, 'bucket_not_found') ||
          isMlopsError(error, 'disk_full')
        )
          throw error;
        failures.push({ md5: id, hashName, reason: reasonOf(error), message: messageOf(error) });
      }
      meter.files(1);
    },
    options.signal,
  );
  return { moved, failures };
}

function reasonOf(error: unknown): ObjectFailure['reason'] {
  if (isMlopsError(error, 'blob_not_found') || isMlopsError(error, 'object_missing')) return 'missing';
  return isMlopsError(error, 'corrupt_object') ? 'corrupt' : 'failed';
}

/** How one object is moved, and who is told how far it is. */
interface ObjectMove {
  /** What arrives is not hashed. */
  readonly isBelieved: boolean;
  readonly signal: AbortSignal | undefined;
  readonly meter: Meter;
}

async function sendObject(
  ctx: DataContext,
  store: BlobStore,
  hashName: HashName,
  id: string,
  { signal, meter }: ObjectMove,
): Promise<void> {
  const file = objectPath(ctx.cacheDir, id, hashName);
  const key = objectKey(id, hashName);
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) throw new MlopsError('object_missing', `the object '${id}' is not in the cache`);
  if (stat.size <= 8 * smallFile) {
    const content = fs.readFileSync(file);
    if (digestOf(content, hashName) !== id.slice(0, 32)) throw corruptObject(file);
    await store.write(key, content, { signal, onBytes: meter.bytes });
    return;
  }
  if (!ctx.verified.has(id, hashName)) {
    const facts = factsOf(stat);
    const found = await digestFile(file, hashName, { signal, onBytes: () => meter.tick() });
    if (found !== id.slice(0, 32)) throw corruptObject(file);
    ctx.verified.keep(id, hashName, facts);
  }
  await store.upload(file, key, { signal, onBytes: meter.bytes });
}

async function receiveObject(
  ctx: DataContext,
  store: BlobStore,
  hashName: HashName,
  id: string,
  { signal, meter, isBelieved }: ObjectMove,
): Promise<void> {
  const key = objectKey(id, hashName);
  const target = objectPath(ctx.cacheDir, id, hashName);
  fs.mkdirSync(path.dirname(target), { recursive: true });
  const temp = temporaryName(target);
  let digest = createStreamDigest(hashName);
  const observe = (): ((chunk: Uint8Array) => void) => {
    digest = createStreamDigest(hashName);
    return (chunk) => digest.update(chunk);
  };
  try {
    const seen = isBelieved ? {} : { observe };
    await store.download(key, temp, { signal, ...seen, onBytes: meter.bytes, onSize: once(meter.expect) });
    if (!isBelieved && digest.hex() !== id.slice(0, 32)) throw corruptObject(`${store.url}/${key}`);
    fs.chmodSync(temp, ctx.objectMode);
    fs.renameSync(temp, target);
  } finally {
    fs.rmSync(temp, { force: true });
  }
}

/** A second try says the same. */
function once(tell: (bytes: number) => void): (bytes: number) => void {
  let told = false;
  return (bytes) => {
    if (!told) tell(bytes);
    told = true;
  };
}

export function corruptObject(where: string): MlopsError {
  return new MlopsError('corrupt_object', `'${where}' does not have the content that its name promises`, {
    hint: 'run `mlops fsck --repair` to heal it from the other side',
    data: { path: where },
  });
}
