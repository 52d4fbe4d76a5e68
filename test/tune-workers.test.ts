import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it, vi } from 'vitest';

import { freshProject, mlops, startMlops, urlOf } from './cli.ts';

vi.setConfig({ testTimeout: 120_000 });

interface Trial {
  readonly number: number;
  readonly state: string;
  readonly attempt: number;
  readonly worker: string;
  readonly params: { readonly x: number };
  readonly values: readonly number[];
}

const search = ['tune', 'run', '--study', 's', '-S', 'x=float(0,1)', '--seed', '3', '--metric', 'stdout:v'];

/** Each trial notes its number; those of a process that is to be killed hang. */
const job = 'echo $MLOPS_TRIAL_NUMBER >> $LOG; test -z "$HANG" || sleep 60; sleep 0.1; echo v=${x}';

/** @returns the trials, each of which ran as often as it was begun. */
function checked(folder: string, env: Record<string, string>, count: number): readonly Trial[] {
  const trials = JSON.parse(mlops(folder, ['tune', 'trials', 's', '--json'], { env }).stdout) as Trial[];
  expect(trials.map(({ number, state }) => [number, state])).toEqual(
    Array.from({ length: count }, (_, number) => [number, 'COMPLETE']),
  );
  expect(trials.every(({ values, params }) => Math.abs((values[0] ?? Number.NaN) - params.x) < 1e-9)).toBe(true);
  expect(new Set(trials.map(({ params }) => params.x)).size).toBe(count);
  const ran = fs
    .readFileSync(env['LOG'] ?? '', 'utf8')
    .trim()
    .split('\n')
    .map(Number);
  expect(ran.sort((a, b) => a - b)).toEqual(
    trials.flatMap(({ number, attempt }) => Array.from({ length: attempt }, () => number)),
  );
  return trials;
}

function ranIn(log: string): number {
  return fs.existsSync(log) ? fs.readFileSync(log, 'utf8').trim().split('\n').length : 0;
}

it('shares a study of a server between processes, and takes over from one that is killed', async () => {
  const [home, first, second] = [freshProject(), freshProject(), freshProject()];
  const server = startMlops(home, ['server', '-p', '0']);
  const url = await urlOf(server);
  try {
    const env = { MLFLOW_TRACKING_URI: url, LOG: path.join(home, 'log') };
    const args = [...search, '-n', '12', '--', job];
    // The one that made the study, and owns two trials, is killed while others work.
    const killed = startMlops(first, [...search, '-n', '12', '-j', '2', '--', job], { ...env, HANG: '1' });
    await vi.waitFor(() => expect(ranIn(env.LOG)).toBe(2), 20_000);
    const workers = [startMlops(first, args, env), startMlops(second, ['tune', 'resume', 's'], env)];
    await vi.waitFor(() => expect(ranIn(env.LOG)).toBeGreaterThan(4), 20_000);
    killed.child.kill('SIGKILL');
    for (const worker of workers) {
      expect((await worker.ended).status, worker.output.stderr).toBe(0);
      expect(worker.output.stderr).toMatch(/works on study s beside 1 other process|beside 2 other processes/);
    }
    const trials = checked(home, env, 12);
    expect(trials.map(({ attempt }) => attempt)).toEqual([2, 2, ...Array<number>(10).fill(1)]);
    expect(new Set(trials.map(({ worker }) => worker.split('/')[0])).size).toBe(2);
    const status = JSON.parse(mlops(home, ['tune', 'status', '--json'], { env }).stdout) as unknown;
    expect(status).toMatchObject({ state: 'finished', counts: { COMPLETE: 12 } });
    const runs = mlops(home, ['runs', 'list', '--children', '-n', '100', '--json'], { env }).stdout;
    expect(runs).not.toMatch(/"running"/i);
    expect(runs.match(/"killed"/gi)).toHaveLength(2);
  } finally {
    server.child.kill('SIGTERM');
    await server.ended;
  }
});

it('shares a study of a local store, and stops everybody where asked', async () => {
  const folder = freshProject();
  const env = { LOG: path.join(folder, 'log') };
  const workers = [0, 1].map(() => startMlops(folder, [...search, '-n', '10', '-j', '2', '--', job], env));
  for (const worker of workers) expect((await worker.ended).status, worker.output.stderr).toBe(0);
  checked(folder, env, 10);
  const more = [0, 1].map(() => startMlops(folder, ['tune', 'resume', '-n', '500'], env));
  await vi.waitFor(() => expect(ranIn(env.LOG)).toBeGreaterThan(13), 20_000);
  const changed = mlops(folder, [...search.slice(0, 5), 'x=float(0,2)', ...search.slice(6), '--extend', '--', job], {
    env,
  });
  expect(changed.stderr).toMatch(/searches the space of 's' as it was/);
  mlops(folder, ['tune', 'stop', 's']);
  for (const worker of more) expect((await worker.ended).status, worker.output.stderr).toBe(0);
  checked(folder, env, ranIn(env.LOG));
});
