import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { checkTable, parseDataSchema, type Expectation } from '../../../src/quality/index.ts';
import { openTable } from '../../../src/tables/index.ts';
import { describeWithTool } from '../../tools.ts';

interface Case {
  readonly name: string;
  readonly rows: number;
  /** Rows that fail, from 0. */
  readonly pandera: Readonly<Record<string, readonly number[]>>;
  readonly great_expectations: Readonly<Record<string, { count: number; elements: number; success: boolean }>>;
}

describeWithTool('quality', 'check data', ({ quality }) => {
  let folder = '';
  let schema = '';
  let cases: readonly Case[] = [];
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quality-cases-'));
    execFileSync(quality, [path.join(import.meta.dirname, 'quality_cases.py'), folder], { stdio: 'pipe' });
    const made = JSON.parse(fs.readFileSync(path.join(folder, 'cases.json'), 'utf8')) as {
      schema: unknown;
      cases: Case[];
    };
    schema = JSON.stringify(made.schema);
    cases = made.cases;
  }, 300_000);
  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

  const check = async (file: string): Promise<ReadonlyMap<string, Expectation>> => {
    const result = await checkTable(openTable(path.join(folder, file)), parseDataSchema(schema, 's.yaml'), {
      now: 0,
      openOther: () => Promise.reject(new Error('nothing else is read')),
      compare: () => Promise.reject(new Error('nothing is compared')),
    });
    return new Map(
      result.expectations.map((one) => [[one.expectation, one.column ?? []].flat().join(' '), one] as const),
    );
  };

  it.each(['csv', 'jsonl'])('counts the rows of %s that pandera finds, and names their lines', async (format) => {
    const first = format === 'csv' ? 2 : 1;
    let compared = 0;
    for (const { name, pandera } of cases) {
      const found = await check(`${name}.${format}`);
      for (const [key, one] of found) {
        const [kind = ''] = key.split(' ');
        if (['type', 'column_exists'].includes(kind) || key === 'unique city low') continue;
        const want = pandera[key] ?? [];
        expect([one.result.unexpected_count, one.success], `${name} ${key}`).toEqual([want.length, want.length === 0]);
        expect(
          one.result.failing.map(({ line }) => line),
          `${name} ${key}`,
        ).toEqual(want.slice(0, 20).map((row) => row + first));
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(40);
  });

  it('counts as Great Expectations does', async () => {
    let compared = 0;
    for (const { name, great_expectations: theirs } of cases) {
      const found = await check(`${name}.csv`);
      for (const [key, { count, elements, success }] of Object.entries(theirs)) {
        const one = found.get(key);
        expect([one?.result.unexpected_count, one?.result.element_count, one?.success], `${name} ${key}`).toEqual([
          count,
          elements,
          success,
        ]);
        compared++;
      }
    }
    expect(compared).toBe(9 * cases.length);
  });
});
