import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { int64Text, type Metric, type Run } from '../mlflow/index.ts';
import { trialStoreContract } from '../tune/studies/contract.ts';
import type { TrackingStore } from './store.ts';

export interface Opened {
  readonly store: TrackingStore;
  /** Experiment to work in. */
  close(): Promise<void>;
}

/** What every kind of tracking store must do; run by each of them. */
export function trackingContract(kind: string, open: () => Promise<Opened>): void {
  trialStoreContract(kind, async () => {
    const own = await open();
    return { store: own.store.studies, close: () => own.close() };
  });
  describe(`tracking store: ${kind}`, () => {
    let opened: Opened;
    let store: TrackingStore;
    let experiment: string;
    const point = (key: string, value: number, step = 0, timestamp = 1): Metric => ({ key, value, step, timestamp });
    const run = (name = 'r'): Promise<Run> => store.createRun({ experimentId: experiment, name, startTime: 1 });

    beforeEach(async () => {
      opened = await open();
      store = opened.store;
      experiment = await store.createExperiment({ name: 'work', tags: [{ key: 'team', value: 'a' }] });
    });
    afterEach(() => opened.close());

    it('keeps experiments by id and name, and names them once even when deleted', async () => {
      expect(await store.getExperiment('0')).toMatchObject({ name: 'Default', lifecycle: 'active' });
      expect(await store.getExperimentByName('work')).toMatchObject({
        id: experiment,
        artifactLocation: `mlflow-artifacts:/${experiment}`,
        tags: [{ key: 'team', value: 'a' }],
      });
      expect(await store.getExperimentByName('none')).toBeUndefined();
      await store.deleteExperiment(experiment);
      await expect(store.createExperiment({ name: 'work' })).rejects.toMatchObject({ code: 'resource_exists' });
      expect(await store.getExperimentByName('work')).toMatchObject({ lifecycle: 'deleted' });
      await expect(run()).rejects.toThrow(/must be in the 'active' state/);
      await store.restoreExperiment(experiment);
      await store.renameExperiment(experiment, 'renamed');
      await store.setExperimentTag(experiment, { key: 'team', value: 'b' });
      expect(await store.getExperiment(experiment)).toMatchObject({ name: 'renamed', tags: [{ value: 'b' }] });
      await expect(store.getExperiment('999')).rejects.toThrow('No Experiment with id=999 exists');
      await expect(store.getExperiment('abc')).rejects.toThrow(`Invalid experiment ID 'abc'.`);
    });

    it('searches experiments by name, tag and state', async () => {
      await store.createExperiment({ name: 'other' });
      const names = async (filter?: string, orderBy?: string[]): Promise<string[]> =>
        (await store.searchExperiments({ filter, orderBy })).items.map((one) => one.name);
      expect(await names(`name LIKE 'w%'`)).toEqual(['work']);
      expect(await names(`tags.team = 'a'`)).toEqual(['work']);
      expect(await names(undefined, ['name DESC'])).toEqual(['work', 'other', 'Default']);
      const first = await store.searchExperiments({ maxResults: 2, orderBy: ['name'] });
      const second = await store.searchExperiments({
        maxResults: 2,
        orderBy: ['name'],
        pageToken: first.nextPageToken,
      });
      expect([...first.items, ...second.items].map((one) => one.name)).toEqual(['Default', 'other', 'work']);
      expect(second.nextPageToken).toBeUndefined();
    });

    it('creates runs with names, tags and artifact URIs, and changes their state', async () => {
      const created = await store.createRun({ experimentId: experiment, tags: [{ key: 'mlflow.user', value: 'u' }] });
      expect(created.info).toMatchObject({
        status: 'RUNNING',
        startTime: 0,
        lifecycle: 'active',
        experimentId: experiment,
      });
      expect(created.info.name).toMatch(/^[a-z]+-[a-z]+-\d+$/);
      expect(created.info.artifactUri).toBe(`mlflow-artifacts:/${experiment}/${created.info.id}/artifacts`);
      const { id } = created.info;
      expect(await store.updateRun(id, { status: 'FINISHED', endTime: 5, name: 'new' })).toMatchObject({
        status: 'FINISHED',
        endTime: 5,
        name: 'new',
      });
      expect((await store.getRun(id)).tags).toContainEqual({ key: 'mlflow.runName', value: 'new' });
      await store.setTag(id, { key: 'mlflow.runName', value: 'newer' });
      expect((await store.getRun(id)).info.name).toBe('newer');
      await store.deleteRun(id);
      await store.deleteRun(id);
      await expect(store.logBatch(id, { params: [{ key: 'a', value: '1' }] })).rejects.toThrow(
        /Current state is deleted/,
      );
      expect((await store.getRun(id)).info.lifecycle).toBe('deleted');
      await store.restoreRun(id);
      await expect(store.getRun('nope')).rejects.toThrow('Run with id=nope not found');
    });

    it('keeps every point once, and the newest as the value of the metric', async () => {
      const { info } = await run();
      await store.logBatch(info.id, {
        metrics: [point('m', 1, 1), point('m', 2, 3), point('m', 9, 2), point('m', 1, 1)],
      });
      await store.logBatch(info.id, { metrics: [point('m', 0.5, 0, 7), point('n', NaN), point('i', Infinity)] });
      await store.logBatch(info.id, { metrics: [point('far', 1, -(2 ** 52), 2 ** 52), point('far', NaN, 2, 3)] });
      const { metrics } = await store.getRun(info.id);
      expect(metrics.find((m) => m.key === 'm')).toMatchObject({ value: 2, step: 3 });
      expect(metrics.find((m) => m.key === 'n')?.value).toBeNaN();
      expect(metrics.find((m) => m.key === 'i')?.value).toBe(Number.MAX_VALUE);
      const whole = await store.metricHistory(info.id, 'm');
      expect(whole.items.map((m) => [m.timestamp, m.step, m.value])).toEqual([
        [1, 1, 1],
        [1, 2, 9],
        [1, 3, 2],
        [7, 0, 0.5],
      ]);
      const first = await store.metricHistory(info.id, 'm', { maxResults: 3 });
      const rest = await store.metricHistory(info.id, 'm', { maxResults: 3, pageToken: first.nextPageToken });
      expect([...first.items, ...rest.items]).toEqual(whole.items);
      expect((await store.metricHistory(info.id, 'none')).items).toEqual([]);
      expect(await store.historyColumns(info.id, 'none')).toMatchObject({ values: [], timestamps: [], steps: [] });
      for (const key of ['m', 'n', 'i', 'far']) {
        for (const query of [{}, { maxResults: 1 }, { maxResults: 3, pageToken: first.nextPageToken }]) {
          if (key !== 'm' && 'pageToken' in query) continue;
          const page = await store.metricHistory(info.id, key, query);
          expect(await store.historyColumns(info.id, key, query), key).toEqual({
            values: page.items.map(({ value }) => value),
            timestamps: page.items.map(({ timestamp }) => int64Text(timestamp)),
            steps: page.items.map(({ step }) => int64Text(step)),
            ...('nextPageToken' in page ? { nextPageToken: page.nextPageToken } : {}),
          });
        }
      }
      const sampled = async (limit: number, range?: readonly [number, number]): Promise<number[][]> =>
        (await store.sampleMetric(info.id, 'm', { limit, range })).map((m) => [m.timestamp, m.step, m.value]);
      expect(await sampled(2)).toEqual([
        [7, 0, 0.5],
        [1, 3, 2],
      ]);
      expect((await sampled(9)).map(([, step]) => step)).toEqual([0, 1, 2, 3]);
      expect((await sampled(9, [1, 2])).map(([, step]) => step)).toEqual([1, 2]);
      expect(await store.sampleMetric(info.id, 'none', { limit: 9 })).toEqual([]);
      await expect(store.sampleMetric('nope', 'm', { limit: 9 })).rejects.toMatchObject({ code: 'resource_missing' });
      expect((await store.sampleMetric(info.id, 'n', { limit: 9 }))[0]?.value).toBeNaN();
    });

    it('tells what a table of runs can show, and gives only the keys that are wanted', async () => {
      const own = await store.createExperiment({ name: 'a table of runs' });
      expect(await store.runsOverview([own])).toEqual({ runs: 0, metrics: [], params: [], tags: [] });
      const ids: string[] = [];
      for (const i of [1, 2, 3]) {
        const { info } = await store.createRun({ experimentId: own, name: `n${i}`, startTime: i });
        ids.push(info.id);
        await store.logBatch(info.id, {
          metrics: [{ key: `m${i}`, value: i, timestamp: i, step: 0 }],
          params: [{ key: 'both', value: String(i) }],
          tags: [{ key: 'both', value: 'x' }],
        });
      }
      const tags = ['both', 'mlflow.runName'];
      const all = { runs: 3, metrics: ['m1', 'm2', 'm3'], params: ['both'], tags };
      expect(await store.runsOverview([own, own])).toEqual(all);
      await store.updateRun(ids[0] ?? '', { status: 'FINISHED', endTime: 9 });
      if (store.kind !== 'remote') {
        const activity = await store.experimentActivity();
        expect(activity.find(({ experimentId }) => experimentId === own)).toEqual({
          ...{ experimentId: own, runs: 3, running: 2, lastStart: 3 },
        });
        const { items } = await store.searchRuns({ experimentIds: [own], only: ['both', 'm2', 'none'] });
        expect(items.map(({ metrics }) => metrics.map(({ key }) => key))).toEqual([[], ['m2'], []]);
        expect(items[0]).toMatchObject({ params: [{ key: 'both' }], tags: [{ key: 'both' }] });
        const nothing = await store.searchRuns({ experimentIds: [own], only: [] });
        expect(nothing.items[0]).toMatchObject({ info: { name: 'n3' }, metrics: [], params: [], tags: [] });
      }
      await store.deleteRun(ids[2] ?? '');
      expect((await store.runsOverview([own])).runs).toBe(2);
      expect((await store.runsOverview([own], true)).runs).toBe(1);
    });

    it('keeps the edges of int64 in times and steps, and pages of any size', async () => {
      const [low, high] = [-(2 ** 63), 2 ** 63];
      const { info } = await store.createRun({ experimentId: experiment, startTime: high });
      await store.updateRun(info.id, { endTime: high });
      const edges = [
        point('m', 1, high, high),
        point('m', 2, low, 7),
        { key: 'm', value: high, step: 0, timestamp: 8 },
      ];
      await store.logBatch(info.id, { metrics: edges });
      await store.logBatch(info.id, { metrics: [point('n', 1, low, high)] });
      expect((await store.getRun(info.id)).info).toMatchObject({ startTime: high, endTime: high });
      const { items } = await store.metricHistory(info.id, 'm', { maxResults: 2 ** 62 });
      expect(items.map(({ timestamp, step, value }) => [timestamp, step, value])).toEqual([
        [7, low, 2],
        [8, 0, high],
        [high, high, 1],
      ]);
      expect((await store.metricHistory(info.id, 'n')).items).toMatchObject([{ timestamp: high, step: low }]);
      const found = await store.searchRuns({ experimentIds: [experiment], filter: 'start_time > 9e18' });
      expect(found.items.map((one) => one.info.id)).toEqual([info.id]);
    });

    it('takes a param again only with the same value, and then writes nothing of the batch', async () => {
      const { info } = await run();
      await store.logBatch(info.id, { params: [{ key: 'p', value: '1' }] });
      await store.logBatch(info.id, { params: [{ key: 'p', value: '1' }] });
      const batch = {
        params: [
          { key: 'q', value: '1' },
          { key: 'p', value: '3' },
        ],
        tags: [{ key: 't', value: 'x' }],
      };
      await expect(store.logBatch(info.id, batch)).rejects.toThrow(/Changing param values is not allowed/);
      const after = await store.getRun(info.id);
      expect(after.params).toEqual([{ key: 'p', value: '1' }]);
      expect(after.tags.some((tag) => tag.key === 't')).toBe(false);
      const twice = {
        params: [
          { key: 'd', value: '1' },
          { key: 'd', value: '2' },
        ],
      };
      await expect(store.logBatch(info.id, twice)).rejects.toThrow(/Duplicate parameter keys .*\['d'\]/);
      for (const key of ['a//b', 'a/', './a', '../a', '/a', 'a/../b', 'a$b', '', 'x'.repeat(251)]) {
        await expect(store.logBatch(info.id, { metrics: [point(key, 1)] })).rejects.toMatchObject({
          mlflowCode: 'INVALID_PARAMETER_VALUE',
        });
      }
      await store.logBatch(info.id, { metrics: [point('für a/b.c-d:e', 1)] });
    });

    it('sets, replaces and deletes tags', async () => {
      const { info } = await run();
      await store.setTag(info.id, { key: 'k', value: '1' });
      await store.logBatch(info.id, {
        tags: [
          { key: 'k', value: '2' },
          { key: 'k', value: '3' },
        ],
      });
      expect((await store.getRun(info.id)).tags).toContainEqual({ key: 'k', value: '3' });
      await store.deleteTag(info.id, 'k');
      await expect(store.deleteTag(info.id, 'k')).rejects.toThrow(`No tag with name: k in run with id ${info.id}`);
    });

    it('ties datasets and models to runs', async () => {
      const { info } = await run();
      const dataset = { name: 'd', digest: '1', sourceType: 'local', source: '{}', schema: 's' };
      const input = { dataset, tags: [{ key: 'mlflow.data.context', value: 'train' }] };
      await store.logInputs(info.id, [input]);
      await store.logInputs(info.id, [input]);
      await store.logOutputs(info.id, [{ modelId: 'm-1', step: 2 }]);
      const stored = await store.getRun(info.id);
      expect(stored.datasets).toMatchObject([input]);
      expect(stored.modelOutputs).toEqual([{ modelId: 'm-1', step: 2 }]);
      expect(await store.searchDatasets([experiment])).toEqual([
        { experimentId: experiment, name: 'd', digest: '1', context: 'train' },
      ]);
      const found = await store.searchRuns({ experimentIds: [experiment], filter: `dataset.context = 'train'` });
      expect(found.items).toHaveLength(1);
    });

    it('searches runs by everything, in every order, page by page', async () => {
      for (const [i, loss] of [3, 1, NaN, 2, undefined].entries()) {
        const { info } = await store.createRun({ experimentId: experiment, name: `r${i}`, startTime: i });
        await store.logBatch(info.id, {
          metrics: loss === undefined ? [] : [point('loss/val', loss)],
          params: [{ key: 'lr', value: String(i % 2) }],
        });
      }
      const names = async (filter?: string, orderBy?: string[], maxResults = 1000): Promise<string> => {
        const seen: string[] = [];
        let pageToken: string | undefined;
        for (let page = 0; page < 10; page++) {
          const found = await store.searchRuns({ experimentIds: [experiment], filter, orderBy, maxResults, pageToken });
          seen.push(...found.items.map((one) => one.info.name));
          pageToken = found.nextPageToken;
          if (pageToken === undefined) break;
        }
        return seen.join(' ');
      };
      expect(await names()).toBe('r4 r3 r2 r1 r0');
      for (const size of [1, 2, 1000]) {
        expect(await names(undefined, ['metrics.`loss/val` ASC'], size)).toBe('r1 r3 r0 r2 r4');
        expect(await names(undefined, ['metrics."loss/val" DESC'], size)).toBe('r0 r3 r1 r2 r4');
        expect(await names(undefined, ['params.lr', 'start_time ASC'], size)).toBe('r0 r2 r4 r1 r3');
        expect(await names(`params.lr = '0'`, ['attributes.start_time ASC'], size)).toBe('r0 r2 r4');
      }
      expect(await names('metrics.`loss/val` > 1.5')).toBe('r3 r0');
      expect(await names('metrics.`loss/val` != 2')).toBe('r2 r1 r0');
      expect(await names(`params.lr = '0' and metrics."loss/val" >= 3e0`)).toBe('r0');
      expect(await names(`run_name ILIKE 'R_' AND attributes.status = 'RUNNING' AND params.lr LIKE '1'`)).toBe('r3 r1');
      expect(await names(`params.none IS NULL`)).toBe('r4 r3 r2 r1 r0');
      expect(await names(`run_name IN ('r1')`).catch((error: Error) => error.message)).toContain(`Only ['run_id']`);
      await expect(names(`metrics.x > '1'`)).rejects.toThrow('Expected numeric value type for metric');
      await expect(names(`foo.x = 1`)).rejects.toThrow(`Invalid entity type 'foo'.`);
      await expect(names(`foo = 1`)).rejects.toThrow(`Invalid attribute key 'foo' specified.`);
      await expect(names(`params.a = 1`)).rejects.toThrow('Expected a quoted string value for parameter');
      await expect(names(undefined, ['metrics.a DSC'])).rejects.toThrow(`Invalid ordering key in order_by clause`);
    });

    it('logs models on their own, finalizes and searches them', async () => {
      const { info } = await run();
      const model = await store.createLoggedModel({
        experimentId: experiment,
        name: 'clf',
        sourceRunId: info.id,
        params: [{ key: 'a', value: '1' }],
      });
      expect(model).toMatchObject({ status: 'LOGGED_MODEL_PENDING', name: 'clf', sourceRunId: info.id });
      expect(model.artifactUri).toBe(`mlflow-artifacts:/${experiment}/models/${model.id}/artifacts`);
      await store.logBatch(info.id, { metrics: [{ ...point('acc', 0.5), modelId: model.id }] });
      await store.finalizeLoggedModel(model.id, 'LOGGED_MODEL_READY');
      await store.setLoggedModelTags(model.id, [{ key: 't', value: 'x' }]);
      expect(await store.getLoggedModel(model.id)).toMatchObject({
        status: 'LOGGED_MODEL_READY',
        metrics: [{ key: 'acc', value: 0.5, runId: info.id }],
        tags: [{ key: 't', value: 'x' }],
      });
      const found = await store.searchLoggedModels({
        experimentIds: [experiment],
        filter: `name = 'clf' AND metrics.acc > 0.1`,
        orderBy: [{ field: 'metrics.acc', ascending: false }],
      });
      expect(found.items.map((one) => one.id)).toEqual([model.id]);
      await store.deleteLoggedModel(model.id);
      await expect(store.getLoggedModel(model.id)).rejects.toThrow(`Logged model with ID '${model.id}' not found.`);
    });

    it('registers versions that never reuse a number, with stages, aliases and a trail', async () => {
      const { info } = await run();
      await store.createRegisteredModel('digits', { tags: [{ key: 'a', value: 'b' }] });
      await expect(store.createRegisteredModel('digits')).rejects.toThrow(
        'Registered Model (name=digits) already exists.',
      );
      const source = `runs:/${info.id}/model`;
      const one = await store.createModelVersion({ name: 'digits', source, runId: info.id });
      expect(one).toMatchObject({ version: '1', stage: 'None', status: 'READY', runId: info.id, source });
      expect(await store.getDownloadUri('digits', '1')).toBe(`${info.artifactUri}/model`);
      await store.createModelVersion({ name: 'digits', source, runId: info.id });
      await store.transitionStage('digits', '1', { stage: 'Production', by: 'ann', why: 'best' });
      await store.transitionStage('digits', '2', { stage: 'Production', archiveExisting: true });
      expect((await store.getModelVersion('digits', '1')).stage).toBe('Archived');
      expect((await store.getLatestVersions('digits', ['production'])).map((v) => v.version)).toEqual(['2']);
      await store.setAlias('digits', 'best', '1');
      await store.setAlias('digits', 'best', '2', { by: 'ann', why: 'fast' });
      const moves = (await store.promotions('digits')).filter((move) => move.kind === 'alias');
      expect(moves).toMatchObject([
        { version: '1', from: '', to: 'best' },
        { version: '2', from: 'version 1', to: 'best', by: 'ann', why: 'fast' },
      ]);
      expect((await store.getVersionByAlias('digits', 'best')).version).toBe('2');
      await expect(store.getVersionByAlias('digits', 'x')).rejects.toThrow('Registered model alias x not found.');
      await expect(store.setAlias('digits', 'Latest', '1')).rejects.toThrow('reserved');
      await expect(store.setAlias('digits', 'v1', '1')).rejects.toThrow('reserved');
      await store.deleteModelVersion('digits', '2');
      expect((await store.getRegisteredModel('digits')).aliases).toEqual([]);
      expect((await store.createModelVersion({ name: 'digits', source, runId: info.id })).version).toBe('3');
      await store.renameRegisteredModel('digits', 'numbers');
      const found = await store.searchModelVersions({ filter: `name = 'numbers'` });
      expect(found.items.map((v) => v.version)).toEqual(['3', '1']);
      const models = await store.searchRegisteredModels({
        filter: "name LIKE 'num%' AND tag.`mlflow.prompt.is_prompt` != 'true'",
      });
      expect(models.items.map((m) => m.name)).toEqual(['numbers']);
      await expect(store.getModelVersion('numbers', '9')).rejects.toThrow(
        'Model Version (name=numbers, version=9) not found',
      );
      await store.deleteRegisteredModel('numbers');
      await expect(store.getRegisteredModel('numbers')).rejects.toThrow('Registered Model with name=numbers not found');
    });

    it('refuses sources outside the files of the run or model', async () => {
      const { info } = await run();
      await store.createRegisteredModel('m');
      const bad = [
        '/etc',
        'file:///etc/passwd',
        'file://host/etc',
        '//proc/self/root',
        `${info.artifactUri}/../../x`,
        'mlflow-artifacts:/',
        'mlflow-artifacts://evil/1',
        'http://evil/x',
        'http:///#/../../etc/',
        `${info.artifactUri}/%2e%2e/x`,
        's3:/b/../..',
        's3://b/x?y=/../..',
        `${info.artifactUri}#/etc`,
        'file:///%5c..%5c',
        '',
        'C:\\x',
        `${info.artifactUri}/a/%252e%252e/%252e%252e/b`,
      ];
      for (const source of bad) {
        await expect(store.createModelVersion({ name: 'm', source, runId: info.id }), source).rejects.toMatchObject({
          mlflowCode: 'INVALID_PARAMETER_VALUE',
        });
      }
      await store.createModelVersion({ name: 'm', source: 's3://bucket/model' });
      await store.createModelVersion({ name: 'm', source: `${info.artifactUri}/x`, runId: info.id });
    });

    it('stores artifacts of a run, lists them, and never leaves the root', async () => {
      const { info } = await run();
      const files = store.artifacts(info.artifactUri);
      expect(await files.list()).toEqual([]);
      await files.put('a/b.txt', Buffer.from('hello'));
      await files.put('c.txt', Buffer.from(''));
      expect(await files.list()).toEqual([
        { path: 'a', isDirectory: true, size: undefined },
        { path: 'c.txt', isDirectory: false, size: 0 },
      ]);
      expect(await files.list('a')).toEqual([{ path: 'a/b.txt', isDirectory: false, size: 5 }]);
      expect(Buffer.from(await files.get('a/b.txt')).toString()).toBe('hello');
      await expect(files.get('none')).rejects.toMatchObject({ code: 'resource_missing' });
      for (const path of [
        '../x',
        '/etc/passwd',
        'a/../../x',
        '..%2fx',
        '%2e%2e/x',
        '..%252fx',
        'a\\..\\b',
        'C:/x',
        'a//b',
        'a/./b',
      ]) {
        await expect(files.put(path, Buffer.from('x')), path).rejects.toThrow('Invalid path');
      }
      await files.remove('a');
      await files.remove('a');
      expect((await files.list()).map((file) => file.path)).toEqual(['c.txt']);
    });
  });
}
