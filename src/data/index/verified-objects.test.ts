import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { localStore } from '../../storage/index.ts';
import { openDataIn } from '../../../test/support/data.ts';
import { checkoutOut, commitOut, fetchContents, objectKey, pushContents, removeLocal } from '../index.ts';
import type { Content, DataContext } from '../index.ts';

let root: string;
let ctx: DataContext;
let content: Content;

const open = (): DataContext => openDataIn(root);
const laterCommand = (): void => {
  ctx.close();
  ctx = open();
};
const file = (): string => path.join(root, 'big');
const object = (): string => path.join(root, '.dvc/cache', objectKey(content.md5, 'md5'));
const isVerified = (): boolean => ctx.verified.has(content.md5, 'md5');

beforeEach(async () => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'verified-'));
  ctx = open();
  fs.writeFileSync(file(), Buffer.alloc(9 << 20, 'big'));
  content = await commitOut(ctx, file());
  laterCommand();
});
afterEach(() => {
  ctx.close();
  fs.rmSync(root, { recursive: true, force: true });
});

/** As much as possible looks as before: size, mode and mtime. */
function spoilObject(): void {
  const { atime, mtime } = fs.statSync(object());
  fs.chmodSync(object(), 0o644);
  const fd = fs.openSync(object(), 'r+');
  fs.writeSync(fd, 'X', 5 << 20);
  fs.closeSync(fd);
  fs.chmodSync(object(), 0o444);
  fs.utimesSync(object(), atime, mtime);
}

describe('a large object of the cache', () => {
  it('counts as verified once it was hashed', () => {
    expect(isVerified()).toBe(true);
  });

  it('that was hashed on its way to a remote or to the workspace does so too', async () => {
    const store = localStore(path.join(root, 'remote'));
    for (const use of [
      async () => pushContents(ctx, store, [content]),
      async () => checkoutOut(ctx, path.join(root, 'copy'), content),
    ]) {
      ctx.close();
      fs.rmSync(path.join(root, '.mlops'), { recursive: true });
      ctx = open();
      expect(isVerified()).toBe(false);
      await use();
      laterCommand();
      expect(isVerified()).toBe(true);
    }
  });

  it('and one that came from a remote', async () => {
    const store = localStore(path.join(root, 'remote'));
    await pushContents(ctx, store, [content]);
    removeLocal(ctx, 'md5', [content.md5]);
    expect(isVerified()).toBe(false);
    await fetchContents(ctx, store, [content]);
    laterCommand();
    expect(isVerified()).toBe(true);
  });

  it('is hashed again after a change that left size, mode and mtime, and is not handed on', async () => {
    const store = localStore(path.join(root, 'remote'));
    spoilObject();
    expect(isVerified()).toBe(false);
    const { failures } = await pushContents(ctx, store, [content]);
    expect(failures).toMatchObject([{ md5: content.md5, reason: 'corrupt' }]);
    fs.rmSync(file());
    await expect(checkoutOut(ctx, file(), content)).rejects.toMatchObject({ code: 'corrupt_object' });
    expect(fs.existsSync(file())).toBe(false);
  });

  it('is hashed again when it has a second name, through which it could be changed', () => {
    fs.linkSync(object(), path.join(root, 'second'));
    expect(isVerified()).toBe(false);
  });

  it('that was there before a file with its content is not vouched for', async () => {
    spoilObject();
    fs.writeFileSync(path.join(root, 'same'), Buffer.alloc(9 << 20, 'big'));
    await commitOut(ctx, path.join(root, 'same'));
    laterCommand();
    expect(isVerified()).toBe(false);
  });
});
