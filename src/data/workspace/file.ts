import * as fs from 'node:fs';
import * as path from 'node:path';

import { Meter } from '../../base/index.ts';
import type { Content, HashName } from '../ids/content.ts';
import type { DataContext, WorkOptions } from '../context/context.ts';
import { hexAt } from '../ids/digest.ts';
import { raiseFailures } from '../jobs/failures.ts';
import { settle } from './hash-pending.ts';
import { type DigestJob, type StorePlan } from '../jobs/job.ts';
import { smallFile } from '../index/limits.ts';
import { runJobs } from '../jobs/lanes.ts';
import { objectBehindLink } from './tree.ts';
import { keepMade } from '../jobs/keep-verified.ts';
import { rememberFiles } from '../index/remember-files.ts';
import { factsOf, followLink, specialFile } from '../index/walk.ts';
import { isYoung } from '../index/young-files.ts';

export interface ReadFileOptions extends WorkOptions {
  readonly hashName?: HashName;
  readonly store?: StorePlan | undefined;
}

/**
 * The content of one file, from the index when its facts are the known ones; undefined when there is none.
 * @throws MlopsError `special_file`, `file_changed`.
 */
export async function fileContent(
  ctx: DataContext,
  file: string,
  options: ReadFileOptions = {},
): Promise<Content | undefined> {
  const link = fs.lstatSync(file, { throwIfNoEntry: false });
  if (link === undefined) return undefined;
  const stat = link.isSymbolicLink() ? followLink(file) : link;
  if (!stat.isFile()) throw specialFile(file, stat);
  const hashName = options.hashName ?? 'md5';
  const describe = (md5: string): Content => ({
    md5,
    hashName,
    size: stat.size,
    ...((stat.mode & 0o100) !== 0 ? { isexec: true } : {}),
  });
  const target = link.isSymbolicLink() ? objectBehindLink(ctx, file) : undefined;
  if (target?.hashName === hashName) return describe(target.md5);
  const facts = factsOf(stat);
  const known = ctx.records.digest(file, hashName, facts) ?? seeded(ctx, file, hashName, facts);
  if (known !== undefined && (options.store === undefined || isStored(ctx, known, hashName))) return describe(known);
  const md5 = await digestNow(ctx, file, facts, hashName, options);
  return { ...describe(md5), size: facts[0] ?? stat.size };
}

function seeded(ctx: DataContext, file: string, hashName: HashName, facts: Float64Array): string | undefined {
  const md5 = ctx.seed?.(file, hashName, facts[2] === 0);
  if (md5 !== undefined) rememberFiles(ctx, hashName, [{ file, md5, facts }]);
  return md5;
}

function isStored(ctx: DataContext, md5: string, hashName: HashName): boolean {
  return !missingObjects(ctx, hashName, [md5]).has(md5);
}

async function digestNow(
  ctx: DataContext,
  file: string,
  facts: Float64Array,
  hashName: HashName,
  options: ReadFileOptions,
): Promise<string> {
  const job: DigestJob = { kind: 'digest', hashName, store: options.store, files: [file], facts };
  const total = facts[0] ?? 0;
  if (total > smallFile) await settle([job]);
  const startedAt = Date.now();
  const report = total > 16 * smallFile ? options.onProgress : undefined;
  const meter = new Meter(report, `hashing ${path.basename(file)}`, 1, total);
  const results = await runJobs([job], { signal: options.signal, threads: false, onBytes: meter.bytes });
  keepMade(ctx.verified, hashName, results);
  raiseFailures(results);
  const [result] = results;
  if (result === undefined) throw new Error('a job without a result');
  facts.set(result.facts);
  const md5 = hexAt(Buffer.from(result.digests), 0);
  if (isYoung(facts, startedAt)) {
    ctx.young.add(hashName, { file, md5, facts });
    return md5;
  }
  ctx.young.drop(hashName, file);
  rememberFiles(ctx, hashName, [{ file, md5, facts }]);
  return md5;
}

/** Which of these objects the cache lacks. Many are looked up in one listing, a few one by one. */
export function missingObjects(ctx: DataContext, hashName: HashName, ids: Iterable<string>): Set<string> {
  const wanted = Array.isArray(ids) ? (ids as readonly string[]) : [...ids];
  const present = wanted.length > 200 ? ctx.objects(hashName) : undefined;
  const isThere = (id: string): boolean => present?.has(id) ?? ctx.hasObject(id, hashName);
  return new Set(wanted.filter((id) => !isThere(id)));
}
