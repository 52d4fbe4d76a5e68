import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { digestOf } from '../ids/digest.ts';
import { listObjects } from '../ids/layout.ts';
import { openStaging, stagedPath, type Staging } from './staging.ts';

let cache: string;
let base: string;

beforeEach(() => {
  cache = fs.mkdtempSync(path.join(os.tmpdir(), 'staging-'));
  base = path.join(cache, 'files/md5');
});
afterEach(() => fs.rmSync(cache, { recursive: true, force: true }));

const ids = Array.from({ length: 2000 }, (_, i) => digestOf(Buffer.from(String(i))));
const isStaged = (staging: Staging, id: string): boolean => staging.pairs[Number.parseInt(id.slice(0, 2), 16)] === 1;

function open(): Staging {
  const staging = openStaging(cache, ids.length);
  if (staging === undefined) throw new Error('nothing was staged');
  return staging;
}

it('holds objects that no listing of the cache sees until they are published', () => {
  const staging = open();
  for (const id of ids) fs.writeFileSync(stagedPath(staging.directory, id), id);
  expect(listObjects(cache, 'md5').size).toBe(0);
  staging.publish();
  expect([...listObjects(cache, 'md5')].sort()).toEqual([...ids].sort());
  expect(fs.readdirSync(base).every((name) => /^[0-9a-f]{2}$/.test(name))).toBe(true);
});

it('takes only pairs of digits that the cache has no folder for', () => {
  fs.mkdirSync(path.join(base, '00'), { recursive: true });
  const staging = open();
  expect(staging.pairs[0]).toBe(0);
  expect(staging.pairs[255]).toBe(1);
  staging.publish();
  expect(fs.readdirSync(base)).toEqual(['00']);
});

it('joins what another command put there meanwhile', () => {
  const staging = open();
  const [id = ''] = ids.filter((known) => isStaged(staging, known));
  fs.writeFileSync(stagedPath(staging.directory, id), id);
  const other = `${id.slice(0, 2)}${'0'.repeat(30)}`;
  fs.mkdirSync(path.join(base, id.slice(0, 2)));
  fs.writeFileSync(path.join(base, id.slice(0, 2), other.slice(2)), '');
  staging.publish();
  expect([...listObjects(cache, 'md5')].sort()).toEqual([id, other].sort());
});

it('clears away what a command that was killed left a day ago, and nothing younger', () => {
  const [old, young] = ['a', 'b'].map((letter) => path.join(base, `.${letter.repeat(22)}.tmp`));
  for (const folder of [old, young]) fs.mkdirSync(path.join(folder ?? '', '00.tmp'), { recursive: true });
  const before = new Date(Date.now() - 2 * 86_400_000);
  fs.utimesSync(old ?? '', before, before);
  open().publish();
  expect(fs.existsSync(old ?? '')).toBe(false);
  expect(fs.existsSync(young ?? '')).toBe(true);
});

it('is not worth its folders for a few objects, or where all pairs exist', () => {
  expect(openStaging(cache, 100)).toBeUndefined();
  for (let pair = 0; pair < 256; pair++) {
    fs.mkdirSync(path.join(base, pair.toString(16).padStart(2, '0')), { recursive: true });
  }
  expect(openStaging(cache, 100_000)).toBeUndefined();
});
