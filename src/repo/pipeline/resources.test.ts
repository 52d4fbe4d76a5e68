import { expect, it } from 'vitest';

import type { PyValue } from '../../base/index.ts';
import type { Stage } from '../../project/index.ts';
import { ResourcePool, resourcesOf } from './resources.ts';

/** A stage of which only `meta` counts. */
const stage = (own: Readonly<Record<string, PyValue>>): Stage =>
  ({
    meta: new Map<PyValue, PyValue>([['mlops', new Map<PyValue, PyValue>(Object.entries(own))]]),
  }) as unknown as Stage;

it.each([
  [4_000_000_000, 4_000_000_000],
  ['4GiB', 4 * 1024 ** 3],
  ['4G', 4_000_000_000],
  ['1.5 kB', 1500],
  ['512MiB', 512 * 1024 ** 2],
  ['7', 7],
])('reads memory %s', (given, bytes) => {
  expect(resourcesOf(stage({ memory: given }))).toEqual({ memoryBytes: bytes });
});

it('leaves out what it cannot read', () => {
  expect(resourcesOf(stage({ memory: 'much', cpus: 'all', gpus: 2 }))).toEqual({ gpus: 2 });
  expect(resourcesOf({} as Stage)).toBeUndefined();
});

it('gives out no more than there is, and everything to a stage that is alone', () => {
  const big = stage({ memory: '3GB' });
  const small = stage({ memory: '1GB', cpus: 2 });
  const pool = new ResourcePool(3, { memoryBytes: 3.5e9, gpus: 1 });
  expect([pool.take(big), pool.take(small)]).toEqual([true, false]);
  pool.give(big);
  expect([pool.take(small), pool.take(small), pool.take(stage({}))]).toEqual([true, false, true]);
  const alone = new ResourcePool(1, { gpus: 1 });
  expect([alone.take(stage({ gpus: 8 })), alone.take(stage({}))]).toEqual([true, false]);
});
