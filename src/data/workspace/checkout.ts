import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError, Meter, MlopsError, removeLeftFolders } from '../../base/index.ts';
import { makePrivateFolder, privateSubfolder } from '../../trust/index.ts';
import { parentsBelow, planCheckout, type CheckoutPlan, type PlanOptions } from './checkout-plan.ts';
import { isDirectoryId, type Content } from '../ids/content.ts';
import type { DataContext, WorkOptions } from '../context/context.ts';
import { raiseFailures } from '../jobs/failures.ts';
import { rememberFiles, type IndexedFile } from '../index/remember-files.ts';
import type { CopyJob } from '../jobs/job.ts';
import { filesPerJob, filesWorthThreads, runJobs } from '../jobs/lanes.ts';
import type { LinkType } from '../jobs/links.ts';
import { cachePath } from './tree.ts';
import { keepLarge } from '../jobs/keep-verified.ts';
import { factsPerFile, sizeOfFew } from '../index/walk.ts';

export interface CheckoutOptions extends PlanOptions {
  /** Go on although unsaved files are lost. */
  readonly force?: boolean;
}

/**
 * Gives an output its recorded content. Compares first and touches nothing when something is missing or
 * would be lost.
 * @throws MlopsError `unsaved_files`, `object_missing`, `corrupt_object` (nothing corrupt is handed out).
 */
export async function checkoutOut(
  ctx: DataContext,
  target: string,
  content: Content,
  options: CheckoutOptions = {},
): Promise<CheckoutPlan> {
  const plan = await planCheckout(ctx, target, content, options);
  if (options.force !== true) refuseUnsaved([plan]);
  await applyCheckout(ctx, plan, options);
  return plan;
}

/** @throws MlopsError `unsaved_files` in DVC's words, when any of the plans would lose something. */
export function refuseUnsaved(plans: readonly CheckoutPlan[]): void {
  const unsaved = plans.flatMap((plan) => plan.unsaved);
  if (unsaved.length === 0) return;
  throw new MlopsError(
    'unsaved_files',
    `Can't remove the following unsaved files without confirmation. Use \`--force\` to force.\n${unsaved.join('\n')}`,
    { data: { paths: unsaved } },
  );
}

/** Carries out a plan. @throws MlopsError `object_missing`, `corrupt_object`, `forbidden_place`. */
export async function applyCheckout(ctx: DataContext, plan: CheckoutPlan, options: WorkOptions = {}): Promise<void> {
  if (plan.missing.length > 0) throw missingError(plan);
  ctx.places?.require(plan.path);
  if (!plan.fresh)
    ctx.places?.requireFolders(
      [...plan.remove, ...plan.create.map(({ file }) => file)].filter((file) => file !== plan.path),
    );
  if (plan.fresh) await createAside(ctx, plan, options);
  else {
    removeFiles(plan);
    await replaceFiles(ctx, plan, options);
  }
  if (plan.makeExecutable) fs.chmodSync(plan.path, fs.statSync(plan.path).mode | 0o100);
  rememberLink(ctx, plan.path, plan.content.md5);
}

/** Notes that an output was filled from the cache, so that checkout may remove it when it is tracked no more. */
export function rememberLink(ctx: DataContext, target: string, md5: string): void {
  if (target.startsWith(`${ctx.root}/`)) ctx.index.putLink(target.slice(ctx.root.length + 1), md5);
}

function missingError(plan: CheckoutPlan): MlopsError {
  const [first = ''] = plan.missing;
  const others = plan.missing.length > 1 ? ` (and ${plan.missing.length - 1} more)` : '';
  return new MlopsError(
    'object_missing',
    `'${plan.path}' needs the object ${first}${others}, which is not in the cache`,
    {
      hint: 'fetch it from the remote: mlops pull',
      data: { path: plan.path, missing: plan.missing },
    },
  );
}

function removeFiles(plan: CheckoutPlan): void {
  const parents = new Set<string>(plan.emptyFolders);
  for (const file of plan.remove) {
    fs.rmSync(file, { recursive: file === plan.path, force: true });
    for (const parent of parentsBelow(plan.path, file)) parents.add(parent);
  }
  for (const parent of [...parents].sort((a, b) => b.length - a.length)) removeIfEmpty(parent);
}

function removeIfEmpty(directory: string): void {
  try {
    fs.rmdirSync(directory);
  } catch (error) {
    if (!isSystemError(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) throw error;
  }
}

/** Makes a whole directory beside the project's private files, then moves it into place: all or nothing. */
async function createAside(ctx: DataContext, plan: CheckoutPlan, options: WorkOptions): Promise<void> {
  const parent = path.dirname(plan.path);
  fs.mkdirSync(parent, { recursive: true });
  try {
    await createIn(stagingFolder(ctx, parent), ctx, plan, options);
  } catch (error) {
    // One file system that is mounted twice has one device number, yet nothing is renamed between its mounts.
    if (!isSystemError(error, 'EXDEV')) throw error;
    await createIn(stagingBeside(parent), ctx, plan, options);
  }
}

async function createIn(staging: string, ctx: DataContext, plan: CheckoutPlan, options: WorkOptions): Promise<void> {
  const aside = path.join(staging, 'tree');
  try {
    fs.mkdirSync(aside, { recursive: true });
    makeFolders(plan, aside);
    const entries = plan.create.map(({ file, md5 }) => ({ md5, file: aside + file.slice(plan.path.length) }));
    const made = await makeFiles(ctx, plan, entries, 'fresh', undefined, options);
    for (const file of plan.remove) fs.rmSync(file, { recursive: true, force: true });
    fs.renameSync(aside, plan.path);
    const placed = made.map((entry) => ({ ...entry, file: plan.path + entry.file.slice(aside.length) }));
    rememberFiles(ctx, plan.content.hashName, placed);
  } finally {
    fs.rmSync(staging, { recursive: true, force: true });
  }
}

function makeFolders(plan: CheckoutPlan, aside: string): void {
  let last = '';
  for (const { file } of plan.create) {
    const folder = aside + file.slice(plan.path.length, file.lastIndexOf('/'));
    if (folder !== last) fs.mkdirSync(folder, { recursive: true });
    last = folder;
  }
}

async function replaceFiles(ctx: DataContext, plan: CheckoutPlan, options: WorkOptions): Promise<void> {
  if (plan.create.length === 0) return;
  fs.mkdirSync(path.dirname(plan.path), { recursive: true });
  for (const { file } of plan.create) clearTheWay(plan.path, file);
  const staging = stagingFolder(ctx, path.dirname(plan.path));
  try {
    fs.mkdirSync(staging, { recursive: true });
    const made = await makeFiles(ctx, plan, plan.create, 'replace', staging, options);
    rememberFiles(ctx, plan.content.hashName, made);
  } finally {
    fs.rmSync(staging, { recursive: true, force: true });
  }
}

/** A folder may stand where a file comes (its files were removed before), and parents may be missing. */
function clearTheWay(root: string, file: string): void {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true) fs.rmSync(file, { recursive: true });
  if (file !== root) fs.mkdirSync(path.dirname(file), { recursive: true });
}

/** A private folder on the device of `parent`: in `.mlops` where that is on it, otherwise beside the target. */
function stagingFolder(ctx: DataContext, parent: string): string {
  if (hasStateDir(ctx) && fs.statSync(ctx.stateDir).dev === fs.statSync(parent).dev) {
    const folder = privateSubfolder(ctx.stateDir, 'tmp');
    removeLeftFolders(folder, () => true);
    return path.join(folder, stagingName());
  }
  return stagingBeside(parent);
}

function stagingBeside(parent: string): string {
  return path.join(parent, `.${stagingName()}.tmp`);
}

function stagingName(): string {
  return `checkout-${process.pid}-${randomBytes(6).toString('hex')}`;
}

function hasStateDir(ctx: DataContext): boolean {
  try {
    makePrivateFolder(ctx.stateDir);
    return true;
  } catch (error) {
    if (isSystemError(error, 'EACCES', 'EROFS', 'EPERM')) return false;
    throw error;
  }
}

async function makeFiles(
  ctx: DataContext,
  plan: CheckoutPlan,
  entries: readonly { file: string; md5: string }[],
  target: 'fresh' | 'replace',
  tempDir: string | undefined,
  options: WorkOptions,
): Promise<IndexedFile[]> {
  const how = ctx.linkType();
  const { hashName } = plan.content;
  const size = filesPerJob(entries.length);
  const spares = how === 'copy' ? ctx.spares.made(hashName) : undefined;
  const jobs: CopyJob[] = [];
  for (let start = 0; start < entries.length; start += size) {
    const part = entries.slice(start, start + size);
    jobs.push({
      kind: 'copy',
      hashName,
      from: part.map(({ md5 }) => cachePath(ctx, { md5, hashName })),
      to: part.map(({ file }) => file),
      digests: part.map(({ md5 }) => md5),
      verified:
        how === 'copy' ? Uint8Array.from(part, ({ md5 }) => (ctx.verified.has(md5, hashName) ? 1 : 0)) : undefined,
      ready: spares && part.map(({ md5 }) => spares.get(md5)),
      cached: 'from',
      mode: 0o666,
      target,
      tempDir,
      how,
      wantsFacts: true,
    });
  }
  const bytes = how === 'copy' ? sizeOfFew(entries.length, () => jobs.flatMap(({ from }) => from)) : undefined;
  const meter = new Meter(options.onProgress, 'checking out', entries.length, bytes);
  const results = await runJobs(jobs, {
    signal: options.signal,
    threads: isWorthThreads(how, entries.length, plan),
    onBytes: meter.bytes,
    onJob: (job) => meter.files((job as CopyJob).to.length),
  });
  keepLarge(ctx.verified, jobs, results);
  raiseFailures(results);
  const all = new Float64Array(entries.length * factsPerFile);
  results.forEach((result, n) => all.set(result.facts, n * size * factsPerFile));
  return entries.map(({ file, md5 }, i) => ({
    file,
    md5,
    facts: all.subarray(i * factsPerFile, (i + 1) * factsPerFile),
  }));
}

/** A link takes a tenth of the time that a small file takes to be copied. */
function isWorthThreads(how: LinkType, files: number, { content }: CheckoutPlan): boolean {
  if (how !== 'copy') return files >= 10 * filesWorthThreads;
  return files >= filesWorthThreads || (isDirectoryId(content.md5) && (content.size ?? 0) >= 64 << 20);
}
