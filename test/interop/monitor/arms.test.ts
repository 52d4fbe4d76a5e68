import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it } from 'vitest';

import { compareArms, ratioMismatch, sampleSize } from '../../../src/monitor/index.ts';
import { temporaryFolder } from '../../cli.ts';
import { describeWithTool } from '../../tools.ts';

interface Cases {
  readonly pairs: readonly {
    readonly name: string;
    readonly first: readonly number[];
    readonly second: readonly number[];
    readonly welch?: readonly number[];
    readonly mannwhitney: readonly number[];
    readonly proportions?: readonly number[];
  }[];
  readonly ratios: readonly {
    readonly counts: readonly number[];
    readonly shares: readonly number[];
    readonly p: number;
  }[];
  readonly plans: readonly {
    readonly baseline: number;
    readonly effect: number;
    readonly deviation?: number;
    readonly alpha: number;
    readonly power: number;
    readonly n: number;
  }[];
}

describeWithTool('science', 'arms', ({ science }) => {
  it("are compared and planned as scipy's and statsmodels' numbers say, to a billionth", () => {
    const file = path.join(temporaryFolder(), 'cases.json');
    execFileSync(science, [path.join(import.meta.dirname, 'arms_cases.py'), file]);
    // JSON has no NaN; Python writes one.
    const { pairs, ratios, plans } = JSON.parse(fs.readFileSync(file, 'utf8').replaceAll('NaN', 'null')) as Cases;
    const wrong: unknown[] = [];
    const check = (name: string, want: readonly number[] | undefined, got: readonly number[] | undefined): void => {
      const same =
        want === undefined || got === undefined
          ? want === got
          : want.every((value, i) => Math.abs((got[i] ?? Number.NaN) - value) <= 1e-9 * Math.max(1, Math.abs(value)));
      if (!same) wrong.push([name, want, got]);
    };
    for (const { name, first, second, ...want } of pairs) {
      const { welch, mannwhitney, proportions, bootstrap, sequential } = compareArms(first, second);
      const { difference = 0 } = welch ?? {};
      check(
        `${name}: welch`,
        want.welch,
        welch === null ? undefined : [difference, welch.statistic, welch.p, ...welch.ci],
      );
      check(`${name}: mann-whitney`, want.mannwhitney, [mannwhitney?.statistic ?? 0, mannwhitney?.p ?? 0]);
      check(
        `${name}: proportions`,
        want.proportions,
        proportions === null ? undefined : [proportions.statistic, proportions.p, ...proportions.ci],
      );
      const [low, high] = bootstrap?.ci ?? [1, 0];
      if (!(low <= high)) wrong.push([name, 'bootstrap', bootstrap]);
      // What holds at every moment is never surer than what holds at one.
      if (welch !== null && sequential !== null && welch.p > 1e-9 && sequential.p < welch.p)
        wrong.push([name, sequential, welch]);
    }
    for (const { counts, shares, p } of ratios) check('ratio', [p], [ratioMismatch(counts, shares) ?? -1]);
    for (const plan of plans) check(JSON.stringify(plan), [plan.n], [sampleSize(plan)]);
    expect(wrong).toEqual([]);
    expect(pairs.length).toBeGreaterThan(15);
  }, 120_000);
});
