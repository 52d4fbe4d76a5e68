import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { NewLetter } from '../deliver/index.ts';
import type { Webhook, WebhookEvent } from '../mlflow/index.ts';
import type { Opened } from './contract.ts';
import type { TrackingStore } from './store.ts';

/** What a kind that keeps the data itself does beyond what can be asked over the wire. */
export function ownerContract(kind: string, open: () => Promise<Opened>): void {
  describe(`owner of its data: ${kind}`, () => {
    let opened: Opened;
    let store: TrackingStore;
    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });
    afterEach(() => opened.close());

    it('takes over experiments, runs, models and versions with their ids, and again changes nothing', async () => {
      const experiment = {
        id: '7',
        name: 'old',
        artifactLocation: 'mlflow-artifacts:/7',
        lifecycle: 'active' as const,
        creationTime: 5,
        lastUpdateTime: 6,
        tags: [{ key: 't', value: 'x' }],
      };
      expect(await store.importer.experiment(experiment)).toBe('7');
      expect(await store.importer.experiment(experiment)).toBe('7');
      expect(await store.importer.experiment({ ...experiment, name: 'other' })).not.toBe('7');
      const huge = '913847561029384756';
      expect(await store.importer.experiment({ ...experiment, id: huge, name: 'file store' })).toBe(huge);
      expect(Number(await store.createExperiment({ name: 'after' }))).toBeGreaterThan(7);
      expect(await store.getExperiment(huge)).toMatchObject({ name: 'file store', tags: experiment.tags });
      const { info } = await store.createRun({ experimentId: '7', name: 'model of the form' });
      const run = {
        ...(await store.getRun(info.id)),
        info: { ...info, id: 'a'.repeat(32), name: 'r', endTime: 9, lifecycle: 'deleted' as const },
        tags: [{ key: 'mlflow.runName', value: 'r' }],
        params: [{ key: 'p', value: '1' }],
        modelOutputs: [{ modelId: 'm-1', step: 3 }],
      };
      const points = [1, NaN, 0.5].map((value, step) => ({ key: 'loss', value, step, timestamp: step }));
      expect(await store.importer.run(run, points)).toBe(true);
      expect(await store.importer.run(run, points)).toBe(false);
      const stored = await store.getRun(run.info.id);
      expect(stored.info).toMatchObject({ ...run.info, lifecycle: 'deleted' });
      expect(stored).toMatchObject({ params: run.params, tags: run.tags, modelOutputs: run.modelOutputs });
      expect(stored.metrics).toEqual([{ key: 'loss', value: 0.5, step: 2, timestamp: 2 }]);
      expect((await store.metricHistory(run.info.id, 'loss')).items).toHaveLength(3);
      const model = await store.createLoggedModel({ experimentId: '7', name: 'clf' });
      const imported = { ...model, id: `m-${'b'.repeat(32)}`, status: 'LOGGED_MODEL_READY' as const };
      expect(await store.importer.loggedModel(imported)).toBe(true);
      expect(await store.importer.loggedModel(imported)).toBe(false);
      expect(await store.getLoggedModel(imported.id)).toMatchObject({ name: 'clf', status: 'LOGGED_MODEL_READY' });
      await store.createRegisteredModel('form');
      const version = {
        ...(await store.createModelVersion({ name: 'form', source: 's3://b/m' })),
        name: 'm',
        version: '4',
        stage: 'Production' as const,
        tags: [{ key: 'k', value: 'v' }],
        location: 's3://b/m',
      };
      const registered = {
        ...(await store.getRegisteredModel('form')),
        name: 'm',
        aliases: [{ alias: 'best', version: '4' }],
      };
      expect(await store.importer.registeredModel(registered, [version])).toBe(true);
      expect(await store.importer.registeredModel(registered, [version])).toBe(false);
      expect(await store.getVersionByAlias('m', 'best')).toMatchObject({
        version: '4',
        stage: 'Production',
        tags: version.tags,
      });
      expect((await store.createModelVersion({ name: 'm', source: 's3://b/m' })).version).toBe('5');
    });

    it('keeps letters until they are settled, each for one holder at a time', async () => {
      const { outbox } = store;
      const letter = (id: string, target = 't'): NewLetter => ({
        id,
        kind: 'k',
        target,
        body: `of ${id}`,
        createdAt: 5,
      });
      await outbox.post([letter('a'), letter('b', 'u'), { ...letter('c'), kind: 'other' }]);
      await outbox.post([letter('a')]);
      expect(await outbox.isDue(['k'])).toBe(true);
      const claim = { kinds: ['k'], lease: 60_000, limit: 10, except: [] };
      const first = await outbox.claim({ ...claim, holder: 'one', except: ['u'] });
      expect(first).toEqual([{ ...letter('a'), attempts: 1 }]);
      expect((await outbox.claim({ ...claim, holder: 'two' })).map(({ id }) => id)).toEqual(['b']);
      expect(await outbox.isDue(['k'])).toBe(false);
      expect(await outbox.isDue(['other'])).toBe(true);
      // Only the holder's word counts.
      await outbox.settle('a', 'two');
      await outbox.postpone('b', 'one', 0);
      expect(await outbox.claim({ ...claim, holder: 'three' })).toEqual([]);
      await outbox.postpone('a', 'one', 0);
      expect(await outbox.claim({ ...claim, holder: 'three', lease: 1 })).toMatchObject([{ id: 'a', attempts: 2 }]);
      await new Promise((resolve) => setTimeout(resolve, 20));
      // The holder is taken for dead; it held on to nothing.
      expect(await outbox.claim({ ...claim, holder: 'four', lease: 1 })).toMatchObject([{ id: 'a', attempts: 3 }]);
      await outbox.renew(['a'], 'four', 60_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await outbox.claim({ ...claim, holder: 'five' })).toEqual([]);
      await outbox.settle('a', 'four');
      await outbox.settle('b', 'two');
      expect(await outbox.claim({ ...claim, holder: 'five', kinds: ['k', 'other'] })).toMatchObject([{ id: 'c' }]);
    });

    it('hands each letter to one of many that ask at once', async () => {
      const ids = Array.from({ length: 60 }, (_, i) => `letter-${i}`);
      await store.outbox.post(ids.map((id) => ({ id, kind: 'k', target: 't', body: '', createdAt: 0 })));
      const claims = Array.from({ length: 12 }, (_, i) =>
        store.outbox.claim({ kinds: ['k'], holder: `h${i}`, lease: 60_000, limit: 5, except: [] }),
      );
      const taken = (await Promise.all(claims)).flat().map(({ id }) => id);
      expect(taken.length).toBe(new Set(taken).size);
      const rest = await store.outbox.claim({ kinds: ['k'], holder: 'x', lease: 60_000, limit: 100, except: [] });
      expect(new Set([...taken, ...rest.map(({ id }) => id)])).toEqual(new Set(ids));
    });

    it('keeps alerts and silences of each project, and forgets old history', async () => {
      const { alerts } = store;
      const alert = (id: string, state: string, updatedAt: number) => ({
        id,
        state,
        updatedAt,
        body: `{"id":"${id}"}`,
      });
      const old = Array.from({ length: 1001 }, (_, i) => alert(`old-${i}`, 'resolved', i));
      await alerts.changeAlerts('a', { put: [alert('x', 'firing', 0), alert('y', 'pending', 1)], forget: [] });
      await alerts.changeAlerts('b', { put: [alert('z', 'firing', 0)], forget: [] });
      await alerts.changeAlerts('a', { put: [...old, alert('x', 'firing', 2000)], forget: ['y'] });
      const kept = await alerts.listAlerts('a');
      expect(kept).toHaveLength(1001);
      expect(kept[0]).toEqual(alert('x', 'firing', 2000));
      expect(kept.at(-1)).toEqual(alert('old-1', 'resolved', 1));
      expect(await alerts.listAlerts('b')).toEqual([alert('z', 'firing', 0)]);
      await alerts.putSilence('a', { id: 's', until: 10, body: 'one' });
      await alerts.putSilence('a', { id: 't', until: 20, body: 'two' });
      expect(await alerts.listSilences('a', 10)).toEqual([{ id: 't', until: 20, body: 'two' }]);
      expect(await alerts.forgetSilence('b', 't')).toBe(false);
      expect(await alerts.forgetSilence('a', 't')).toBe(true);
      expect(await alerts.listSilences('a', 0)).toEqual([{ id: 's', until: 10, body: 'one' }]);
    });

    it('gives a duty to one holder, and to another when that is late or leaves', async () => {
      const { duties } = store;
      expect(await duties.takeDuty('clean', 'a', 60_000)).toBe(true);
      expect(await duties.takeDuty('clean', 'b', 60_000)).toBe(false);
      expect(await duties.takeDuty('other', 'b', 60_000)).toBe(true);
      expect(await duties.takeDuty('clean', 'a', 1)).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await duties.takeDuty('clean', 'b', 60_000)).toBe(true);
      await duties.leaveDuty('clean', 'a');
      expect(await duties.takeDuty('clean', 'a', 60_000)).toBe(false);
      await duties.leaveDuty('clean', 'b');
      expect(await duties.takeDuty('clean', 'a', 60_000)).toBe(true);
    });

    it('keeps with each change of the registry the letters that tell of it, and none of what was refused', async () => {
      const hook = (
        name: string,
        entity: WebhookEvent['entity'],
        action: WebhookEvent['action'] = 'created',
      ): Promise<Webhook> =>
        store.webhooks.createWebhook({ name, url: 'https://a.example', events: [{ entity, action }] });
      const told = async (): Promise<unknown> => {
        const claim = { kinds: ['webhook'], holder: 'h', lease: 60_000, limit: 100, except: [] };
        const letters = await store.outbox.claim(claim);
        return letters.map(({ target, body }) => {
          const { entity, action, data } = JSON.parse(body) as Readonly<Record<string, unknown>>;
          return [target, `${String(entity)}.${String(action)}`, data];
        });
      };
      const [made, prompt, tagged] = [
        await hook('made', 'registered_model'),
        await hook('prompt', 'prompt'),
        await hook('tagged', 'model_version_tag', 'deleted'),
      ];
      const off = await hook('off', 'registered_model');
      await store.webhooks.updateWebhook(off.id, { status: 'DISABLED' });
      await store.createRegisteredModel('m', { tags: [{ key: 'a', value: 'b' }] });
      await store.createRegisteredModel('p', { tags: [{ key: 'mlflow.prompt.is_prompt', value: 'true' }] });
      expect(await told()).toEqual([
        [made.id, 'registered_model.created', { name: 'm', tags: { a: 'b' }, description: '' }],
        [prompt.id, 'prompt.created', { name: 'p', tags: {}, description: '' }],
      ]);
      await expect(store.createRegisteredModel('m')).rejects.toMatchObject({ code: 'resource_exists' });
      await expect(store.deleteModelVersionTag('m', '1', 'k')).rejects.toMatchObject({ code: 'resource_missing' });
      await store.createModelVersion({ name: 'm', source: 's3://b/m' });
      await store.setModelVersionTag('m', '1', { key: 'k', value: 'v' });
      await store.deleteModelVersionTag('m', '1', 'k');
      expect(await told()).toEqual([[tagged.id, 'model_version_tag.deleted', { name: 'm', version: '1', key: 'k' }]]);
    });

    it('takes away for good only what was deleted before', async () => {
      const experimentId = await store.createExperiment({ name: 'e' });
      const [gone, kept] = [await store.createRun({ experimentId }), await store.createRun({ experimentId })];
      await store.logBatch(gone.info.id, { metrics: [{ key: 'm', value: 1, step: 0, timestamp: 0 }] });
      await store.deleteRun(gone.info.id);
      expect((await store.purge({ dryRun: true })).runs).toEqual([gone.info.id]);
      expect((await store.purge({ deletedBefore: 5 })).runs).toEqual([]);
      expect(await store.purge({})).toMatchObject({ runs: [gone.info.id], artifactUris: [gone.info.artifactUri] });
      await expect(store.getRun(gone.info.id)).rejects.toMatchObject({ code: 'resource_missing' });
      expect((await store.getRun(kept.info.id)).info.lifecycle).toBe('active');
      await store.deleteExperiment(experimentId);
      expect(await store.purge({})).toMatchObject({ experiments: [experimentId], runs: [kept.info.id] });
    });

    it('copies itself whole to a file, and takes such a copy over when it is empty', async () => {
      const { info } = await store.createRun({ experimentId: '0', name: 'r' });
      await store.logBatch(info.id, {
        metrics: [1, NaN, -0.5].map((value, step) => ({ key: 'm', value, step, timestamp: step })),
        params: [{ key: 'p', value: 'é🎉' }],
      });
      await store.logInputs(info.id, [
        { dataset: { name: 'd', digest: '1', sourceType: 's', source: '{}' }, tags: [] },
      ]);
      await store.createRegisteredModel('m', { tags: [{ key: 'a', value: 'b' }] });
      await store.createModelVersion({ name: 'm', source: 's3://b/m' });
      await store.setAlias('m', 'best', '1', { by: 'ann', why: 'fast' });
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-copy-'));
      const file = path.join(folder, 'copy.db');
      await store.backup(file);
      await expect(store.restore(file)).rejects.toMatchObject({ code: 'invalid_state' });
      const other = await open();
      await other.store.restore(file);
      for (const ask of [
        (one: TrackingStore) => one.getRun(info.id),
        (one: TrackingStore) => one.metricHistory(info.id, 'm'),
        (one: TrackingStore) => one.getRegisteredModel('m'),
        (one: TrackingStore) => one.promotions('m'),
      ]) {
        expect(await ask(other.store)).toEqual(await ask(store));
      }
      expect((await other.store.createModelVersion({ name: 'm', source: 's3://b/m' })).version).toBe('2');
      expect(await other.store.createExperiment({ name: 'next' })).toBe('1');
      expect((await other.store.createRun({ experimentId: '0' })).info.lifecycle).toBe('active');
      await other.close();
      fs.rmSync(folder, { recursive: true });
    });

    it('lets writers at the same time through, each whole', async () => {
      const { info } = await store.createRun({ experimentId: '0' });
      const writers = Array.from({ length: 8 }, (_, w) => w);
      await Promise.all(
        writers.map(async (w) => {
          for (let i = 0; i < 10; i++) {
            await store.logBatch(info.id, {
              metrics: [
                { key: `m${w}`, value: i, step: i, timestamp: i },
                { key: 'shared', value: i, step: i, timestamp: w },
              ],
              params: [{ key: `p${w}.${i}`, value: '1' }],
              tags: [{ key: 'shared', value: `${w}` }],
            });
          }
        }),
      );
      const run = await store.getRun(info.id);
      expect(run.params).toHaveLength(80);
      expect(run.metrics.find(({ key }) => key === 'shared')).toMatchObject({ step: 9, timestamp: 7 });
      expect((await store.metricHistory(info.id, 'shared')).items).toHaveLength(80);
      await store.createRegisteredModel('m');
      const versions = await Promise.all(
        writers.map(async () => (await store.createModelVersion({ name: 'm', source: 's3://b/m' })).version),
      );
      expect(versions.map(Number).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      await Promise.all(
        versions.map((version) => store.transitionStage('m', version, { stage: 'Production', archiveExisting: true })),
      );
      expect(
        (await store.searchModelVersions({ filter: `name = 'm'` })).items.filter((v) => v.stage === 'Production'),
      ).toHaveLength(1);
      const names = await Promise.allSettled(writers.map(() => store.createExperiment({ name: 'one' })));
      expect(names.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const refused = names
        .filter((one) => one.status === 'rejected')
        .map((one) => (one.reason as { code: string }).code);
      expect(new Set(refused)).toEqual(new Set(['resource_exists']));
    });
  });
}
