import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

import { openDataIn } from '../../../test/support/data.ts';
import { hashPath } from '../index.ts';

function folder(): string {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'young-'));
  onTestFinished(() => fs.rmSync(root, { recursive: true, force: true }));
  return root;
}

const later = new Date(Date.now() + 3_600_000);

/** A file with a second name, whose ctime does not count, and an mtime that is always younger than a tick. */
function youngFile(root: string, text: string): string {
  const file = path.join(root, 'x');
  fs.writeFileSync(file, text);
  if (!fs.existsSync(path.join(root, 'y'))) fs.linkSync(file, path.join(root, 'y'));
  fs.utimesSync(file, later, later);
  return file;
}

it('sees that a file changed within one tick of the file clock, in the same command and in the next one', async () => {
  const root = folder();
  const first = openDataIn(root);
  const file = youngFile(root, 'one');
  const md5 = (await hashPath(first, file))?.md5;
  youngFile(root, 'two');
  expect((await hashPath(first, file))?.md5).not.toBe(md5);
  youngFile(root, 'one');
  await hashPath(first, file);
  youngFile(root, 'two');
  first.close();
  const second = openDataIn(root);
  expect((await hashPath(second, file))?.md5).not.toBe(md5);
  second.close();
});

it('puts a file into the index at the end when it is still the same', async () => {
  const root = folder();
  const first = openDataIn(root);
  await hashPath(first, youngFile(root, 'one'));
  expect(first.index.directory(root, 'md5')).toBeUndefined();
  first.close();
  const second = openDataIn(root);
  expect(second.index.directory(root, 'md5')?.names).toEqual(['x']);
  second.close();
});
