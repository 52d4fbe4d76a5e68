import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { checkDrift, checkTogether, driftMethods, type MethodName } from '../../../src/monitor/index.ts';
import { loadColumns, openTable, type Column } from '../../../src/tables/index.ts';
import { describeWithTool } from '../../tools.ts';

interface Case {
  readonly name: string;
  readonly reference: string;
  readonly current: string;
  readonly found?: Readonly<Record<string, readonly [statistic: number | null, pValue: number | null]>>;
  readonly together?: Readonly<Record<string, number>>;
  readonly standardized?: Readonly<Record<string, number>>;
}

/** Relative, or absolute near zero. */
function far(got: number | null, want: number | null): boolean {
  if (got === null || want === null) return got !== want;
  return Math.abs(got - want) > 1e-6 * Math.abs(want) + 1e-13;
}

describeWithTool('science', 'drift', ({ science }) => {
  let folder = '';
  let cases: readonly Case[] = [];
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'drift-cases-'));
    execFileSync(science, [path.join(import.meta.dirname, 'drift_cases.py'), folder]);
    cases = JSON.parse(fs.readFileSync(path.join(folder, 'cases.json'), 'utf8')) as Case[];
  }, 300_000);
  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

  const load = (file: string): Promise<ReadonlyMap<string, Column>> => loadColumns(openTable(path.join(folder, file)));

  it("is what SciPy's definitions say, in any file format, to a millionth", async () => {
    const wrong: unknown[] = [];
    let compared = 0;
    for (const one of cases) {
      const [reference, current] = [await load(one.reference), await load(one.current)];
      for (const [method, [statistic, pValue]] of Object.entries(one.found ?? {})) {
        const { x } = checkDrift(reference, current, { method: method as MethodName }).columns;
        compared++;
        const same =
          x?.method === method && !far(x.statistic, statistic) && (pValue === null || !far(x.p_value, pValue));
        if (!same) wrong.push([one.name, method, [statistic, pValue], [x?.method, x?.statistic, x?.p_value]]);
      }
    }
    expect(wrong).toEqual([]);
    expect(compared).toBeGreaterThan(1000);
    expect(new Set(cases.flatMap(({ found }) => Object.keys(found ?? {}))).size).toBe(Object.keys(driftMethods).length);
  }, 300_000);

  it('of rows together is what its formulas say', async () => {
    const wrong: unknown[] = [];
    for (const { name, reference, current, together, standardized } of cases) {
      if (together === undefined) continue;
      const [x, y] = [await load(reference), await load(current)];
      for (const [want, standardize] of [
        [together, false],
        [standardized, true],
      ] as const) {
        const mmd = checkTogether('mmd', x, y, { standardize });
        const centroid = checkTogether('centroid', x, y, { standardize });
        const got = { mmd: mmd.statistic, centroid: centroid.statistic, euclidean: Number(centroid['euclidean']) };
        for (const [method, value] of Object.entries(got)) {
          if (far(value, want?.[method] ?? null)) wrong.push([name, method, standardize, want?.[method], value]);
        }
      }
    }
    expect(wrong).toEqual([]);
  }, 120_000);
});
