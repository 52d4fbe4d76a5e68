import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it } from 'vitest';

import { mlops, temporaryFolder } from '../../cli.ts';
import { describeWithTool } from '../../tools.ts';

interface Case {
  readonly name: string;
  readonly number: number;
  readonly found: Readonly<Record<string, number | null>>;
}

interface Report {
  readonly metrics: Readonly<
    Record<string, { readonly value: number | null; readonly low: number; readonly high: number }>
  >;
}

describeWithTool('science', 'performance', ({ science }) => {
  it("is scikit-learn's to a billionth and COCO's to a millionth, from the log to the JSON", () => {
    const folder = temporaryFolder();
    execFileSync(science, [path.join(import.meta.dirname, 'performance_cases.py'), folder]);
    const cases = JSON.parse(fs.readFileSync(path.join(folder, 'cases.json'), 'utf8')) as readonly Case[];
    const wrong: unknown[] = [];
    for (const { name, number, found } of cases) {
      const log = ['--predictions', `log${number}`];
      for (const [verb, file] of [
        ['log', `${number}.jsonl`],
        ['label', `${number}.labels.jsonl`],
      ] as const) {
        const taken = mlops(folder, ['monitor', verb, file, ...log]);
        if (taken.status !== 0) wrong.push([name, taken.stderr]);
      }
      const { stdout } = mlops(folder, ['monitor', 'performance', '--json', ...log]);
      const { metrics } = JSON.parse(stdout) as Report;
      for (const [metric, want] of Object.entries(found)) {
        const got = metrics[metric];
        const slack = metric.startsWith('map_') ? 1e-6 : 1e-9 * Math.max(1, Math.abs(want ?? 0));
        const same = want === null ? got?.value === null : Math.abs((got?.value ?? Number.NaN) - want) <= slack;
        if (!same) wrong.push([name, metric, want, got]);
        else if (want !== null && !(got !== undefined && got.low <= got.high))
          wrong.push([name, metric, 'interval', got]);
      }
    }
    expect(wrong).toEqual([]);
    expect(cases.length).toBeGreaterThan(15);
  }, 180_000);
});
