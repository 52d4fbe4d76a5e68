import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';

import { temporaryFolder } from '../../../test/cli.ts';
import { linearModel } from '../../../test/support/onnx.ts';
import { post, startForTest } from '../../../test/support/serving.ts';
import { MemorySource, type RunningServer } from '../../serve/index.ts';
import { openTracking, type TrackingStore } from '../../tracking/index.ts';
import { trafficReport, type TrafficReport } from './report.ts';

interface Field {
  readonly store: TrackingStore;
  readonly server: RunningServer;
  readonly log: string;
  /** Once so many requests and pieces of feedback have come through: counters and log are written a moment later. */
  report(requests: number, told: number): Promise<TrafficReport>;
}

/** Two versions of a yield model (t/ha): the first one knows the rain only, the second one the soil too. */
async function yieldModel(sample = 1): Promise<Field> {
  const store = await openTracking(':memory:');
  const log = temporaryFolder();
  onTestFinished(() => store.close());
  await store.createRegisteredModel('yield');
  const source = new MemorySource();
  for (const [version, soil] of [0, 1].entries()) {
    const weights = (input: number): number => (input === 0 ? 1 : soil);
    source.add(
      'yield',
      String(version + 1),
      linearModel(2, 1, weights, () => 0),
    );
  }
  source.point('yield', 'default', '1');
  const models = [{ name: 'yield', source, rules: 'yield' }];
  const server = await startForTest(source, {
    models,
    rules: { store: store.traffic },
    predictionLog: { directory: log, sample },
  });
  return {
    ...{ store, server, log },
    report: async (requests, told) => {
      for (let tries = 0; ; tries++) {
        const found = await trafficReport(store, 'yield', { log });
        const counted = found.arms.reduce((sum, { n }) => sum + n, 0);
        const heard = found.arms.reduce((sum, { outcomes }) => sum + (Object.values(outcomes)[0]?.n ?? 0), 0);
        if ((counted === requests && heard === told) || tries > 200) return found;
        await delay(25);
      }
    },
  };
}

const rule = {
  kind: 'split',
  arms: [
    { name: 'rain', version: '1' },
    { name: 'soil', version: '2' },
  ],
  sticky: { header: 'x-farm' },
};

async function predict({ server }: Field, farm: string, rain: number, soil: number) {
  const answer = await post(server, '/predict', { inputs: { x: [[rain, soil]] } }, { 'x-farm': farm });
  expect(answer.status).toBe(200);
  return answer.json() as { arm: string; prediction_id: string; outputs: { y: number[][] } };
}

async function tell({ server }: Field, feedback: unknown): Promise<void> {
  expect((await post(server, '/feedback', feedback)).status).toBe(202);
}

it('leads an A/B test of two yield models from the rule to the verdict', async () => {
  const field = await yieldModel();
  await field.server.traffic?.set('yield', rule, { by: 'ann', why: 'does the soil help?' });
  const seen = { rain: 0, soil: 0 };
  for (let farm = 0; farm < 160; farm++) {
    const [rain, soil] = [3 + (farm % 7) / 2, ((farm % 5) - 2) / 2];
    const { arm, prediction_id: id } = await predict(field, `farm ${farm}`, rain, soil);
    seen[arm as keyof typeof seen]++;
    // Months later: what was harvested.
    await tell(field, { prediction_id: id, label: rain + soil + ((farm % 3) - 1) / 10 });
  }
  const { arms, comparisons, srm, holds, kind } = await field.report(160, 160);
  expect({ holds, kind }).toEqual({ holds: true, kind: 'split' });
  expect(arms.map(({ name, n, errors }) => [name, n, errors])).toEqual([
    ['rain', seen.rain, 0],
    ['soil', seen.soil, 0],
  ]);
  expect(srm.p).toBeGreaterThan(0.001);
  expect(arms[0]?.mean).toBeCloseTo(0.6, 0);
  expect(arms[1]?.mean).toBeCloseTo(0.067, 2);
  for (const { latency_ms: latency, answers } of arms) {
    expect(latency.p50).toBeGreaterThan(0);
    expect(answers).toMatchObject({ count: expect.any(Number) as number, mean: expect.any(Number) as number });
  }
  expect(comparisons).toHaveLength(1);
  const [found] = comparisons;
  expect(found).toMatchObject({ metric: 'absolute_error', arms: ['rain', 'soil'], proportions: null });
  expect(found?.welch?.difference).toBeCloseTo((arms[1]?.mean ?? 0) - (arms[0]?.mean ?? 0), 9);
  expect(found?.sequential?.p).toBeLessThan(0.05);
  expect(found?.sequential?.ci[1]).toBeLessThan(0);
  expect(found?.bootstrap?.ci[1]).toBeLessThan(0);

  // Setting the same again starts anew.
  await field.server.traffic?.set('yield', rule, { by: 'ann' });
  expect(await field.report(0, 0)).toMatchObject({
    arms: [{ n: 0, mean: null }, { n: 0 }],
    comparisons: [],
    srm: { p: null },
  });
}, 60_000);

it('counts requests and rewards of predictions that were not logged; the last feedback for one counts', async () => {
  const field = await yieldModel(0);
  await field.server.traffic?.set('yield', rule, { by: 'ann' });
  const rewards = new Map<string, number[]>();
  for (let i = 0; i < 40; i++) {
    const { arm, prediction_id: id } = await predict(field, `farm ${i}`, 1, 1);
    const reward = i % 4;
    await tell(field, { prediction_id: id, reward: 100 });
    await tell(field, { id, reward, label: i % 2 === 0 });
    rewards.set(arm, [...(rewards.get(arm) ?? []), reward]);
  }
  expect((await post(field.server, '/predict', { inputs: { x: [[1]] } }, { 'x-farm': 'farm 1' })).status).toBe(400);
  const { arms, comparisons } = await field.report(41, 40);
  expect(arms.reduce((sum, { n }) => sum + n, 0)).toBe(41);
  expect(arms.reduce((sum, { errors }) => sum + errors, 0)).toBe(1);
  for (const { name, mean, outcomes } of arms) {
    const own = rewards.get(name) ?? [];
    expect(mean).toBeCloseTo(own.reduce((a, b) => a + b, 0) / own.length, 12);
    expect(outcomes['reward']?.n).toBe(own.length);
  }
  expect(comparisons.map(({ metric }) => metric)).toEqual(['reward', 'label']);
  expect(comparisons[1]?.proportions).not.toBeNull();
});

it('refuses feedback that says nothing, or wrongly', async () => {
  const { server } = await yieldModel();
  for (const body of [{}, { prediction_id: 'a' }, { reward: 1 }, { prediction_id: 'a', reward: 'much' }]) {
    expect((await post(server, '/feedback', body)).status, JSON.stringify(body)).toBe(400);
  }
  expect((await post(server, '/predictions/labels', { labels: [{ id: 'a', reward: 0.5 }] })).status).toBe(202);
});
