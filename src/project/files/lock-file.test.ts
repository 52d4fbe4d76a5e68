import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { PyFloat, type PyMap, type PyValue } from '../../base/index.ts';
import { lockedStageMap, parseLockFile } from './lock-file.ts';
import { putLockedStage } from './lock-write.ts';
import type { LockedStage, LockEntry } from './stage.ts';
import { arbitraryText, arbitraryYaml } from '../../../test/support/yaml-arbitrary.ts';
import { dumpYaml } from '../yaml/write.ts';

const digest = fc.stringMatching(/^[0-9a-f]{32}$/);

const entry: fc.Arbitrary<LockEntry> = fc
  .tuple(fc.stringMatching(/^[a-zA-Z0-9_ ./é-]{1,60}$/), digest, fc.nat(), fc.boolean())
  .map(([path, md5, size, isDirectory]) => ({
    path,
    info: isDirectory ? { md5: `${md5}.dir`, hashName: 'md5', size, nfiles: 2 } : { md5, hashName: 'md5', size },
  }));

const stage: fc.Arbitrary<LockedStage> = fc
  .tuple(
    fc.oneof(arbitraryText, fc.array(arbitraryText, { minLength: 1, maxLength: 3 })),
    fc.uniqueArray(entry, { maxLength: 3, selector: ({ path }) => path }),
    fc.uniqueArray(entry, { maxLength: 3, selector: ({ path }) => path }),
    fc.dictionary(fc.stringMatching(/^[a-z.]{1,8}$/), arbitraryYaml, { maxKeys: 3, noNullPrototype: true }),
  )
  .map(([cmd, deps, outs, params]) => ({
    cmd,
    deps,
    outs,
    params: new Map(Object.keys(params).length === 0 ? [] : [['params.yaml', new Map(Object.entries(params))]]),
  }));

const stages = fc
  .uniqueArray(fc.tuple(fc.stringMatching(/^[a-z0-9_@-]{1,12}$/), stage), {
    minLength: 1,
    maxLength: 5,
    selector: ([name]) => name,
  })
  .filter((list) => !/[\u0085\u2028\u2029]/.test(list.map(([, each]) => dumpYaml(lockedStageMap(each))).join('')));

function whole(list: Iterable<readonly [string, LockedStage]>): string {
  const sections: PyMap = new Map([...list].map(([name, each]) => [name, lockedStageMap(each)]));
  return dumpYaml(
    new Map<PyValue, PyValue>([
      ['schema', '2.0'],
      ['stages', sections],
    ]),
  );
}

describe('dvc.lock', () => {
  it('grows and changes stage by stage to the text that DVC would write at once', () => {
    fc.assert(
      fc.property(stages, stages, (first, second) => {
        let text: string | undefined;
        const expected = new Map<string, LockedStage>();
        for (const [name, each] of [...first, ...second]) {
          text = putLockedStage(text, name, each, 'dvc.lock');
          expected.set(name, each);
          expect(text).toBe(whole(expected));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('says after reading what was written', () => {
    fc.assert(
      fc.property(stages, (list) => {
        const read = parseLockFile(whole(list), 'dvc.lock');
        expect([...read].map(([name, each]) => [name, lockedStageMap(each)])).toEqual(
          list.map(([name, each]) => [name, lockedStageMap(each)]),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('sorts entries and params, params.yaml first', () => {
    const text = putLockedStage(
      undefined,
      's',
      {
        cmd: 'x',
        deps: [
          { path: 'b', info: { md5: 'aaa', hashName: 'md5' } },
          { path: 'B', info: { md5: 'bbb', hashName: 'md5-dos2unix', isexec: true } },
        ],
        params: new Map([
          ['a.json', new Map<PyValue, PyValue>([['k', 1]])],
          [
            'params.yaml',
            new Map<PyValue, PyValue>([
              ['z', new PyFloat(1)],
              ['a', null],
            ]),
          ],
        ]),
        outs: [],
      },
      'dvc.lock',
    );
    expect(text).toBe(
      "schema: '2.0'\nstages:\n  s:\n    cmd: x\n    deps:\n    - path: B\n      md5: bbb\n      isexec: true\n" +
        '    - path: b\n      hash: md5\n      md5: aaa\n    params:\n      params.yaml:\n        a:\n        z: 1.0\n      a.json:\n        k: 1\n',
    );
  });

  it('keeps the comments that someone wrote into it', () => {
    const text = "# do not touch\nschema: '2.0'\nstages:\n    old:   # first\n        cmd: x\n";
    const put = putLockedStage(text, 'new', { cmd: 'y', deps: [], params: new Map(), outs: [] }, 'dvc.lock');
    expect(put).toBe(`${text}    new:\n      cmd: y\n`);
  });

  it.each([
    ["schema: '1.0'\nstages: {}\n", 'invalid schema version'],
    ["schema: '2.0'\nstages:\n  a:\n    deps: []\n", 'required key not provided, in stages -> a -> cmd'],
    [
      "schema: '2.0'\nstages:\n  a:\n    cmd: x\n    outs:\n    - path: o\n      bad: 1\n",
      'extra keys not allowed, in stages -> a -> outs',
    ],
    ["schema: '2.0'\nstages:\n<<<<<<< HEAD\n  a:\n    cmd: x\n", 'possible merge conflicts'],
  ])('that is broken is refused with the place: %j', (text, message) => {
    expect(() => parseLockFile(text, 'dvc.lock')).toThrow(message);
  });
});
