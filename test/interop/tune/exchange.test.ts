import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it, vi } from 'vitest';

import { freshProject, mlops } from '../../cli.ts';
import { describeWithTool } from '../../tools.ts';

vi.setConfig({ testTimeout: 180_000 });

const script = path.join(import.meta.dirname, 'optuna_exchange.py');
const space = ['-S', 'x=float(-3,3)', '-S', 'n=int(1,5)', '-S', 'c=choice(a,true,null,2.5)'];
const command = ['--', 'awk -v x=${x} -v n=${n} "BEGIN { print \\"value=\\" x * x + n }"'];

describeWithTool('optuna', 'studies of Optuna', ({ optuna }) => {
  const python = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync(optuna, [script, ...args], { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    return stdout;
  };
  const ok = (folder: string, args: readonly string[], env: Record<string, string> = {}): string => {
    const { status, stdout, stderr } = mlops(folder, args, { env, timeout: 120_000 });
    expect(status, `${args.join(' ')}\n${stdout}${stderr}`).toBe(0);
    return stdout;
  };

  it('are imported, continued by us, exported, and opened by Optuna, which goes on', () => {
    const folder = freshProject();
    python('make', folder);
    for (const kind of ['db', 'log']) {
      ok(folder, ['tune', 'import', `made.${kind}`]);
      ok(folder, ['tune', 'run', '--study', kind, ...space, '-n', '3', '--metric', 'stdout:value', ...command]);
      ok(folder, ['tune', 'export', kind, '-o', `ours.${kind}`]);
    }
    type Told = readonly [number: number, state: string, values: readonly number[], params: Record<string, unknown>];
    const told = JSON.parse(python('open', folder)) as Record<string, readonly Told[]>;
    for (const kind of ['db', 'log']) {
      const trials = told[kind] ?? [];
      expect(trials.map(([number]) => number)).toEqual(Array.from({ length: 15 }, (_, number) => number));
      expect(trials.filter(([, state]) => state === 'PRUNED')).toHaveLength(1);
      expect(told[`${kind}-after`]).toBe(17);
      for (const [, state, [value = 0], params] of trials) {
        const [x, n] = [params['x'] as number, params['n'] as number];
        if (state === 'COMPLETE') expect(Math.abs(value - (x * x + n))).toBeLessThan(1e-4);
      }
    }
    const lines = fs.readFileSync(path.join(folder, 'made.log'), 'utf8').split('\n');
    fs.writeFileSync(path.join(folder, 'damaged.log'), [lines[0], '{"op_code": 4, "wor', ...lines.slice(1)].join('\n'));
    expect(mlops(folder, ['tune', 'import', 'damaged.log', '--name', 'd']).stderr).toMatch(/damaged in line 2/);
  });

  it('lend us their samplers', () => {
    const folder = freshProject();
    const env = { MLOPS_PYTHON: optuna };
    const args = ['tune', 'run', ...space, '-n', '8', '--metric', 'stdout:value', '--sampler'];
    ok(folder, [...args, 'optuna:NSGAIIISampler,seed=1,population_size=4', ...command], env);
    const trials = JSON.parse(ok(folder, ['tune', 'trials', '--json'])) as { state: string }[];
    expect(trials.map(({ state }) => state)).toEqual(Array(8).fill('COMPLETE'));
    expect(mlops(folder, [...args, 'optuna:NoSampler', '--study', 'x', ...command], { env }).stderr).toMatch(
      /there is no sampler NoSampler/,
    );
  });
});
