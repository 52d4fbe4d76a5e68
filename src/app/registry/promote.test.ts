import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openTracking, type TrackingStore } from '../../tracking/index.ts';
import { promote, type PromoteOptions } from './promote.ts';

describe('promoting', () => {
  let folder = '';
  let store: TrackingStore;

  beforeEach(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-promote-'));
    store = await openTracking(path.join(folder, 'mlops.db'));
    const experimentId = await store.createExperiment({ name: 'e' });
    await store.createRegisteredModel('digits');
    for (const metrics of [
      [{ key: 'acc', value: 0.9 }],
      [{ key: 'acc', value: 0.95 }],
      [{ key: 'loss', value: 0.1 }],
    ]) {
      const run = await store.createRun({ experimentId, userId: 'u', startTime: 1, tags: [] });
      await store.logBatch(run.info.id, { metrics: metrics.map((one) => ({ ...one, step: 0, timestamp: 1 })) });
      await store.createModelVersion({
        name: 'digits',
        source: `runs:/${run.info.id}/model`,
        runId: run.info.id,
        userId: 'u',
        tags: [],
      });
    }
    const motive = { by: 'u', why: '' };
    await store.transitionStage('digits', '1', { stage: 'Production', archiveExisting: false, ...motive });
    await store.setAlias('digits', 'champion', '1', motive);
  });
  afterEach(async () => {
    await store.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const gate = (version: string, options: Partial<PromoteOptions>): Promise<unknown> =>
    promote(
      store,
      { name: 'digits', selector: version },
      { stage: 'Staging', archiveExisting: false, by: 'u', why: undefined, require: [], on: 'acc', ...options },
    );

  it.each(['Production', 'production', '@champion', 'champion', '1'])(
    'passes when %s is beaten',
    async (betterThan) => {
      await expect(gate('2', { betterThan })).resolves.toMatchObject({ checks: [{ met: true }] });
    },
  );

  it.each([
    ['Prodction', "did you mean 'Production'?"],
    ['@champoin', "did you mean '@champion'?"],
    ['champoin', 'names no version'],
    ['99', 'names no version'],
    ['', 'names no version'],
  ])('fails on the slip %j', async (betterThan, text) => {
    await expect(gate('2', { betterThan })).rejects.toMatchObject({
      code: 'gate_failed',
      message: expect.stringContaining(text) as string,
    });
  });

  it('passes, and says so, where a stage is empty', async () => {
    await expect(gate('2', { betterThan: 'Staging' })).resolves.toMatchObject({
      checks: [{ met: true, text: 'no version in Staging to beat' }],
    });
  });

  it('fails where the other lacks the metric, unless told otherwise', async () => {
    await expect(gate('2', { betterThan: '3' })).rejects.toMatchObject({ code: 'gate_failed' });
    await expect(gate('2', { betterThan: '3', orNone: true })).resolves.toMatchObject({ checks: [{ met: true }] });
    await expect(gate('3', { betterThan: '1', orNone: true })).rejects.toMatchObject({ code: 'gate_failed' });
  });
});
