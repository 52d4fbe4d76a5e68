import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError, isSystemError, openDatabase, type Database, type Migration } from '../../base/index.ts';
import { makePrivateFolder, privateFile } from '../../trust/index.ts';
import type { HashName } from '../ids/content.ts';
import { bytesOf, factsPerFile } from './walk.ts';

/**
 * What the index knows of one directory: file names and, by the same position, the facts of the moment
 * at which each was hashed and its digest. One row per directory keeps a million files at 55 MiB and
 * loads them in 60 ms, where a row per file takes seconds.
 */
export interface DirectoryRecord {
  /** Changes whenever the record does; a directory tree whose records did not change has its known digest. */
  readonly version: number;
  readonly names: readonly string[];
  /** `factsPerFile` numbers a file, as `walk` gives them. A first number below 0 means: digest not known. */
  readonly facts: Float64Array;
  /** 16 bytes a file. */
  readonly digests: Buffer;
}

/** The known digest of a whole directory tree, valid while its records' versions are the same. */
export interface TreeRecord {
  readonly signature: string;
  readonly md5: string;
  readonly size: number;
  readonly nfiles: number;
}

export interface StatIndex {
  /** Whether anything is known of a directory. */
  knows(directory: string, hashName: HashName): boolean;
  directory(directory: string, hashName: HashName): DirectoryRecord | undefined;
  putDirectory(directory: string, hashName: HashName, record: Omit<DirectoryRecord, 'version'>): number;
  tree(directory: string, hashName: HashName): TreeRecord | undefined;
  putTree(directory: string, hashName: HashName, record: TreeRecord): void;
  /** Outputs (relative to the root) that this cache filled, with their digest: what checkout may delete later. */
  links(): ReadonlyMap<string, string>;
  putLink(file: string, md5: string | undefined): void;
  /** The facts of large objects of the cache when they were hashed, by digest. */
  objects(hashName: HashName): ReadonlyMap<string, Float64Array>;
  putObject(md5: string, hashName: HashName, facts: Float64Array | undefined): void;
  /** Small facts by name: probed link types, seeds done. */
  note(name: string): string | undefined;
  putNote(name: string, value: string): void;
  /** True when no directory was ever recorded: the time to seed it. */
  isEmpty(): boolean;
  /** Writes everything put since the last flush in one transaction. */
  flush(): void;
  close(): void;
}

const migrations: readonly Migration[] = [
  {
    name: 'directories, trees, links, notes',
    up: `
      CREATE TABLE directories (
        path TEXT NOT NULL, hash TEXT NOT NULL, version INTEGER NOT NULL,
        names BLOB NOT NULL, facts BLOB NOT NULL, digests BLOB NOT NULL,
        PRIMARY KEY (path, hash)) WITHOUT ROWID;
      CREATE TABLE trees (
        path TEXT NOT NULL, hash TEXT NOT NULL, signature TEXT NOT NULL,
        md5 TEXT NOT NULL, size INTEGER NOT NULL, nfiles INTEGER NOT NULL,
        PRIMARY KEY (path, hash)) WITHOUT ROWID;
      CREATE TABLE links (path TEXT PRIMARY KEY, md5 TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    `,
  },
  {
    name: 'objects',
    up: `
      CREATE TABLE objects (
        hash TEXT NOT NULL, md5 TEXT NOT NULL, facts BLOB NOT NULL, PRIMARY KEY (hash, md5)) WITHOUT ROWID;
    `,
  },
];

interface DirectoryRow {
  version: number;
  names: Buffer;
  facts: Buffer;
  digests: Buffer;
}

/**
 * Opens `index.sqlite` in the state folder on first use. Paths are kept relative to the project's root, so
 * that a moved project keeps its index. The index only ever saves work: where it cannot be opened
 * (read-only folder) or is broken, everything is hashed again and nothing is remembered.
 */
export function openStatIndex(stateDir: string, root: string): StatIndex {
  const keyOf = (file: string): string => {
    if (file === root) return '';
    return file.startsWith(`${root}/`) ? file.slice(root.length + 1) : file;
  };
  let opened: { db: Database | undefined } | undefined;
  const database = (): Database | undefined => (opened ??= { db: openFile(stateDir) }).db;
  const directories = new Map<string, DirectoryRecord>();
  const dirtyDirectories = new Map<string, [string, HashName, DirectoryRecord]>();
  const dirtyTrees = new Map<string, [string, HashName, TreeRecord]>();
  const dirtyLinks = new Map<string, string | undefined>();
  const dirtyNotes = new Map<string, string>();
  const dirtyObjects = new Map<string, [string, HashName, Float64Array | undefined]>();
  const knownObjects = new Map<HashName, Map<string, Float64Array>>();
  const objectsOf = (hashName: HashName): Map<string, Float64Array> => {
    const objects = knownObjects.get(hashName) ?? readObjects(database(), hashName);
    knownObjects.set(hashName, objects);
    return objects;
  };
  let known: Map<string, string> | undefined;

  return {
    knows(directory, hashName) {
      if (directories.has(`${hashName}:${keyOf(directory)}`)) return true;
      const found = database()
        ?.prepare('SELECT 1 FROM directories WHERE path = ? AND hash = ?')
        .get(keyOf(directory), hashName);
      return found !== undefined;
    },
    directory(directory, hashName) {
      const key = `${hashName}:${keyOf(directory)}`;
      const held = directories.get(key);
      if (held !== undefined) return held;
      const row = database()
        ?.prepare<unknown[], DirectoryRow>(
          'SELECT version, names, facts, digests FROM directories WHERE path = ? AND hash = ?',
        )
        .get(keyOf(directory), hashName);
      return row === undefined ? undefined : decode(row);
    },
    putDirectory(directory, hashName, record) {
      const version = nextVersion();
      const whole = { ...record, version };
      const key = `${hashName}:${keyOf(directory)}`;
      directories.set(key, whole);
      dirtyDirectories.set(key, [keyOf(directory), hashName, whole]);
      return version;
    },
    tree(directory, hashName) {
      const pending = dirtyTrees.get(`${hashName}:${keyOf(directory)}`);
      if (pending !== undefined) return pending[2];
      return database()
        ?.prepare<unknown[], TreeRecord>('SELECT signature, md5, size, nfiles FROM trees WHERE path = ? AND hash = ?')
        .get(keyOf(directory), hashName);
    },
    putTree(directory, hashName, record) {
      dirtyTrees.set(`${hashName}:${keyOf(directory)}`, [keyOf(directory), hashName, record]);
    },
    links() {
      known ??= readLinks(database());
      return known;
    },
    putLink(file, md5) {
      known ??= readLinks(database());
      if (known.get(file) === md5) return;
      if (md5 === undefined) known.delete(file);
      else known.set(file, md5);
      dirtyLinks.set(file, md5);
    },
    objects: objectsOf,
    putObject(md5, hashName, facts) {
      if (facts === undefined) objectsOf(hashName).delete(md5);
      else objectsOf(hashName).set(md5, facts);
      dirtyObjects.set(`${hashName}:${md5}`, [md5, hashName, facts]);
    },
    note(name) {
      const row = database()?.prepare<unknown[], { value: string }>('SELECT value FROM notes WHERE name = ?').get(name);
      return dirtyNotes.get(name) ?? row?.value;
    },
    putNote(name, value) {
      dirtyNotes.set(name, value);
    },
    isEmpty: () =>
      dirtyDirectories.size === 0 && database()?.prepare('SELECT 1 FROM directories LIMIT 1').get() === undefined,
    flush() {
      const dirty = [dirtyDirectories, dirtyTrees, dirtyLinks, dirtyNotes, dirtyObjects];
      const total = dirty.reduce((sum, { size }) => sum + size, 0);
      const db = total === 0 ? undefined : database();
      if (db !== undefined) {
        try {
          db.transaction(() => {
            writeAll(db, dirtyDirectories.values(), dirtyTrees.values(), dirtyLinks, dirtyNotes);
            writeObjects(db, dirtyObjects.values());
          }).immediate();
        } catch (error) {
          // A command that did its work has not failed because what it learnt cannot be kept.
          if (!cannotKeep(error)) throw error;
        }
      }
      for (const part of dirty) part.clear();
      directories.clear();
    },
    close() {
      opened?.db?.close();
      opened = undefined;
    },
  };
}

let versions = 0;

function nextVersion(): number {
  // Unique over processes with certainty enough: microseconds of the clock plus a counter.
  return Date.now() * 1000 + (versions++ % 1000);
}

function openFile(stateDir: string): Database | undefined {
  try {
    makePrivateFolder(stateDir);
    return openDatabase(privateFile(stateDir, 'index.sqlite'), { migrations });
  } catch (error) {
    if (cannotKeep(error) || isMlopsError(error, 'store_busy')) return undefined;
    // Without the addon data commands still work, they only remember nothing.
    if (isMlopsError(error, 'program_missing')) return undefined;
    if (isMlopsError(error, 'store_broken')) {
      // Nothing in it is worth a question: start again.
      for (const suffix of ['', '-wal', '-shm'])
        fs.rmSync(path.join(stateDir, `index.sqlite${suffix}`), { force: true });
      return openDatabase(path.join(stateDir, 'index.sqlite'), { migrations });
    }
    throw error;
  }
}

/** The disk is full, cannot be written, or another process writes for very long. */
function cannotKeep(error: unknown): boolean {
  if (isSystemError(error, 'EACCES', 'EROFS', 'EPERM', 'ENOSPC', 'EDQUOT')) return true;
  return isSystemError(error) && /^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|BUSY)/.test(error.code ?? '');
}

function readLinks(db: Database | undefined): Map<string, string> {
  const rows = db?.prepare<unknown[], { path: string; md5: string }>('SELECT path, md5 FROM links').all() ?? [];
  return new Map(rows.map((row) => [row.path, row.md5]));
}

function writeAll(
  db: Database,
  directories: Iterable<[string, HashName, DirectoryRecord]>,
  trees: Iterable<[string, HashName, TreeRecord]>,
  links: Iterable<[string, string | undefined]>,
  notes: Iterable<[string, string]>,
): void {
  const putDirectory = db.prepare('REPLACE INTO directories VALUES (?, ?, ?, ?, ?, ?)');
  for (const [key, hash, record] of directories) putDirectory.run(key, hash, record.version, ...encode(record));
  const putTree = db.prepare('REPLACE INTO trees VALUES (?, ?, ?, ?, ?, ?)');
  for (const [key, hash, tree] of trees) putTree.run(key, hash, tree.signature, tree.md5, tree.size, tree.nfiles);
  const putLink = db.prepare('REPLACE INTO links VALUES (?, ?)');
  const dropLink = db.prepare('DELETE FROM links WHERE path = ?');
  for (const [file, md5] of links) {
    if (md5 === undefined) dropLink.run(file);
    else putLink.run(file, md5);
  }
  const putNote = db.prepare('REPLACE INTO notes VALUES (?, ?)');
  for (const [name, value] of notes) putNote.run(name, value);
}

function readObjects(db: Database | undefined, hashName: HashName): Map<string, Float64Array> {
  const found = db?.prepare<unknown[], { md5: string; facts: Buffer }>('SELECT md5, facts FROM objects WHERE hash = ?');
  return new Map((found?.all(hashName) ?? []).map(({ md5, facts }) => [md5, numbersOf(facts)]));
}

function writeObjects(db: Database, objects: Iterable<[string, HashName, Float64Array | undefined]>): void {
  const put = db.prepare('REPLACE INTO objects VALUES (?, ?, ?)');
  const drop = db.prepare('DELETE FROM objects WHERE hash = ? AND md5 = ?');
  for (const [md5, hash, facts] of objects) {
    if (facts === undefined) drop.run(hash, md5);
    else put.run(hash, md5, bytesOf(facts));
  }
}

function encode(record: DirectoryRecord): [Buffer, Buffer, Buffer] {
  return [Buffer.from(record.names.join('\0')), bytesOf(record.facts), record.digests];
}

/** A copy of its own: SQLite's buffer may begin at an address that eight-byte numbers cannot. */
function numbersOf(bytes: Buffer): Float64Array {
  const numbers = new Float64Array(bytes.length / 8);
  Buffer.from(numbers.buffer).set(bytes);
  return numbers;
}

function decode(row: DirectoryRow): DirectoryRecord {
  const names = row.names.length === 0 ? [] : row.names.toString('utf8').split('\0');
  const facts = numbersOf(row.facts);
  const isWhole = facts.length === names.length * factsPerFile && row.digests.length === names.length * 16;
  if (!isWhole) return { version: row.version, names: [], facts: new Float64Array(0), digests: Buffer.alloc(0) };
  return { version: row.version, names, facts, digests: row.digests };
}

/** Finds names in a record. Asked in the record's own order, as a walk does, each answer is one comparison. */
export function createLookup(record: DirectoryRecord | undefined): (name: string) => number {
  if (record === undefined) return () => -1;
  const { names } = record;
  let expected = 0;
  let positions: Map<string, number> | undefined;
  return (name) => {
    if (names[expected] === name) return expected++;
    positions ??= new Map(names.map((known, i) => [known, i]));
    const found = positions.get(name) ?? -1;
    if (found >= 0) expected = found + 1;
    return found;
  };
}
