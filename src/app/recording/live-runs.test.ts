import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

import { until } from '../../../test/support/until.ts';
import type { Run } from '../../mlflow/index.ts';
import { openDataRepo } from '../../repo/open/open-data-repo.ts';
import { openTracking, type TrackingStore } from '../../tracking/index.ts';
import { recordedRepro } from './repro.ts';

/** Writes a first point, waits to be told, writes a second one. */
const script = `
const fs = require('node:fs');
const [, , kind] = process.argv;
const point = (step) => kind === 'lines'
  ? fs.appendFileSync('log.jsonl', JSON.stringify({ step, loss: 1 / step }) + '\\n')
  : fs.appendFileSync('dvclive/plots/metrics/acc.tsv', step + '\\t' + step / 10 + '\\n');
if (kind === 'dvclive') {
  fs.mkdirSync('dvclive/plots/metrics', { recursive: true });
  fs.writeFileSync('dvclive/plots/metrics/acc.tsv', 'step\\tacc\\n');
}
point(1);
const timer = setInterval(() => {
  if (!fs.existsSync('go')) return;
  clearInterval(timer);
  point(2);
  if (kind === 'dvclive') fs.writeFileSync('dvclive/metrics.json', JSON.stringify({ acc: 0.2, step: 2 }));
}, 20);
`;

const pipeline = `
stages:
  lines: {cmd: node watch.cjs lines, deps: [watch.cjs], outs: [log.jsonl]}
  dvclive:
    cmd: node watch.cjs dvclive
    deps: [watch.cjs]
    metrics: [dvclive/metrics.json: {cache: false}]
    plots: [dvclive/plots: {cache: false}]
`;

function project(settings = ''): string {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-live-')));
  onTestFinished(() => fs.rmSync(root, { recursive: true, force: true }));
  spawnSync('git', ['init', '-q'], { cwd: root });
  fs.mkdirSync(path.join(root, '.dvc'));
  fs.writeFileSync(path.join(root, 'dvc.yaml'), pipeline);
  fs.writeFileSync(path.join(root, 'watch.cjs'), script);
  if (settings !== '') fs.writeFileSync(path.join(root, 'mlops.yaml'), settings);
  return root;
}

async function openWhenMade(root: string): Promise<TrackingStore> {
  const file = path.join(root, '.mlops/mlops.db');
  await until(() => fs.existsSync(file), 'the store', 60_000);
  const store = await openTracking(file);
  onTestFinished(() => store.close());
  return store;
}

async function runs(store: TrackingStore): Promise<readonly Run[]> {
  const { items } = await store.searchExperiments({});
  return (await store.searchRuns({ experimentIds: items.map(({ id }) => id) })).items;
}

async function history(store: TrackingStore, run: Run | undefined, key: string): Promise<string[]> {
  const { items } = await store.metricHistory(run?.info.id ?? '', key);
  return items.map(({ step, value }) => `${step}: ${value}`);
}

async function start(root: string): Promise<{ store: TrackingStore; ended: Promise<unknown> }> {
  const repo = await openDataRepo(root);
  onTestFinished(() => repo.close());
  const ended = recordedRepro(repo, {
    jobs: 2,
    env: {},
    onWarning(message) {
      throw new Error(message);
    },
  });
  ended.catch(() => undefined);
  return { store: await openWhenMade(root), ended };
}

it('is in the run of its stage while that runs, once, with two stages at a time', { timeout: 60_000 }, async () => {
  const root = project();
  const { store, ended } = await start(root);
  const named = (list: readonly Run[], name: string): Run | undefined => list.find((run) => run.info.name === name);
  const running = await until(
    async () => {
      const list = await runs(store);
      const has = (name: string, key: string): boolean =>
        named(list, name)?.metrics.some((metric) => metric.key === key) === true;
      return has('lines', 'loss') && has('dvclive', 'acc') && list;
    },
    'the first points of both stages',
    60_000,
  );
  expect(named(running, 'lines')?.info.status).toBe('RUNNING');
  expect(named(running, 'lines')?.metrics.map(({ key }) => key)).toEqual(['loss']);
  expect(named(running, 'dvclive')?.metrics.map(({ key }) => key)).toEqual(['acc']);
  fs.writeFileSync(path.join(root, 'go'), '');
  await ended;
  const list = await runs(store);
  expect(named(list, 'lines')?.info.status).toBe('FINISHED');
  expect(await history(store, named(list, 'lines'), 'loss')).toEqual(['1: 1', '2: 0.5']);
  expect(await history(store, named(list, 'dvclive'), 'acc')).toEqual(['1: 0.1', '2: 0.2']);
});

it('is in the one run once, where stages have no runs of their own', { timeout: 60_000 }, async () => {
  const root = project('record: {join: true}\n');
  const { store, ended } = await start(root);
  await until(
    async () => {
      const [run] = await runs(store);
      const keys = run?.metrics.map(({ key }) => key) ?? [];
      return keys.includes('loss') && keys.includes('acc');
    },
    'the first points of both stages',
    60_000,
  );
  fs.writeFileSync(path.join(root, 'go'), '');
  await ended;
  const [run] = await runs(store);
  expect(await history(store, run, 'loss')).toEqual(['1: 1', '2: 0.5']);
  expect((await history(store, run, 'acc')).filter((point) => !point.startsWith('0'))).toEqual(['1: 0.1', '2: 0.2']);
});
