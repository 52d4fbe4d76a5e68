import { execFile } from 'node:child_process';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

import { Driver, importance, readSpace, type Direction, type Params, type Trial } from '../../../src/tune/index.ts';
import { describeWithTool } from '../../tools.ts';

const here = import.meta.dirname;

async function made<T>(python: string, script: string, count: number, seed: number): Promise<T[]> {
  const { stdout } = await promisify(execFile)(python, [path.join(here, script), `${count}`, `${seed}`], {
    maxBuffer: 1 << 28,
  });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

/** Says where two values differ by more than a relative `tolerance`; words of infinities are numbers. */
function difference(got: unknown, wanted: unknown, tolerance: number, at = ''): string | undefined {
  if (typeof wanted === 'number') {
    const number = Number(got);
    const near = number === wanted || Math.abs(number - wanted) <= tolerance * Math.max(1, Math.abs(wanted));
    return near ? undefined : `${at}: ${String(got)} instead of ${wanted}`;
  }
  if (typeof wanted !== 'object' || wanted === null) return got === wanted ? undefined : `${at}: ${String(got)}`;
  const [ours, theirs] = [Object.entries(got ?? {}), Object.entries(wanted)];
  if (ours.length !== theirs.length) return `${at}: ${ours.length} instead of ${theirs.length}`;
  for (const [key, value] of theirs) {
    const found = difference((got as Record<string, unknown>)[key], value, tolerance, `${at}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

describeWithTool('optuna', 'Optuna', ({ optuna }) => {
  interface Vector {
    readonly study: unknown;
    readonly add: unknown;
    readonly score: unknown;
    readonly expected: { readonly kernels: unknown; readonly log_density: unknown };
  }

  it('computes the splits, kernels and densities of TPE that we compute', { timeout: 120_000 }, async () => {
    for (const [i, vector] of (await made<Vector>(optuna, 'optuna_vectors.py', 150, 20261130)).entries()) {
      const driver = new Driver();
      for (const [verb, body] of Object.entries({ study: vector.study, add: vector.add })) {
        expect(driver.answer(JSON.stringify({ [verb]: body })), `study ${i}`).toBe('{"ok":true}');
      }
      const answer: unknown = JSON.parse(driver.answer(JSON.stringify({ score: vector.score })));
      expect(difference(answer, vector.expected, 1e-10), `study ${i}`).toBeUndefined();
    }
  });

  interface Story {
    readonly name: string;
    readonly direction: string;
    readonly pruner: unknown;
    readonly trials: readonly {
      readonly reports: readonly (readonly [step: number, value: number | string, prune: boolean])[];
      readonly tell: object;
    }[];
  }

  it('prunes where we prune, report by report', { timeout: 120_000 }, async () => {
    for (const story of await made<Story>(optuna, 'optuna_pruners.py', 120, 20261130)) {
      const driver = new Driver();
      const say = (request: unknown): Record<string, unknown> =>
        JSON.parse(driver.answer(JSON.stringify(request))) as Record<string, unknown>;
      const { name, direction, pruner } = story;
      const space = { x: { type: 'float', low: 0, high: 1 } };
      expect(say({ study: { name, directions: [direction], space, pruner, sampler: 'random' } })).toEqual({ ok: true });
      for (const trial of story.trials) {
        const { number } = say({ ask: 1 });
        for (const [step, value, prune] of trial.reports) {
          // Some ten thousand reports: a plain comparison is a hundred times as fast as an expectation each.
          const ours = say({ report: { number, step, value } })['prune'];
          if (ours !== prune)
            expect.fail(`${JSON.stringify(pruner)}, trial ${String(number)}, step ${step}: ${String(ours)}`);
        }
        expect(say({ tell: { number, ...trial.tell } })).toEqual({ ok: true });
      }
    }
  });

  it('sees the same importance of parameters, to 1e-6', async () => {
    interface Made {
      readonly space: unknown;
      readonly directions: readonly Direction[];
      readonly trials: readonly { readonly number: number; readonly params: Params; readonly values: number[] }[];
      readonly importance: Readonly<Record<string, number>>;
    }
    for (const study of await made<Made>(optuna, 'optuna_importance.py', 24, 5)) {
      const trials = study.trials.map((trial): Trial => ({
        ...trial,
        state: 'COMPLETE',
        intermediate: new Map(),
        constraints: [],
        notes: {},
      }));
      const found = importance(trials, readSpace(study.space), study.directions);
      expect(difference(Object.fromEntries(found), study.importance, 1e-6)).toBeUndefined();
    }
  });
});
