import * as fs from 'node:fs';

import { isMlopsError, isSystemError, mapPool, Meter } from '../../base/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import { readManifestDigests } from '../workspace/manifest-file.ts';
import { isDirectoryId, type Content, type HashName } from '../ids/content.ts';
import type { DataContext, WorkOptions } from '../context/context.ts';
import { createStreamDigest, hexAt } from '../ids/digest.ts';
import { missingObjects } from '../workspace/file.ts';
import type { DigestJob } from '../jobs/job.ts';
import { filesPerJob, filesWorthThreads, runJobs } from '../jobs/lanes.ts';
import { listObjects, objectKey, objectPath } from '../ids/layout.ts';
import { remoteObjects } from './remote-objects.ts';
import { moveObjects } from './transfer.ts';
import { factsPerFile, putFacts } from '../index/walk.ts';

export interface Finding {
  readonly md5: string;
  readonly hashName: HashName;
  readonly where: 'cache' | 'remote';
  /** `corrupt`: content and name disagree. `missing`: something tracked needs it. */
  readonly problem: 'corrupt' | 'missing';
}

/** Re-hashes every object of a folder in the cache's layout and names those whose content is not their name. */
async function corruptIn(
  directory: string,
  hashName: HashName,
  options: WorkOptions & { name: string },
): Promise<string[]> {
  const ids = [...listObjects(directory, hashName)];
  const jobs: DigestJob[] = [];
  let bytes = 0;
  const size = filesPerJob(ids.length);
  for (let start = 0; start < ids.length; start += size) {
    const files = ids.slice(start, start + size).map((id) => objectPath(directory, id, hashName));
    const facts = new Float64Array(files.length * factsPerFile);
    files.forEach((file, i) => {
      const stat = fs.statSync(file, { throwIfNoEntry: false });
      if (stat === undefined) return;
      putFacts(stat, facts, i);
      bytes += stat.size;
    });
    jobs.push({ kind: 'digest', hashName, store: undefined, files, facts });
  }
  const meter = new Meter(options.onProgress, options.name, ids.length, bytes);
  const results = await runJobs(jobs, {
    signal: options.signal,
    threads: ids.length >= filesWorthThreads,
    onBytes: meter.bytes,
    onJob: (job) => meter.files((job as DigestJob).files.length),
  });
  const corrupt: string[] = [];
  ids.forEach((id, i) => {
    const result = results[Math.floor(i / size)];
    if (result === undefined) return;
    const failed = result.failures.some(({ index }) => index === i % size);
    if (failed || hexAt(Buffer.from(result.digests), i % size) !== id.slice(0, 32)) corrupt.push(id);
  });
  return corrupt;
}

const hashNames: readonly HashName[] = ['md5', 'md5-dos2unix'];

/** Checks the whole cache, and that it holds what the given contents need. Changes nothing. */
export async function checkCache(
  ctx: DataContext,
  contents: readonly Content[],
  options: WorkOptions = {},
): Promise<{ readonly checked: number; readonly findings: Finding[] }> {
  const findings: Finding[] = [];
  let checked = 0;
  for (const hashName of hashNames) {
    checked += listObjects(ctx.cacheDir, hashName).size;
    const corrupt = await corruptIn(ctx.cacheDir, hashName, { ...options, name: 'checking the cache' });
    for (const md5 of corrupt) findings.push({ md5, hashName, where: 'cache', problem: 'corrupt' });
  }
  const broken = new Set(findings.map(({ md5 }) => md5));
  for (const { md5, hashName } of neededObjects(ctx, contents)) {
    if (!broken.has(md5)) findings.push({ md5, hashName, where: 'cache', problem: 'missing' });
  }
  return { checked, findings };
}

/** What the contents need and the cache lacks; files of an unreadable manifest are not known. */
function neededObjects(ctx: DataContext, contents: readonly Content[]): { md5: string; hashName: HashName }[] {
  const needed: { md5: string; hashName: HashName }[] = [];
  for (const hashName of hashNames) {
    const ids = new Set<string>();
    for (const content of contents) {
      if (content.hashName !== hashName) continue;
      ids.add(content.md5);
      if (isDirectoryId(content.md5)) for (const md5 of filesOf(ctx, content)) ids.add(md5);
    }
    for (const md5 of missingObjects(ctx, hashName, ids)) needed.push({ md5, hashName });
  }
  return needed;
}

function filesOf(ctx: DataContext, content: Content): string[] {
  try {
    return readManifestDigests(ctx, content);
  } catch (error) {
    if (isMlopsError(error, 'object_missing') || isMlopsError(error, 'corrupt_object')) return [];
    throw error;
  }
}

/** Checks every object of a remote (by reading it), and that it has what the given contents need. */
export async function checkRemote(
  ctx: DataContext,
  store: BlobStore,
  contents: readonly Content[],
  options: WorkOptions = {},
): Promise<{ readonly checked: number; readonly findings: Finding[] }> {
  const findings: Finding[] = [];
  let checked = 0;
  for (const hashName of hashNames) {
    const present = await remoteObjects(store, hashName, undefined, { jobs: 16, signal: options.signal });
    checked += present.size;
    const corrupt =
      store.directory === undefined
        ? await corruptBlobs(store, hashName, [...present], options)
        : await corruptIn(store.directory, hashName, { ...options, name: 'checking the remote' });
    for (const md5 of corrupt) findings.push({ md5, hashName, where: 'remote', problem: 'corrupt' });
    for (const content of contents) {
      if (content.hashName !== hashName) continue;
      const files = isDirectoryId(content.md5) ? filesOf(ctx, content) : [];
      for (const md5 of [content.md5, ...files]) {
        if (present.has(md5)) continue;
        findings.push({ md5, hashName, where: 'remote', problem: 'missing' });
        present.add(md5);
      }
    }
  }
  return { checked, findings };
}

async function corruptBlobs(
  store: BlobStore,
  hashName: HashName,
  ids: readonly string[],
  options: WorkOptions,
): Promise<string[]> {
  const corrupt: string[] = [];
  const meter = new Meter(options.onProgress, 'checking the remote', ids.length);
  await mapPool(
    ids,
    16,
    async (id) => {
      const digest = createStreamDigest(hashName);
      const { stream } = await store.open(objectKey(id, hashName), { signal: options.signal });
      for await (const chunk of stream) {
        digest.update(chunk as Uint8Array);
        meter.bytes((chunk as Uint8Array).length);
      }
      if (digest.hex() !== id.slice(0, 32)) corrupt.push(id);
      meter.files(1);
    },
    options.signal,
  );
  return corrupt;
}

/**
 * Heals findings from the other side: corrupt objects are deleted where they are, then fetched or pushed
 * again. An object that is good nowhere stays deleted: a missing object is asked for, a corrupt one lies.
 * @returns the findings that are healed now.
 */
export async function repair(
  ctx: DataContext,
  store: BlobStore | undefined,
  findings: readonly Finding[],
  options: WorkOptions = {},
): Promise<Finding[]> {
  const healed: Finding[] = [];
  for (const hashName of hashNames) {
    const own = findings.filter((finding) => finding.hashName === hashName);
    const at = (where: Finding['where']): Finding[] => own.filter((finding) => finding.where === where);
    for (const { md5, problem } of at('cache')) {
      if (problem === 'corrupt') fs.rmSync(objectPath(ctx.cacheDir, md5, hashName), { force: true });
    }
    ctx.forgetObjects();
    if (store === undefined) continue;
    const corrupt = at('remote')
      .filter(({ problem }) => problem === 'corrupt')
      .map(({ md5 }) => md5);
    await store.remove(
      corrupt.map((md5) => objectKey(md5, hashName)),
      { signal: options.signal },
    );
    const down = await moveObjects(ctx, store, 'down', hashName, unique(at('cache')), { ...options, name: 'fetching' });
    const up = await moveObjects(ctx, store, 'up', hashName, unique(at('remote')), { ...options, name: 'pushing' });
    const fetched = new Set(down.moved);
    const sent = new Set(up.moved);
    healed.push(
      ...at('cache').filter(({ md5 }) => fetched.has(md5)),
      ...at('remote').filter(({ md5 }) => sent.has(md5)),
    );
  }
  return healed;
}

function unique(findings: readonly Finding[]): string[] {
  return [...new Set(findings.map(({ md5 }) => md5))];
}

/** Which objects were looked at: as their name says, other bytes, or not there. */
export type ObjectState = 'ok' | 'corrupt' | 'missing';

/** Reads some objects of the cache again, or of a store, whatever was known of them. */
export async function readAgain(
  ctx: DataContext,
  ids: readonly string[],
  options: WorkOptions & { readonly store?: BlobStore | undefined; readonly name: string },
): Promise<Map<string, ObjectState>> {
  const { store, signal } = options;
  const meter = new Meter(options.onProgress, options.name, ids.length);
  const stateIn = async (id: string, hashName: HashName): Promise<ObjectState> => {
    const digest = createStreamDigest(hashName);
    try {
      const stream =
        store === undefined
          ? fs.createReadStream(objectPath(ctx.cacheDir, id, hashName), { highWaterMark: 1 << 20 })
          : (await store.open(objectKey(id, hashName), { signal })).stream;
      for await (const chunk of stream) {
        digest.update(chunk as Uint8Array);
        meter.bytes((chunk as Uint8Array).length);
      }
    } catch (error) {
      if (isSystemError(error, 'ENOENT') || isMlopsError(error, 'blob_not_found')) return 'missing';
      throw error;
    }
    return digest.hex() === id.slice(0, 32) ? 'ok' : 'corrupt';
  };
  const states = await mapPool(
    ids,
    8,
    async (id) => {
      const state = await stateIn(id, 'md5');
      meter.files(1);
      return state === 'missing' ? stateIn(id, 'md5-dos2unix') : state;
    },
    signal,
  );
  return new Map(ids.map((id, index) => [id, states[index] ?? 'missing']));
}
