import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { placeOver } from './copy-out.ts';
import { materialize } from './source.ts';

let root: string;
const at = (file: string): string => path.join(root, file);
const put = (file: string, text: string, mode = 0o644): void => {
  fs.mkdirSync(path.dirname(at(file)), { recursive: true });
  fs.writeFileSync(at(file), text, { mode });
};
const read = (file: string): string => fs.readFileSync(at(file), 'utf8');

beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'sources-'));
  onTestFinished(() => fs.rmSync(root, { recursive: true, force: true }));
});

describe('what comes from a path', () => {
  it('replaces what was there, follows links, and is not executable', async () => {
    put('from/a', 'new', 0o755);
    put('other', 'linked');
    fs.symlinkSync(at('other'), at('from/link'));
    put('to/old', 'old');
    await materialize({ cwd: root }, 'from', at('to'));
    expect(fs.readdirSync(at('to')).toSorted()).toEqual(['a', 'link']);
    expect([read('to/a'), fs.lstatSync(at('to/link')).isFile(), fs.statSync(at('to/a')).mode & 0o111]).toEqual([
      'new',
      true,
      0,
    ]);
  });

  it('tells its size, and what is missing', async () => {
    put('a', '12345');
    expect(await materialize({ cwd: root }, 'a', at('deep/er/b'))).toMatchObject({ size: 5 });
    await expect(materialize({ cwd: root }, 'none', at('c'))).rejects.toMatchObject({ code: 'object_missing' });
    await expect(materialize({ cwd: root }, 'remote://nowhere/a', at('c'))).rejects.toMatchObject({
      code: 'no_remote',
    });
  });

  it('may be copied to a place inside of itself', async () => {
    put('data/a', 'a');
    await materialize({ cwd: root }, 'data', at('data/copy'));
    expect([fs.readdirSync(at('data/copy')), read('data/copy/a')]).toEqual([['a'], 'a']);
  });
});

describe('a folder that is merged', () => {
  it('replaces files, joins folders, and leaves the rest', () => {
    put('from/a', 'new');
    put('from/sub/b', 'new');
    put('to/a', 'old');
    put('to/sub/c', 'old');
    placeOver(at('from'), at('to'));
    expect([read('to/a'), read('to/sub/b'), read('to/sub/c')]).toEqual(['new', 'new', 'old']);
  });

  it('puts no file over a folder, and no folder over a file', () => {
    put('from/a/x', 'new');
    put('to/a', 'old');
    expect(() => placeOver(at('from'), at('to'))).toThrow(expect.objectContaining({ code: 'files_in_the_way' }));
    expect(() => placeOver(at('to'), at('from'))).toThrow(expect.objectContaining({ code: 'files_in_the_way' }));
    expect([read('from/a/x'), read('to/a')]).toEqual(['new', 'old']);
  });
});
