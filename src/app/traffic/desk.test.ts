import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { linearModel } from '../../../test/support/onnx.ts';
import { post, startForTest, sum } from '../../../test/support/serving.ts';
import { MemorySource, ruleOf, type RunningServer } from '../../serve/index.ts';
import { openTracking, type TrackingStore } from '../../tracking/index.ts';
import { observe } from '../monitor/observe.ts';
import { findMonitorSettings } from '../monitor/settings.ts';
import { trafficFacts } from './alarm.ts';
import { ruleDesk } from './desk.ts';
import { trafficReport } from './report.ts';

let store: TrackingStore;
let server: RunningServer;
let log = '';

/** Versions 1 and 2 answer the sum and twice the sum of a row, 3 answers as 1 does, 4 takes three numbers. */
beforeEach(async () => {
  store = await openTracking(':memory:');
  log = fs.mkdtempSync(path.join(os.tmpdir(), 'desk-'));
  await store.createRegisteredModel('m');
  const source = new MemorySource();
  for (const [i, model] of [sum(1), sum(2), sum(1), linearModel(3, 1)].entries()) {
    source.add('m', String(i + 1), model);
    await store.createModelVersion({ name: 'm', source: 's3://bucket/m' });
  }
  source.point('m', 'default', '1');
  await store.transitionStage('m', '1', { stage: 'Production' });
  const models = [{ name: 'm', source, rules: 'm' }];
  server = await startForTest(source, {
    models,
    rules: ruleDesk(store, { cwd: log, log }),
    predictionLog: { directory: log },
  });
  onTestFinished(async () => {
    await server.close(1_000);
    await store.close();
    fs.rmSync(log, { recursive: true });
  });
});

const ask = (): ReturnType<typeof post> => post(server, '/predict', { inputs: { x: [[1, 1]] } });

async function setRule(rule: unknown): Promise<void> {
  await server.traffic?.set('m', rule, { by: 'ann' });
}

/** Sends requests until something holds. */
async function asking(holds: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > end) expect.fail(what);
    for (let i = 0; i < 5; i++) await ask();
    await delay(10);
  }
}

const ended = async (): Promise<string | undefined> => (await ruleOf(store.traffic, 'm'))?.state.ended;
const old = { name: 'old', version: '1' };

/** What an alarm `on: traffic` says. */
async function alarms() {
  fs.writeFileSync(path.join(log, 'monitor.yaml'), 'alerts: {rules: [{name: r, on: traffic, model: m}]}\n');
  const settings = findMonitorSettings([log])?.settings;
  if (settings === undefined) throw new Error('no settings');
  const places = { cwd: log, log, store, withStore: <Value>(work: (own: TrackingStore) => Value) => work(store) };
  const traffic = (model: string) => trafficFacts(store, model);
  return (await observe(settings, { ...places, traffic }, Date.now())).observations;
}

describe('a canary', () => {
  const steps = [
    { percent: 50, count: 20 },
    { percent: 100, count: 20 },
  ];

  it('is taken back when too many of its requests fail, and the old version answers all', async () => {
    await setRule({ kind: 'canary', arms: [old, { name: 'new', version: '4' }], steps, rollback: { error_rate: 0.1 } });
    await asking(async () => (await ended()) !== undefined, 'the canary ends');
    await server.traffic?.look();
    const kept = await ruleOf(store.traffic, 'm');
    expect(kept?.state).toMatchObject({ ended: 'rollback', why: expect.stringContaining('requests failed') as string });
    for (let i = 0; i < 20; i++) expect((await ask()).json()).toMatchObject({ arm: 'old', model_version: '1' });
    expect((await store.traffic.history('m')).map(({ kind }) => kind).at(-1)).toBe('rollback');
    expect(await alarms()).toMatchObject([{ met: true, text: expect.stringContaining('was taken back') as string }]);
  });

  it('goes through its steps and is promoted to the stage of the old version', async () => {
    await setRule({ kind: 'canary', arms: [old, { name: 'new', version: '2' }], steps, rollback: { error_rate: 0.1 } });
    await asking(async () => (await ended()) !== undefined, 'the canary ends');
    await server.traffic?.look();
    expect(await ended()).toBe('promote');
    expect((await store.getModelVersion('m', '2')).stage).toBe('Production');
    expect((await store.getModelVersion('m', '1')).stage).toBe('Archived');
    for (let i = 0; i < 20; i++) expect((await ask()).json()).toMatchObject({ arm: 'new', model_version: '2' });
    const kinds = (await store.traffic.history('m')).map(({ kind }) => kind);
    expect(kinds).toEqual(['set', 'step', 'step', 'promote']);
  });

  it('is taken back where the gates of the registry refuse it', async () => {
    await store.setRegisteredModelTag('m', { key: 'mlops.gates', value: 'required' });
    await setRule({ kind: 'canary', arms: [old, { name: 'new', version: '2' }], steps });
    await asking(async () => (await ended()) !== undefined, 'the canary ends');
    await server.traffic?.look();
    expect((await ruleOf(store.traffic, 'm'))?.state.why).toContain('not promoted');
    expect(await ended()).toBe('rollback');
    expect((await store.getModelVersion('m', '1')).stage).toBe('Production');
  });

  it('is taken back when the outcomes that feedback brings are too low', async () => {
    const rollback = { metric: 'reward', below: 0.5 };
    await setRule({ kind: 'canary', arms: [old, { name: 'new', version: '2' }], steps: [{ percent: 50 }], rollback });
    for (let i = 0; i < 60; i++) {
      const { prediction_id: id, arm } = (await ask()).json() as { prediction_id: string; arm: string };
      await post(server, '/feedback', { prediction_id: id, reward: arm === 'new' ? 0 : 1 });
    }
    await asking(async () => (await ended()) !== undefined, 'the canary ends');
    await server.traffic?.look();
    expect((await ruleOf(store.traffic, 'm'))?.state.why).toContain('mean reward is 0');
  });
});

it('rings where requests do not fall as the weights say, and nowhere else', async () => {
  expect(await alarms()).toMatchObject([{ met: undefined }]);
  await setRule({ kind: 'split', arms: [old, { name: 'new', version: '2' }] });
  const since = (await ruleOf(store.traffic, 'm'))?.since ?? 0;
  const stats = { success: 0, failure: 0, latency: { counts: [], sum: 0, count: 0 } };
  const answers = { labels: [], other: 0, count: 0, min: null, max: null, mean: 0, squares: 0 };
  const counted = (success: number, name: string) => ({ ...stats, success, name, answers });
  const put = (a: number, b: number) =>
    store.traffic.putCounts([
      { rule: since, holder: 'x', body: JSON.stringify({ arms: [counted(a, 'old'), counted(b, 'new')] }) },
    ]);
  await put(510, 490);
  expect(await alarms()).toMatchObject([{ met: false }]);
  await put(600, 400);
  expect(await alarms()).toMatchObject([{ met: true, text: expect.stringContaining('do not fall') as string }]);
});

describe('a shadow', () => {
  const shadowed = async () => (await trafficReport(store, 'm', { log })).shadow;

  it('is asked the same, compared, and never answers', async () => {
    await setRule({ kind: 'shadow', arms: [old, { name: 'dark', version: '3' }] });
    await asking(async () => (await shadowed()).compared >= 10, 'answers are compared');
    const same = await shadowed();
    expect(same.equal).toBe(same.compared);
    await setRule({ kind: 'shadow', arms: [old, { name: 'dark', version: '2' }] });
    for (let i = 0; i < 5; i++) expect((await ask()).json()).toMatchObject({ arm: 'old', model_version: '1' });
    await asking(async () => (await shadowed()).compared >= 5, 'answers are compared');
    expect((await shadowed()).equal).toBe(0);
    // One whose every answer is an error harms nobody.
    await setRule({ kind: 'shadow', arms: [old, { name: 'dark', version: '4' }] });
    await asking(async () => (await shadowed()).dropped >= 5, 'what fails is counted');
    expect((await ask()).status).toBe(200);
    expect((await shadowed()).compared).toBe(0);
  });
});

it.each(['thompson', 'epsilon'])('a rule of kind %s sends more to what earns more', async (kind) => {
  await setRule({ kind, arms: [old, { name: 'new', version: '2' }] });
  const share = (): number => server.traffic?.live('m')?.shares[1] ?? 0;
  const end = Date.now() + 20_000;
  while (share() < 0.8 && Date.now() < end) {
    const { prediction_id: id, arm } = (await ask()).json() as { prediction_id: string; arm: string };
    await post(server, '/feedback', { prediction_id: id, reward: arm === 'new' ? 1 : 0 });
  }
  expect(share()).toBeGreaterThan(0.8);
});
