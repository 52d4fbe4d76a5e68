import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { floatRepr, isMlopsError, isSystemError, openDatabase } from '../../base/index.ts';
import type { HashName } from '../ids/content.ts';
import { listObjects, objectPath } from '../ids/layout.ts';

/** Digests known without reading: what DVC's own state remembers, and hard links into the cache. */
export type Seed = (file: string, hashName: HashName, linked: boolean) => string | undefined;

export interface SeedPlaces {
  readonly root: string;
  readonly cacheDir: string;
  /** `core.site_cache_dir`, where it is set. */
  readonly siteDir?: string | undefined;
}

/**
 * Where a project of DVC's is met for the first time, its digests are taken over instead of reading all
 * data again. The state is an SQLite file outside of the project; it is opened read-only, and anything
 * unexpected about it only means that there is no seed, as in a project without a cache.
 */
export function openSeed(places: SeedPlaces): Seed | undefined {
  const rows = readState(places);
  if (rows.size === 0 && isEmpty(places.cacheDir)) return undefined;
  const inodes = new Map<HashName, ReadonlyMap<number, string>>();
  return (file, hashName, linked) => {
    const row = rows.get(file);
    if (row?.hashName === hashName && row.checksum === checksumOf(file)) return row.md5;
    if (!linked) return undefined;
    let known = inodes.get(hashName);
    if (known === undefined) inodes.set(hashName, (known = readInodes(places.cacheDir, hashName)));
    return known.get(fs.statSync(file).ino);
  };
}

function isEmpty(cacheDir: string): boolean {
  return !fs.existsSync(cacheDir) || fs.readdirSync(cacheDir).length === 0;
}

interface StateRow {
  readonly checksum: string;
  readonly md5: string;
  readonly hashName: HashName;
}

function readState(places: SeedPlaces): Map<string, StateRow> {
  const rows = new Map<string, StateRow>();
  const file = stateFile(places);
  if (file === undefined || !fs.existsSync(file)) return rows;
  try {
    const db = openDatabase(file, { migrations: [], readonly: true, busyTimeout: 2000 });
    try {
      const found = db.prepare<unknown[], { key: string; value: unknown }>('SELECT key, value FROM Cache').iterate();
      for (const { key, value } of found) {
        const row = typeof value === 'string' && key.startsWith(`${places.root}/`) ? parseRow(value) : undefined;
        if (row !== undefined && !key.startsWith(`${places.cacheDir}/`)) rows.set(key, row);
      }
    } finally {
      db.close();
    }
  } catch (error) {
    if (!isMlopsError(error) && !isSystemError(error) && !(error instanceof SyntaxError)) throw error;
  }
  return rows;
}

function parseRow(value: string): StateRow | undefined {
  const row = JSON.parse(value) as { checksum?: unknown; hash_info?: Record<string, unknown> };
  for (const hashName of ['md5', 'md5-dos2unix'] as const) {
    const md5 = row.hash_info?.[hashName];
    if (typeof row.checksum === 'string' && typeof md5 === 'string' && /^[0-9a-f]{32}$/.test(md5)) {
      return { checksum: row.checksum, md5, hashName };
    }
  }
  return undefined;
}

/** `<site>/repo/<token>/hashes/local/cache.db`; the token names root, age, user and DVC's major version. */
function stateFile({ root, siteDir }: SeedPlaces): string | undefined {
  const given = process.env['DVC_SITE_CACHE_DIR'];
  const site = given !== undefined && given !== '' ? given : (siteDir ?? '/var/tmp/dvc');
  const born = fs.statSync(path.join(root, '.dvc/tmp/btime'), { bigint: true, throwIfNoEntry: false });
  if (born === undefined) return undefined;
  const quoted = root.includes("'") && !root.includes('"') ? `"${root}"` : `'${root.replaceAll("'", "\\'")}'`;
  const user =
    process.env['LOGNAME'] ??
    process.env['USER'] ??
    process.env['LNAME'] ??
    process.env['USERNAME'] ??
    os.userInfo().username;
  const parts = `(${quoted}, None, ${floatRepr(pythonTime(born.mtimeNs))}, '${user}', 3, 0)`;
  return path.join(site, 'repo', createHash('md5').update(parts).digest('hex'), 'hashes/local/cache.db');
}

/** DVC's token of a file's facts: the md5 of a Python tuple's text, as a decimal number. */
function checksumOf(file: string): string | undefined {
  const stat = fs.statSync(file, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  const text = `([${stat.ino}, ${floatRepr(pythonTime(stat.mtimeNs))}, ${stat.size}],)`;
  return BigInt(`0x${createHash('md5').update(text).digest('hex')}`).toString();
}

/** `st_mtime` as Python computes it from seconds and nanoseconds. */
function pythonTime(nanoseconds: bigint): number {
  const billion = 1_000_000_000n;
  return Number(nanoseconds / billion) + 1e-9 * Number(nanoseconds % billion);
}

function readInodes(cacheDir: string, hashName: HashName): Map<number, string> {
  const inodes = new Map<number, string>();
  for (const md5 of listObjects(cacheDir, hashName)) {
    const stat = fs.statSync(objectPath(cacheDir, md5, hashName), { throwIfNoEntry: false });
    if (stat !== undefined && stat.nlink > 1) inodes.set(stat.ino, md5);
  }
  return inodes;
}
