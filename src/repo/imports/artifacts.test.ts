import * as fc from 'fast-check';
import { expect, it } from 'vitest';

import { compareVersions, readTag } from './artifacts.ts';

it('orders versions as semantic versioning does, pre-releases before their release', () => {
  const ordered = [
    ...['v0.9.9', 'v1.0.0-1', 'v1.0.0-2', 'v1.0.0-10', 'v1.0.0-alpha', 'v1.0.0-alpha.1', 'v1.0.0-beta', 'v1.0.0'],
    ...['v1.0.1', 'v1.2.0', 'v1.10.0', 'v2.0.0'],
  ];
  expect([...ordered].reverse().sort(compareVersions)).toEqual(ordered);
});

it('reads tags as the expression of GTO does, in linear time', () => {
  const pattern = /^(?<artifact>.+?)(?:#(?<stage>[\w/-]+)|@(?<version>v\d+\.\d+\.\d+[\w.+-]*))!?(?:#\d+)?$/;
  const words = ['#', '#', '@', '@v1.2.3', '-rc.1', '!', '#7', '7', 'prod', 'a/b=m', '.'];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words), { maxLength: 8 }), (chosen) => {
      const tag = chosen.join('');
      const groups = pattern.exec(tag)?.groups;
      expect(readTag(tag)).toEqual(groups && { ...groups });
    }),
    { numRuns: 5_000 },
  );
  expect(readTag('m#prod#7')).toEqual({ artifact: 'm', stage: 'prod', version: undefined });
  for (const word of ['#', '#a', '#7', '@v1.1.', '1', '#a!', '@v1.1.1']) {
    const from = performance.now();
    readTag(`m@v1.1.1${word.repeat(200_000 / word.length)}?`);
    expect(performance.now() - from, word).toBeLessThan(500);
  }
});
