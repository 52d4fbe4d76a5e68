import * as path from 'node:path';

import { describe, expect, it } from 'vitest';

import { destinationOf } from '../workspace/add-out.ts';
import { splitSource } from './source.ts';

describe('the parts of an address', () => {
  it.each([
    ['https://host/a/b.csv?x=1/2', 'https://host/a', 'b.csv?x=1/2'],
    ['https://host/a/b.csv#part', 'https://host/a', 'b.csv#part'],
    ['s3://bucket', 's3://bucket', ''],
    ['s3://bucket///', 's3://bucket', ''],
    ['s3://bucket/folder//', 's3://bucket', 'folder'],
    ['/srv/data/', '/srv', 'data'],
  ])('%s lies in %s', (source, folder, key) => {
    expect(splitSource(source)).toEqual({ folder, key });
  });

  it.each([
    ['https://host/a/b.csv?x=1/2', 'b.csv'],
    ['https://host/a/b.csv#part?', 'b.csv'],
    ['s3://bucket/folder//', 'folder'],
    ['a:b', 'b'],
  ])('%s lends the name %s', (source, name) => {
    expect(destinationOf('/nowhere', source, undefined, true)).toBe(path.resolve('/nowhere', name));
  });

  it.each(['/', '?', '#', '?\n', 'a/', '/\n'])('are found at once in 200 kB of %j', (word) => {
    const address = `s3://b/${word.repeat(200_000 / word.length)}x`;
    const from = performance.now();
    splitSource(address);
    try {
      destinationOf('/nowhere', address, undefined, true);
    } catch (error) {
      expect(error).toMatchObject({ name: 'MlopsError' });
    }
    expect(performance.now() - from).toBeLessThan(500);
  });
});
