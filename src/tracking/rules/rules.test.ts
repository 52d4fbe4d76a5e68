import { expect, it } from 'vitest';

import { openTracking, type TrackingStore } from '../index.ts';
import { governed } from './governed.ts';

/** A store that must not be asked. */
function unasked(): TrackingStore {
  const refuse = (_: unknown, name: string | symbol): (() => never) => {
    return () => {
      throw new Error(`the store was asked: ${String(name)}`);
    };
  };
  const part = new Proxy({}, { get: refuse });
  const target = { kind: 'memory', url: '', traces: part, webhooks: part };
  return new Proxy(target, {
    get: (own, name) => (Object.hasOwn(own, name) ? Reflect.get(own, name) : refuse(own, name)),
  }) as unknown as TrackingStore;
}

it('refuses what is wrong by itself without asking the store, so no transaction is begun or undone', async () => {
  const store = governed(unasked());
  const point = { key: 'a//b', value: 1, step: 0, timestamp: 0 };
  const bad: (() => Promise<unknown>)[] = [
    () => store.createExperiment({ name: '' }),
    () => store.createExperiment({ name: 'x', artifactLocation: 'file:///etc' }),
    () => store.getExperiment('abc'),
    () => store.renameExperiment('1', ''),
    () => store.setExperimentTag('1', { key: '../x', value: '' }),
    () => store.createRun({ experimentId: '0', name: 'a', tags: [{ key: 'mlflow.runName', value: 'b' }] }),
    () => store.updateRun('r', { status: 'NEVER' as never }),
    () => store.searchRuns({ experimentIds: ['0'], maxResults: 0 }),
    () => store.logBatch('r', { metrics: [point] }),
    () => store.setTag('r', { key: '', value: '' }),
    () => store.metricHistory('r', 'k', { maxResults: 0 }),
    () => store.createLoggedModel({ experimentId: '0', name: 'a/b' }),
    () => store.finalizeLoggedModel('m', 'DONE' as never),
    () => store.searchLoggedModels({ experimentIds: [] }),
    () => store.createRegisteredModel('a/b'),
    () => store.setAlias('m', 'latest', '1'),
    () => store.getModelVersion('m', 'one'),
    () => store.transitionStage('m', '1', { stage: 'Best' as never }),
    () => store.transitionStage('m', '1', { stage: 'None', archiveExisting: true }),
    () => store.createModelVersion({ name: 'm', source: 'file:///etc/passwd' }),
    () => store.createModelVersion({ name: 'm', source: 'http://evil/x' }),
  ];
  for (const ask of bad) await expect(ask(), ask.toString()).rejects.toMatchObject({ code: 'invalid_value' });
});

it('fills in names before the write, and a name is its tag', async () => {
  const store = await openTracking('memory:');
  const tagged = await store.createRun({ experimentId: '0', tags: [{ key: 'mlflow.runName', value: 'tagged' }] });
  expect(tagged.info.name).toBe('tagged');
  expect(tagged.tags).toEqual([{ key: 'mlflow.runName', value: 'tagged' }]);
  const made = await store.createRun({ experimentId: '00' });
  expect(made.info.name).toMatch(/^[a-z]+-[a-z]+-\d+$/);
  await store.close();
});
