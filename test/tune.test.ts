import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';

import { freshProject, mlops, startMlops, type Outcome } from './cli.ts';

vi.setConfig({ testTimeout: 240_000 });

/** More kills in the long suite. */
const kills = process.env['MLOPS_LONG'] === undefined ? 6 : 30;

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    fs.writeFileSync(path.join(folder, file), text);
  }
}

function ok(folder: string, args: readonly string[], env: Record<string, string> = {}): Outcome {
  const result = mlops(folder, args, { env, timeout: 120_000 });
  expect(result.status, `${args.join(' ')}\n${result.stdout}${result.stderr}`).toBe(0);
  return result;
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- what is read is known by each test
function json<Value>(folder: string, ...args: string[]): Value {
  return JSON.parse(ok(folder, [...args, '--json']).stdout) as Value;
}

interface Trial {
  readonly number: number;
  readonly state: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly values: readonly number[];
  readonly run_id: string;
  readonly attempt: number;
  readonly reason?: string;
  readonly log?: string;
  readonly restored?: readonly string[];
}

it('searches the model and batch size of an NLP pipeline, applies and registers the best', () => {
  const folder = freshProject();
  write(folder, {
    'params.yaml': '# what is searched\nmodel: small # a sentence encoder\nbatch: 16\n',
    'texts.txt': 'one\ntwo\n',
    // Recall is a made up but fixed function of both.
    'train.sh': [
      'm=$(sed -n "s/^model: *\\([a-z]*\\).*/\\1/p" params.yaml); b=$(sed -n "s/^batch: *\\([0-9]*\\).*/\\1/p" params.yaml)',
      'case $m in small) r=50;; base) r=70;; large) r=60;; esac',
      'echo "{\\"recall\\": 0.$((r + (b == 32 ? 9 : b == 16 ? 5 : 1)))}" > metrics.json',
      'mkdir -p model && printf "flavors:\\n  python_function:\\n    loader_module: none\\nsignature: null\\n" > model/MLmodel',
    ].join('\n'),
    'dvc.yaml': [
      'stages:',
      '  prepare: {cmd: "cat texts.txt > clean.txt && echo prepare >> $LOG", deps: [texts.txt], outs: [clean.txt]}',
      '  embed: {cmd: "cp clean.txt vectors.txt && echo embed >> $LOG", deps: [clean.txt], outs: [vectors.txt]}',
      '  train:',
      '    cmd: sh train.sh && echo train >> $LOG',
      '    deps: [vectors.txt, train.sh]',
      '    params: [model, batch]',
      '    outs: [model]',
      '    metrics: [{metrics.json: {cache: false}}]',
    ].join('\n'),
    'tune.yaml': [
      'study: nlp',
      'metric: {file: metrics.json, key: recall, goal: maximize}',
      'space:',
      '  model: {choice: [small, base, large]}',
      '  batch: {choice: [8, 16, 32]}',
      'sampler: {name: tpe, seed: 1}',
      'dedupe: true',
      'parallel: 3',
    ].join('\n'),
  });
  const log = path.join(path.dirname(folder), 'log');
  const run = ok(folder, ['tune', 'run', '--promote-best', 'encoder'], { LOG: log });
  expect(run.stdout).toContain('all 9 settings of the space were tried');
  // What trials have in common runs once, also where three of them begin together.
  const ran = fs.readFileSync(log, 'utf8').split('\n');
  expect(ran.filter((line) => line === 'prepare' || line === 'embed')).toHaveLength(2);
  expect(ran.filter((line) => line === 'train')).toHaveLength(9);
  const best = json<Trial>(folder, 'tune', 'best', 'nlp');
  expect(best.params).toEqual({ model: 'base', batch: 32 });
  expect(best.values).toEqual([0.79]);
  const trials = json<Trial[]>(folder, 'tune', 'trials');
  expect(trials.filter(({ restored = [] }) => restored.includes('embed'))).toHaveLength(8);
  // Each is a run below the study's, with params and metrics.
  const study = json<{ run_id: string }>(folder, 'tune', 'status');
  const shown = json<{
    data: {
      tags: { key: string; value: string }[];
      params: { key: string; value: string }[];
      metrics: { key: string }[];
    };
  }>(folder, ...['runs', 'show', best.run_id]);
  const text = JSON.stringify(shown);
  for (const part of [study.run_id, '"base"', '"recall"', '"seconds"']) expect(text).toContain(part);
  expect(fs.readFileSync(path.join(folder, 'params.yaml'), 'utf8')).toContain('model: small');
  expect(fs.existsSync(path.join(folder, 'metrics.json'))).toBe(false);
  ok(folder, ['tune', 'apply']);
  expect(fs.readFileSync(path.join(folder, 'params.yaml'), 'utf8')).toBe(
    '# what is searched\nmodel: base # a sentence encoder\nbatch: 32\n',
  );
  expect(ok(folder, ['models', 'show', 'encoder']).stdout).toContain('Production');
});

it('searches a crop with two objectives and a constraint, and draws front, convergence and cost', () => {
  const folder = freshProject();
  const script =
    'BEGIN { y = 6 - (n - 120)^2 / 4000 - (w - 0.5)^2 * 8; printf "{\\"yield\\": %f, \\"euro\\": %f, \\"run_off\\": %f}\\n", y, n * 1.2 + w * 90, n * w / 100 }';
  write(folder, {
    'crop.awk': script,
    'tune.yaml': [
      'study: crop',
      'cmd: awk -v n=${nitrogen} -v w=${water} -f crop.awk > crop.json',
      'metric:',
      '  - {file: crop.json, key: yield, goal: maximize}',
      '  - {file: crop.json, key: euro}',
      'constraints: {file: crop.json, key: run_off, max: 0.9}',
      'cost: {file: crop.json, key: euro, max: 4000}',
      'space:',
      '  nitrogen: {int: [20, 220]}',
      '  water: {float: [0, 1]}',
      'sampler: {name: nsga2, seed: 2, population: 8}',
    ].join('\n'),
  });
  const outcome = json<{ reason: string; trials: number }>(folder, 'tune', 'run', '-j', '2');
  expect(outcome.reason).toMatch(/^euro came to/);
  const { trials: front } = json<{ trials: (Trial & { feasible: boolean })[] }>(folder, 'tune', 'best');
  expect(front.length).toBeGreaterThan(1);
  expect(front.every(({ feasible }) => feasible)).toBe(true);
  ok(folder, ['tune', 'plot', 'all', '-o', 'crop.html']);
  const page = fs.readFileSync(path.join(folder, 'crop.html'), 'utf8');
  for (const title of ['Pareto front', 'Hypervolume', 'Convergence against cost', 'Slices', 'Timeline']) {
    expect(page).toContain(`>${title}`);
  }
  expect(page).not.toMatch(/(?:src|href)="https?:/);
  ok(folder, ['tune', 'plot', 'convergence', '-o', 'c.png']);
  expect(fs.readFileSync(path.join(folder, 'c.png')).subarray(1, 4).toString()).toBe('PNG');
});

it('ends with the same trials when it is killed again and again', async () => {
  const args = [
    ...[
      'tune',
      'run',
      '-S',
      'x=float(-3,3)',
      '-S',
      'n=int(1,5)',
      '-n',
      String(5 * kills),
      '--seed',
      '7',
      '--metric',
      'stdout:v',
    ],
    ...['--', 'sleep 0.05; awk -v x=${x} -v n=${n} "BEGIN { print \\"v=\\" x * x + n }"'],
  ];
  const calm = freshProject();
  ok(calm, args);
  const wanted = json<Trial[]>(calm, 'tune', 'trials').map(({ number, params, values }) => ({
    number,
    params,
    values,
  }));
  const folder = freshProject();
  let random = 12345;
  let killed = 0;
  for (let kill = 0; kill < kills; kill++) {
    const running = startMlops(folder, args);
    random = (Math.imul(random, 1103515245) + 12345) & 0x7fffffff;
    await Promise.race([sleep(300 + (random % 900)), running.ended]);
    running.child.kill('SIGKILL');
    if ((await running.ended).signal === 'SIGKILL') killed++;
  }
  expect(killed).toBeGreaterThan(kills / 2);
  ok(folder, args);
  const trials = json<Trial[]>(folder, 'tune', 'trials');
  expect(trials.map(({ number, params, values }) => ({ number, params, values }))).toEqual(wanted);
  expect(trials.every(({ state }) => state === 'COMPLETE')).toBe(true);
  expect(fs.readdirSync(path.join(folder, '.mlops/worktrees'))).toEqual([]);
  expect(ok(folder, ['runs', 'list', '--children', '-n', '100', '--json']).stdout).not.toMatch(/"RUNNING"/i);
});

it('stops at Ctrl-C, resumes, and stops when asked', async () => {
  const folder = freshProject();
  const args = ['tune', 'run', '--study', 's', '-S', 'x=float(0,1)', '-n', '4', '--metric', 'stdout:v', '-j', '2'];
  const slow = [...args, '--', 'echo v=${x}; test -e go || sleep 30'];
  const running = startMlops(folder, slow);
  await vi.waitFor(
    () => expect(json<{ running: number[] }>(folder, 'tune', 'status', 's').running).toHaveLength(2),
    20_000,
  );
  const startedAt = Date.now();
  running.child.kill('SIGINT');
  const { status } = await running.ended;
  expect(status).toBe(130);
  expect(Date.now() - startedAt).toBeLessThan(10_000);
  expect(json<{ state: string; counts: unknown }>(folder, 'tune', 'status')).toMatchObject({
    state: 'stopped',
    counts: { RUNNING: 2 },
  });
  write(folder, { go: '' });
  ok(folder, ['tune', 'resume']);
  const trials = json<Trial[]>(folder, 'tune', 'trials');
  expect(trials.map(({ state, attempt }) => [state, attempt])).toEqual([
    ['COMPLETE', 2],
    ['COMPLETE', 2],
    ['COMPLETE', 1],
    ['COMPLETE', 1],
  ]);
  const endless = startMlops(folder, ['tune', 'resume', 's', '-n', '1000', '-j', '1']);
  await vi.waitFor(
    () => expect(json<{ trials: number }>(folder, 'tune', 'status', 's').trials).toBeGreaterThan(4),
    20_000,
  );
  ok(folder, ['tune', 'stop', 's']);
  expect((await endless.ended).status).toBe(0);
  expect(json<{ state: string; running: number[] }>(folder, 'tune', 'status', 's')).toMatchObject({
    state: 'stopped',
    running: [],
  });
});

it('prunes by live metrics, keeps why a trial failed, and tells of wrong studies what is wrong', () => {
  const folder = freshProject();
  write(folder, { 'params.yaml': 'train:\n  lr: 0.1\n', 'metrics.json': '{"val": {"acc": 1}}' });
  const pruned = [
    ...[
      'tune',
      'run',
      '--study',
      'p',
      '-S',
      'train.lr=float(0,1)',
      '-n',
      '8',
      '--seed',
      '1',
      '--metric',
      'stdout:loss',
    ],
    ...['--pruner', 'median,startup=2', '--'],
    'trap "echo ended; exit 3" TERM; for s in 0 1 2 3; do echo step=$s loss=${train.lr}; sleep 0.1; done',
  ];
  ok(folder, pruned);
  const trials = json<Trial[]>(folder, 'tune', 'trials', 'p');
  const cut = trials.filter(({ state }) => state === 'PRUNED');
  expect(cut.length).toBeGreaterThan(0);
  expect(cut[0]?.reason).toMatch(/^pruned at step \d/);
  expect(ok(folder, ['runs', 'show', cut[0]?.run_id ?? '']).stdout.toLowerCase()).toContain('killed');
  const failing = mlops(folder, [
    'tune',
    'run',
    '--study',
    'f',
    '-S',
    'train.lr=float(0,1)',
    '-n',
    '2',
    '--metric',
    'stdout:v',
    '--',
    'echo boom; exit 3',
  ]);
  expect(failing.status).toBe(1);
  const [failed] = json<Trial[]>(folder, 'tune', 'trials', 'f');
  expect(failed).toMatchObject({ state: 'FAILED', log: 'boom\n' });
  expect(failed?.reason).toMatch(/exited with 3$/);
  const wrong: [readonly string[], RegExp][] = [
    [['-S', 'train.lx=float(0,1)', '--metric', 'stdout:v', '--', 'true'], /did you mean 'train.lr'/],
    [['-S', 'train.lr=log(0,1)', '--metric', 'stdout:v', '--', 'true'], /starts above 0/],
    [['-S', 'train.lr=float(2,1)', '--metric', 'stdout:v', '--', 'true'], /above 'high'/],
    [['-S', 'train.lr=float(0,1)', '--metric', 'metrics.json:val.ac', '--', 'true'], /did you mean 'val.acc'/],
    [['-S', 'train.lr=float(0,1)', '--', 'true'], /metrics.json:val.acc/],
    [['--metric', 'stdout:v', '--', 'true'], /space is empty/],
    [
      ['-S', 'train.lr=float(0,1)', '--enqueue', '{"train.lr": 5}', '--metric', 'stdout:v', '--', 'true'],
      /cannot be 5/,
    ],
    [['-S', 'train.lr=float(0,1)', '--sampler', 'tpx', '--metric', 'stdout:v', '--', 'true'], /did you mean 'tpe'/],
    [['--study', 'f', '-S', 'train.lr=float(0,2)', '--metric', 'stdout:v', '--', 'true'], /'train.lr' was .*--extend/s],
  ];
  for (const [args, message] of wrong) {
    const { status, stderr } = mlops(folder, ['tune', 'run', '--study', 'w', ...args]);
    expect(stderr).toMatch(message);
    expect([1, 2]).toContain(status);
  }
  write(folder, { 'tune.yaml': 'sampler: tpe\nmetricc: {file: a, key: b}\n' });
  expect(mlops(folder, ['tune', 'run']).stderr).toMatch(/tune.yaml:2: unknown key 'metricc'[\s\S]*'metric'/);
  expect(mlops(folder, ['tune', 'stauts']).stderr).toMatch(/did you mean 'status'/);
});
