import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openDataIn } from '../../../test/support/data.ts';
import {
  checkoutOut,
  commitOut,
  digestOf,
  hashPath,
  manifestId,
  objectExists,
  readManifest,
  statusOf,
  unprotect,
  writeManifest,
  type DataContext,
  type LinkType,
} from '../index.ts';

let root: string;
let ctx: DataContext;

const open = (linkTypes: readonly LinkType[] = ['copy']): DataContext =>
  openDataIn(root, { linkTypes, ignored: (file) => file.endsWith('.ignored') });

beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'data-'));
  ctx = open();
});
afterEach(() => {
  ctx.close();
  fs.rmSync(root, { recursive: true, force: true });
});

const at = (name: string): string => path.join(root, name);
const write = (name: string, content: string): string => {
  fs.mkdirSync(path.dirname(at(name)), { recursive: true });
  fs.writeFileSync(at(name), content);
  return at(name);
};
const reopen = (linkTypes?: readonly LinkType[]): void => {
  ctx.close();
  ctx = open(linkTypes);
};

describe('the manifest of a large directory', () => {
  it('is written and read in pieces, and only as what its name promises', () => {
    const files = Array.from({ length: 20_000 }, (_, i) => ({
      relpath: `d/f${i}`,
      md5: digestOf(Buffer.from(`${i}`)),
    }));
    const id = { md5: manifestId(files), hashName: 'md5' as const };
    writeManifest(ctx, id, () => files);
    expect(readManifest(ctx, id)).toEqual([...files].sort((a, b) => (a.relpath < b.relpath ? -1 : 1)));
    const object = at(`.dvc/cache/files/md5/${id.md5.slice(0, 2)}/${id.md5.slice(2)}`);
    expect(fs.statSync(object).size).toBeGreaterThan(1 << 20);
    fs.chmodSync(object, 0o644);
    fs.appendFileSync(object, ' ');
    expect(() => readManifest(ctx, id)).toThrow(expect.objectContaining({ code: 'corrupt_object' }));
  });
});

it('adding again stores what the cache lost, also after it was known to be whole', async () => {
  write('d/a', 'hello');
  write('d/b', 'other');
  await commitOut(ctx, at('d'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (let round = 0; round < 3; round++) {
    reopen();
    const content = await commitOut(ctx, at('d'));
    reopen();
    expect(ctx.complete.has(content.md5, 'md5')).toBe(round === 0);
    const object = at('.dvc/cache/files/md5/5d/41402abc4b2a76b9719d911017c592');
    expect(fs.readFileSync(object, 'utf8')).toBe('hello');
    fs.rmSync(object);
  }
});

it('a checkout clears away what one that was killed left in the private folder a day ago', async () => {
  write('d/a', 'a');
  const content = await commitOut(ctx, at('d'));
  const left = at('.mlops/tmp/checkout-1-abc');
  fs.mkdirSync(`${left}/tree`, { recursive: true });
  fs.rmSync(at('d'), { recursive: true });
  await checkoutOut(ctx, at('d'), content);
  expect(fs.existsSync(left)).toBe(true);
  const before = new Date(Date.now() - 2 * 86_400_000);
  fs.utimesSync(left, before, before);
  fs.rmSync(at('d'), { recursive: true });
  await checkoutOut(ctx, at('d'), content);
  expect(fs.existsSync(left)).toBe(false);
});

describe('committing', () => {
  it('puts a file into the cache, read-only, under its md5', async () => {
    expect(await commitOut(ctx, write('x', 'hello'))).toEqual({
      md5: '5d41402abc4b2a76b9719d911017c592',
      hashName: 'md5',
      size: 5,
    });
    const object = at('.dvc/cache/files/md5/5d/41402abc4b2a76b9719d911017c592');
    expect(fs.readFileSync(object, 'utf8')).toBe('hello');
    expect(fs.statSync(object).mode & 0o777).toBe(0o444);
    expect(fs.readdirSync(at('.dvc/cache/files/md5'))).toEqual(['5d']);
  });

  it('records the x-bit of a file', async () => {
    fs.chmodSync(write('x', 'run'), 0o755);
    expect((await commitOut(ctx, at('x'))).isexec).toBe(true);
  });

  it('puts a directory into the cache with a manifest, and leaves out what is ignored', async () => {
    write('d/a', 'a');
    write('d/sub/b', 'bb');
    write('d/c.ignored', 'c');
    fs.mkdirSync(at('d/empty'));
    const content = await commitOut(ctx, at('d'));
    expect(content).toMatchObject({ size: 3, nfiles: 2 });
    expect(content.md5).toMatch(/^[0-9a-f]{32}\.dir$/);
    expect(objectExists(ctx, content)).toBe(true);
  });

  it('takes large files by a copy in the kernel', async () => {
    const content = Buffer.alloc(3 << 20, 'large file ');
    fs.writeFileSync(at('big'), content);
    const { md5 } = await commitOut(ctx, at('big'));
    expect(fs.readFileSync(at(`.dvc/cache/files/md5/${md5.slice(0, 2)}/${md5.slice(2)}`)).equals(content)).toBe(true);
  });

  it('stores again what the cache lost, although the index knows its digest', async () => {
    write('d/a', 'a');
    const content = await commitOut(ctx, at('d'));
    fs.rmSync(at('.dvc/cache'), { recursive: true });
    reopen();
    await commitOut(ctx, at('d'));
    expect(objectExists(ctx, content)).toBe(true);
  });

  it('refuses a FIFO, a broken link and a link to itself with a word about each', async () => {
    fs.mkdirSync(at('d'));
    execFileSync('mkfifo', [at('d/pipe')]);
    await expect(commitOut(ctx, at('d'))).rejects.toThrow(/is a FIFO/);
    fs.rmSync(at('d/pipe'));
    fs.symlinkSync('nowhere', at('d/broken'));
    await expect(commitOut(ctx, at('d'))).rejects.toMatchObject({ code: 'special_file' });
    fs.rmSync(at('d/broken'));
    fs.symlinkSync('loop', at('d/loop'));
    await expect(commitOut(ctx, at('d'))).rejects.toMatchObject({ code: 'special_file' });
  });

  it.each(['hardlink', 'symlink'] as const)('turns files into links: %s', async (type) => {
    reopen([type]);
    write('d/a', 'same');
    write('d/b', 'same');
    await commitOut(ctx, at('d'));
    for (const name of ['a', 'b']) {
      const stat = fs.lstatSync(at(`d/${name}`));
      expect(type === 'symlink' ? stat.isSymbolicLink() : stat.nlink === 3).toBe(true);
    }
    expect(unprotect(ctx, at('d'))).toBe(2);
    fs.writeFileSync(at('d/a'), 'mine');
    expect(fs.readFileSync(at('d/b'), 'utf8')).toBe('same');
  });
});

describe('hashing again', () => {
  it('reads no file whose facts did not change', async () => {
    write('d/a', 'a');
    const before = await hashPath(ctx, at('d'));
    reopen();
    const secret = fs.statSync(at('d/a'));
    // Same length, same inode, and the clock turned back: only the ctime tells, and it is looked at.
    fs.writeFileSync(at('d/a'), 'b');
    fs.utimesSync(at('d/a'), secret.atime, secret.mtime);
    expect((await hashPath(ctx, at('d')))?.md5).not.toBe(before?.md5);
  });

  it('sees files that came and went', async () => {
    write('d/a', 'a');
    const before = await hashPath(ctx, at('d'));
    write('d/b', 'b');
    expect((await hashPath(ctx, at('d')))?.nfiles).toBe(2);
    fs.rmSync(at('d/b'));
    expect(await hashPath(ctx, at('d'))).toEqual(before);
  });

  it('starts over when the index is garbage', async () => {
    write('d/a', 'a');
    const before = await hashPath(ctx, at('d'));
    ctx.close();
    fs.writeFileSync(at('.mlops/index.sqlite'), 'garbage '.repeat(1000));
    ctx = open();
    expect(await hashPath(ctx, at('d'))).toEqual(before);
  });
});

describe('checking out', () => {
  it.each(['copy', 'hardlink', 'symlink', 'reflink,copy'])('makes a directory that is not there: %s', async (types) => {
    reopen(types.split(',') as LinkType[]);
    write('d/a', 'a');
    write('d/sub/b', 'bb');
    write('d/empty', '');
    const content = await commitOut(ctx, at('d'));
    fs.rmSync(at('d'), { recursive: true });
    const plan = await checkoutOut(ctx, at('d'), content);
    expect(plan.counts).toEqual({ added: 3, modified: 0, deleted: 0 });
    expect(fs.readFileSync(at('d/sub/b'), 'utf8')).toBe('bb');
    expect(await statusOf(ctx, at('d'), content, { cached: true })).toBeUndefined();
    expect(fs.existsSync(at('.mlops/tmp')) ? fs.readdirSync(at('.mlops/tmp')) : []).toEqual([]);
  });

  it('changes only what differs', async () => {
    write('d/a', 'a');
    write('d/b', 'b');
    const content = await commitOut(ctx, at('d'));
    write('d/b', 'B');
    write('d/c/d', 'c');
    await commitOut(ctx, at('d'));
    const inode = fs.statSync(at('d/a')).ino;
    const plan = await checkoutOut(ctx, at('d'), content);
    // As DVC counts: the folder that vanished is one of the deleted.
    expect(plan.counts).toEqual({ added: 0, modified: 1, deleted: 2 });
    expect(fs.readdirSync(at('d'))).toEqual(['a', 'b']);
    expect(fs.statSync(at('d/a')).ino).toBe(inode);
  });

  it('does not lose what is saved nowhere, unless forced', async () => {
    write('d/a', 'a');
    const content = await commitOut(ctx, at('d'));
    write('d/mine', 'only here');
    await expect(checkoutOut(ctx, at('d'), content)).rejects.toMatchObject({
      code: 'unsaved_files',
      data: { paths: [at('d/mine')] },
    });
    expect(fs.existsSync(at('d/mine'))).toBe(true);
    await checkoutOut(ctx, at('d'), content, { force: true });
    expect(fs.existsSync(at('d/mine'))).toBe(false);
  });

  it('hands out nothing corrupt, even where the object is read-only with the right size', async () => {
    const content = await commitOut(ctx, write('x', 'hello'));
    fs.rmSync(at('x'));
    const object = at('.dvc/cache/files/md5/5d/41402abc4b2a76b9719d911017c592');
    fs.chmodSync(object, 0o644);
    fs.writeFileSync(object, 'HELLO');
    fs.chmodSync(object, 0o444);
    await expect(checkoutOut(ctx, at('x'), content)).rejects.toMatchObject({ code: 'corrupt_object' });
    expect(fs.existsSync(at('x'))).toBe(false);
  });

  it('touches nothing when an object is missing', async () => {
    write('d/a', 'a');
    write('d/b', 'b');
    const content = await commitOut(ctx, at('d'));
    write('d/b', 'B');
    await commitOut(ctx, at('d'));
    fs.rmSync(at('.dvc/cache/files/md5/92'), { recursive: true });
    ctx.forgetObjects();
    await expect(checkoutOut(ctx, at('d'), content)).rejects.toMatchObject({ code: 'object_missing' });
    expect(fs.readFileSync(at('d/b'), 'utf8')).toBe('B');
  });

  it('restores the x-bit, and files over directories and back', async () => {
    fs.chmodSync(write('x', 'run'), 0o755);
    const file = await commitOut(ctx, at('x'));
    fs.rmSync(at('x'));
    write('x/y', 'dir');
    const directory = await commitOut(ctx, at('x'));
    await checkoutOut(ctx, at('x'), file);
    expect(fs.statSync(at('x')).mode & 0o100).toBe(0o100);
    await checkoutOut(ctx, at('x'), directory);
    expect(fs.readFileSync(at('x/y'), 'utf8')).toBe('dir');
  });
});
