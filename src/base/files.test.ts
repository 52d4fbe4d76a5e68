import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { lockFile, mapPool, openDatabase, tryLockFile, writeFileAtomic } from './index.ts';

let folder = '';
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-base-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

describe('writeFileAtomic', () => {
  it('replaces the content and keeps the mode', () => {
    const file = path.join(folder, 'a');
    fs.writeFileSync(file, 'old', { mode: 0o640 });
    writeFileAtomic(file, 'new', { durable: true });
    expect(fs.readFileSync(file, 'utf8')).toBe('new');
    expect(fs.statSync(file).mode & 0o777).toBe(0o640);
    expect(fs.readdirSync(folder)).toEqual(['a']);
  });

  it('writes through a symbolic link', () => {
    fs.writeFileSync(path.join(folder, 'real'), 'old');
    fs.symlinkSync('real', path.join(folder, 'link'));
    writeFileAtomic(path.join(folder, 'link'), 'new');
    expect(fs.readlinkSync(path.join(folder, 'link'))).toBe('real');
    expect(fs.readFileSync(path.join(folder, 'real'), 'utf8')).toBe('new');
  });

  it('leaves no temporary file when the target cannot be replaced', () => {
    fs.mkdirSync(path.join(folder, 'd', 'inside'), { recursive: true });
    expect(() => writeFileAtomic(path.join(folder, 'd'), 'x')).toThrow();
    expect(fs.readdirSync(folder)).toEqual(['d']);
  });
});

describe('lockFile', () => {
  it('excludes flock of another process, and names the holder', async () => {
    const file = path.join(folder, 'tmp', 'lock');
    const lock = await lockFile(file);
    expect(fs.readFileSync(file, 'utf8')).toBe(` ${process.pid}\n`);
    expect(spawnSync('flock', ['-xn', file, 'true']).status).toBe(1);
    expect(tryLockFile(file)).toBeUndefined();
    await expect(lockFile(file)).rejects.toMatchObject({ code: 'lock_held', data: { pid: process.pid } });
    lock.release();
    expect(spawnSync('flock', ['-xn', file, 'true']).status).toBe(0);
  });

  it('is not inherited by commands that are started while it is held', async () => {
    const file = path.join(folder, 'lock');
    const lock = await lockFile(file);
    const child = spawn('sleep', ['5'], { stdio: 'ignore' });
    lock.release();
    expect(spawnSync('flock', ['-xn', file, 'true']).status).toBe(0);
    child.kill();
  });

  it('still excludes our own processes where there is neither flock nor perl, and takes over from the dead', () => {
    const file = path.join(folder, 'lock');
    const searchPath = process.env['PATH'];
    process.env['PATH'] = folder;
    try {
      const lock = tryLockFile(file);
      expect(lock).toBeDefined();
      expect(tryLockFile(file)).toBeUndefined();
      lock?.release();
      fs.writeFileSync(`${file}.pid`, ' 999999999\n');
      const second = tryLockFile(file);
      expect(second).toBeDefined();
      second?.release();
    } finally {
      process.env['PATH'] = searchPath;
    }
  });

  it('waits for the holder, and stops waiting when told', async () => {
    const file = path.join(folder, 'lock');
    const first = await lockFile(file);
    setTimeout(() => first.release(), 60);
    const second = await lockFile(file, { timeout: 5000, interval: 20 });
    const aborter = new AbortController();
    const waiting = lockFile(file, { timeout: Infinity, interval: 20, signal: aborter.signal });
    setTimeout(() => aborter.abort(new Error('enough')), 50);
    await expect(waiting).rejects.toThrow('enough');
    second.release();
  });
});

describe('mapPool', () => {
  it('keeps order and the bound', async () => {
    let running = 0;
    let most = 0;
    const results = await mapPool([30, 5, 20, 1, 10], 2, async (wait, index) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, wait));
      running--;
      return index;
    });
    expect(results).toEqual([0, 1, 2, 3, 4]);
    expect(most).toBe(2);
  });

  it('starts nothing after a failure and reports it', async () => {
    const started: number[] = [];
    const work = async (item: number): Promise<void> => {
      started.push(item);
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (item === 1) throw new Error('boom');
    };
    await expect(mapPool([0, 1, 2, 3, 4, 5, 6, 7], 2, work)).rejects.toThrow('boom');
    expect(started.length).toBeLessThan(5);
  });
});

describe('openDatabase', () => {
  const migrations = [
    { name: 'one', up: 'CREATE TABLE t (a INTEGER)' },
    { name: 'two', up: 'ALTER TABLE t ADD COLUMN b TEXT' },
  ];

  it('brings an old file up to date once, in WAL mode', () => {
    const file = path.join(folder, 's.db');
    openDatabase(file, { migrations: migrations.slice(0, 1) }).close();
    const db = openDatabase(file, { migrations });
    expect(db.pragma('user_version', { simple: true })).toBe(2);
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
    db.prepare('INSERT INTO t (a, b) VALUES (1, ?)').run('x');
    db.close();
  });

  it('refuses a file of a newer program and one that is no database', () => {
    const file = path.join(folder, 's.db');
    openDatabase(file, { migrations }).close();
    expect(() => openDatabase(file, { migrations: migrations.slice(0, 1) })).toThrow(/schema version 2/);
    fs.writeFileSync(path.join(folder, 'junk'), 'not a database at all, just some text'.repeat(40));
    expect(() => openDatabase(path.join(folder, 'junk'), { migrations })).toThrow(/not a usable SQLite database/);
  });

  it('undoes a migration that fails half-way', () => {
    const file = path.join(folder, 's.db');
    const broken = [{ name: 'bad', up: 'CREATE TABLE u (a INTEGER); CREATE TABLE u (a INTEGER)' }];
    expect(() => openDatabase(file, { migrations: broken })).toThrow();
    const db = openDatabase(file, { migrations });
    expect(db.prepare("SELECT name FROM sqlite_master WHERE name = 'u'").all()).toEqual([]);
    db.close();
  });

  it('lets several processes migrate one new file at once', async () => {
    const file = path.join(folder, 's.db');
    // Bundled beside node_modules, since a plain Node process cannot load TypeScript.
    const bundle = path.join(import.meta.dirname, '../../node_modules', `.mlops-test-${process.pid}.mjs`);
    buildSync({
      stdin: {
        contents: `import { openDatabase } from './index.ts';
          const db = openDatabase(process.argv[2], { migrations: ${JSON.stringify(migrations)} });
          db.prepare('INSERT INTO t (a) VALUES (1)').run();`,
        resolveDir: import.meta.dirname,
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['better-sqlite3'],
      outfile: bundle,
    });
    const run = (): Promise<unknown> =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, [bundle, file], { stdio: ['ignore', 'ignore', 'inherit'] });
        child.on('close', resolve);
      });
    try {
      expect(await Promise.all([run(), run(), run(), run()])).toEqual([0, 0, 0, 0]);
    } finally {
      fs.rmSync(bundle);
    }
    const db = openDatabase(file, { migrations });
    expect(db.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 4 });
    db.close();
  });
});
