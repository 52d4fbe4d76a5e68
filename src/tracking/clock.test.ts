import { afterEach, expect, it, vi } from 'vitest';

import { openTracking } from './index.ts';

afterEach(() => void vi.useRealTimers());

it('a clock that goes back changes no numbers, no trail and no newest value', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 2_000_000 });
  const store = await openTracking('memory:');
  const { info } = await store.createRun({ experimentId: '0', startTime: Date.now() });
  const log = (value: number, step: number): Promise<void> =>
    store.logBatch(info.id, { metrics: [{ key: 'm', value, step, timestamp: Date.now() }] });
  await store.createRegisteredModel('m');
  await store.createModelVersion({ name: 'm', source: 's3://b/1' });
  await store.transitionStage('m', '1', { stage: 'Production' });
  await log(1, 0);

  vi.setSystemTime(1_000_000);
  await log(2, 1);
  await store.createModelVersion({ name: 'm', source: 's3://b/2' });
  await store.transitionStage('m', '2', { stage: 'Production', archiveExisting: true });
  await store.setAlias('m', 'best', '2');

  expect((await store.getRun(info.id)).metrics).toMatchObject([{ value: 2, step: 1 }]);
  expect((await store.getLatestVersions('m', ['Production'])).map(({ version }) => version)).toEqual(['2']);
  expect((await store.getVersionByAlias('m', 'latest')).version).toBe('2');
  const trail = await store.promotions('m');
  expect(trail.map(({ version, kind, to }) => [version, kind, to])).toEqual([
    ['1', 'register', 'None'],
    ['1', 'stage', 'Production'],
    ['2', 'register', 'None'],
    ['1', 'stage', 'Archived'],
    ['2', 'stage', 'Production'],
    ['2', 'alias', 'best'],
  ]);
  const pages: string[] = [];
  let pageToken: string | undefined;
  do {
    const page = await store.searchModelVersions({ filter: `name = 'm'`, maxResults: 1, pageToken });
    pages.push(...page.items.map(({ version }) => version));
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  expect(pages.toSorted()).toEqual(['1', '2']);
  await store.close();
});
