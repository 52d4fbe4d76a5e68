import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { MlopsError } from '../base/index.ts';
import type { Content, HashName, TreeFile } from './content.ts';
import type { DataContext, WorkOptions } from './context.ts';
import { hexAt } from './digest.ts';
import { raiseFailures } from './failures.ts';
import { smallFile, tick, type DigestJob, type JobResult, type StorePlan } from './job.ts';
import { filesWorthThreads, runJobs, warmLanes } from './lanes.ts';
import { idOfPath, objectPath } from './layout.ts';
import { manifestId, sortTree } from './manifest.ts';
import { openStaging } from './staging.ts';
import { createLookup, type DirectoryRecord } from './stat-index.ts';
import { keepMade } from './verified-objects.ts';
import { factsPerFile, seeFacts, walk, type WalkedDirectory } from './walk.ts';

export interface ReadTreeOptions extends WorkOptions {
  readonly hashName?: HashName;
  /** Put every file into the cache while it is read. */
  readonly store?: StorePlan | undefined;
  /** Links that lead nowhere (into a cache that moved, for example) count as files that are not there. */
  readonly skipBroken?: boolean;
}

/** A directory of the workspace with the digest of every file. */
export interface WorkspaceTree {
  readonly directories: readonly HashedDirectory[];
  readonly size: number;
  readonly nfiles: number;
  /** The id of its manifest; known without building it when nothing changed. */
  readonly md5: string;
  /** All files in the manifest's order. */
  files(): readonly TreeFile[];
}

export interface HashedDirectory extends WalkedDirectory {
  /** 16 bytes a file. */
  readonly digests: Buffer;
}

/** Hashes a directory of the workspace, reading only files whose facts changed since the index saw them. */
export async function readTree(ctx: DataContext, root: string, options: ReadTreeOptions = {}): Promise<WorkspaceTree> {
  const hashName = options.hashName ?? 'md5';
  const isNew = (directory: string): boolean => ctx.seed === undefined && !ctx.index.knows(directory, hashName);
  const walked = walk(root, ctx.ignored, options.signal, isNew, options.skipBroken);
  for (const { path: directory, names } of walked) {
    if (names.includes('.dvcignore')) throw ignoreFileInside(path.join(directory, '.dvcignore'));
  }
  const states = walked.map((directory) => joinIndex(ctx, directory, hashName));
  const isStored = options.store === undefined || isKnownToBeStored(ctx, root, states, hashName);
  if (!isStored) findUnstored(ctx, states, hashName);
  const wasStored = states.every(({ unknown, unstored }) => unknown.length + unstored.length === 0);
  await hashPending(ctx, states, hashName, options);
  let size = 0;
  let nfiles = 0;
  for (const state of states) {
    if (state.changed) state.version = remember(ctx, state, hashName);
    nfiles += state.walked.names.length;
    for (let i = 0; i < state.walked.names.length; i++) size += state.walked.facts[i * factsPerFile] ?? 0;
  }
  const tree = describeTree(ctx, root, hashName, states, { size, nfiles, signature: signatureOf(states) });
  if (!isStored && wasStored) ctx.complete.add(tree.md5, hashName);
  return tree;
}

/** Nothing changed since the cache was seen to hold all of it. */
function isKnownToBeStored(
  ctx: DataContext,
  root: string,
  states: readonly DirectoryState[],
  hashName: HashName,
): boolean {
  if (states.some(({ changed }) => changed)) return false;
  const known = ctx.index.tree(root, hashName);
  return known?.signature === signatureOf(states) && ctx.complete.has(known.md5, hashName);
}

function signatureOf(states: readonly DirectoryState[]): string {
  const signature = createHash('md5');
  for (const { walked, version } of states) signature.update(`${walked.relative}\0${version}\0`);
  return signature.digest('hex');
}

interface DirectoryState {
  readonly walked: WalkedDirectory;
  readonly digests: Buffer;
  /** Positions whose digest is not known. */
  readonly unknown: number[];
  /** Positions whose digest is known but whose object is to be stored. */
  readonly unstored: number[];
  version: number;
  changed: boolean;
}

/** Takes over the digests of files whose size, mtime, ctime and inode are those of the index. */
function joinIndex(ctx: DataContext, walked: WalkedDirectory, hashName: HashName): DirectoryState {
  const record = ctx.index.directory(walked.path, hashName);
  if (record !== undefined && ctx.seed === undefined && isUnchanged(walked, record)) {
    const { digests, version } = record;
    return { walked, digests: Buffer.from(digests), unknown: [], unstored: [], version, changed: false };
  }
  const find = createLookup(record);
  const digests = Buffer.alloc(walked.names.length * 16);
  const unknown: number[] = [];
  for (let i = 0; i < walked.names.length; i++) {
    const at = find(walked.names[i] ?? '');
    if (record !== undefined && at >= 0 && factsEqual(walked.facts, i, record.facts, at)) {
      record.digests.copy(digests, i * 16, at * 16, at * 16 + 16);
    } else if (
      !digestFromLink(ctx, walked, i, hashName, digests) &&
      !digestFromSeed(ctx, walked, i, hashName, digests)
    ) {
      unknown.push(i);
    }
  }
  const changed =
    unknown.length > 0 || ctx.seed !== undefined || record === undefined || record.names.length !== walked.names.length;
  return { walked, digests, unknown, unstored: [], version: record?.version ?? 0, changed };
}

/** The same files with the same facts, told by two comparisons of whole columns. */
function isUnchanged(walked: WalkedDirectory, record: DirectoryRecord): boolean {
  const { names } = record;
  if (walked.names.length !== names.length || !walked.names.every((name, i) => name === names[i])) return false;
  return Buffer.compare(bytesOf(walked.facts), bytesOf(record.facts)) === 0;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float64Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function factsEqual(a: Float64Array, i: number, b: Float64Array, j: number): boolean {
  for (let k = 0; k < factsPerFile; k++) {
    if (a[i * factsPerFile + k] !== b[j * factsPerFile + k]) return false;
  }
  return true;
}

/** A symbolic link into the cache names its digest itself. */
function digestFromLink(
  ctx: DataContext,
  walked: WalkedDirectory,
  i: number,
  hashName: HashName,
  digests: Buffer,
): boolean {
  if (!walked.links.has(i)) return false;
  const id = objectBehindLink(ctx, `${walked.path}/${walked.names[i]}`);
  if (id === undefined || id.hashName !== hashName) return false;
  digests.write(id.md5, i * 16, 'hex');
  return true;
}

/** In a project that only DVC has worked in, its state or a hard link into the cache names the digest. */
function digestFromSeed(
  ctx: DataContext,
  walked: WalkedDirectory,
  i: number,
  hashName: HashName,
  digests: Buffer,
): boolean {
  const linked = walked.facts[i * factsPerFile + 2] === 0;
  const md5 = ctx.seed?.(`${walked.path}/${walked.names[i]}`, hashName, linked);
  if (md5 === undefined) return false;
  digests.write(md5, i * 16, 'hex');
  return true;
}

/** The object that a symbolic link in the workspace points to, if it points into the cache. */
export function objectBehindLink(ctx: DataContext, file: string): { md5: string; hashName: HashName } | undefined {
  const target = path.resolve(path.dirname(file), fs.readlinkSync(file));
  return idOfPath(ctx.cacheDir, target) ?? idOfPath(realCacheDir(ctx), target);
}

function realCacheDir(ctx: DataContext): string {
  try {
    return fs.realpathSync(ctx.cacheDir);
  } catch {
    return ctx.cacheDir;
  }
}

async function hashPending(
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
  const jobs: DigestJob[] = [];
  const places: [DirectoryState, number[]][] = [];
  let bytes = 0;
  for (const state of states) {
    for (const batch of batches(state)) {
      jobs.push(toJob(state, batch, hashName, options.store));
      places.push([state, batch]);
      for (const i of batch) bytes += state.walked.facts[i * factsPerFile] ?? 0;
    }
  }
  await settle(jobs);
  const total = jobs.reduce((sum, { files }) => sum + files.length, 0);
  let done = 0;
  const results = await runJobs(jobs, {
    signal: options.signal,
    threads: total >= filesWorthThreads || bytes >= 64 * smallFile,
    onJob: (job) => {
      done += (job as DigestJob).files.length;
      options.onProgress?.({ name: 'hashing', unit: 'files', done, total });
    },
  });
  keepMade(ctx.verified, hashName, results);
  raiseFailures(results);
  results.forEach((result, n) => takeOver(places[n], result));
}

/** Known digests whose objects the cache lacks: to be read and stored again. */
function findUnstored(ctx: DataContext, states: readonly DirectoryState[], hashName: HashName): void {
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

function remember(ctx: DataContext, state: DirectoryState, hashName: HashName): number {
  const { names, facts, path: directory } = state.walked;
  return ctx.index.putDirectory(directory, hashName, { names, facts, digests: state.digests });
}

function describeTree(
  ctx: DataContext,
  root: string,
  hashName: HashName,
  states: readonly DirectoryState[],
  totals: { size: number; nfiles: number; signature: string },
): WorkspaceTree {
  const directories = states.map(({ walked, digests }) => ({ ...walked, digests }));
  let files: readonly TreeFile[] | undefined;
  const list = (): readonly TreeFile[] => (files ??= sortTree(listFiles(directories)));
  const known = ctx.index.tree(root, hashName);
  let md5 = known?.signature === totals.signature ? known.md5 : undefined;
  if (md5 === undefined) {
    md5 = manifestId(list());
    ctx.index.putTree(root, hashName, { ...totals, md5 });
  }
  return { directories, size: totals.size, nfiles: totals.nfiles, md5, files: list };
}

function listFiles(directories: readonly HashedDirectory[]): TreeFile[] {
  const files: TreeFile[] = [];
  for (const { names, relative, digests } of directories) {
    const prefix = relative === '' ? '' : `${relative}/`;
    const hex = digests.toString('hex');
    for (let i = 0; i < names.length; i++) {
      files.push({ relpath: prefix + names[i], md5: hex.slice(i * 32, i * 32 + 32) });
    }
  }
  return files;
}

/** The digest as `Content`. */
export function contentOfTree(tree: WorkspaceTree, hashName: HashName): Content {
  return { md5: tree.md5, hashName, size: tree.size, nfiles: tree.nfiles };
}

export function storePlan(ctx: DataContext): StorePlan {
  // As DVC: a hard link is taken into the cache only where it is the first wish, not the way out.
  const first = ctx.linkTypes[0] ?? 'reflink';
  const wanted = first === 'hardlink' || first === 'reflink' ? first : 'copy';
  const how = wanted === 'copy' || ctx.linkType() === wanted ? wanted : 'copy';
  return { cacheDir: ctx.cacheDir, how, mode: ctx.objectMode };
}

/** Where an object of the cache lies. */
export function cachePath(ctx: DataContext, content: { md5: string; hashName: HashName }): string {
  return objectPath(ctx.cacheDir, content.md5, content.hashName);
}

function ignoreFileInside(file: string): MlopsError {
  return new MlopsError('bad_path', `.dvcignore file should not be in collected dir path: '${file}'`, {
    exit: 255,
    hint: 'move its patterns to the .dvcignore of the project',
  });
}
