import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { StudyRow, TrialRow, TrialStore } from './trial-store.ts';

/** What every kind of trial store must do; run by each of them. */
export function trialStoreContract(
  kind: string,
  open: () => Promise<{ readonly store: TrialStore; close(): Promise<void> }>,
): void {
  describe(`trial store: ${kind}`, () => {
    let store: TrialStore;
    let opened: { readonly store: TrialStore; close(): Promise<void> };
    const study = (name: string): StudyRow => ({
      ...{ name, spec: '{"version":1}', state: 'ACTIVE', reason: '', owner: '', beat: 0, runId: 'r', createdAt: 5 },
    });
    const trial = (number: number, state: string, loss: number | null): TrialRow => ({
      ...{ number, state, loss, startedAt: 100 + number, endedAt: state === 'RUNNING' ? null : 200 + number },
      body: `{"params":{"x":"é${number}"}}`,
    });

    beforeEach(async () => {
      opened = await open();
      ({ store } = opened);
      await store.createStudy(study('a'));
    });
    afterEach(() => opened.close());

    it('keeps studies by name', async () => {
      expect(await store.getStudy('a')).toEqual(study('a'));
      expect(await store.getStudy('b')).toBeUndefined();
      await expect(store.createStudy(study('a'))).rejects.toMatchObject({ code: 'resource_exists' });
      await store.createStudy(study('B'));
      await store.updateStudy('a', { state: 'STOPPED', reason: 'why', spec: '{}' });
      expect((await store.listStudies()).map(({ name, reason }) => [name, reason])).toEqual([
        ['B', ''],
        ['a', 'why'],
      ]);
      await expect(store.updateStudy('none', {})).rejects.toMatchObject({ code: 'resource_missing' });
      await expect(store.putTrials('none', [trial(0, 'RUNNING', null)])).rejects.toMatchObject({
        code: 'resource_missing',
      });
    });

    it('lets one of several claim a study', async () => {
      const claims = await Promise.all(['p', 'q', 'r'].map((owner) => store.claimStudy('a', '', owner, 7)));
      expect(claims.filter(Boolean)).toHaveLength(1);
      const owner = (await store.getStudy('a'))?.owner ?? '';
      expect(await store.claimStudy('a', 'other', 's', 8)).toBe(false);
      expect(await store.claimStudy('a', owner, '', 9)).toBe(true);
    });

    it('lets one of several begin a trial, and change it from what it was', async () => {
      const begun = [1, 2, 3].map((at) => ({
        ...trial(0, 'RUNNING', null),
        startedAt: at,
        body: `{"params":{},"by":${at}}`,
      }));
      const wins = await Promise.all(begun.map((row) => store.swapTrial('a', row, undefined)));
      expect(wins.filter(Boolean)).toHaveLength(1);
      const [first] = await store.listTrials('a');
      expect(first).toEqual(begun[wins.indexOf(true)]);
      const ended = trial(0, 'COMPLETE', -Infinity);
      expect(await store.swapTrial('a', ended, { ...ended, state: 'RUNNING' })).toBe(false);
      expect(await store.swapTrial('a', ended, first)).toBe(true);
      expect(await store.swapTrial('a', trial(0, 'FAILED', null), first)).toBe(false);
      expect(await store.swapTrial('a', trial(1, 'FAILED', null), ended)).toBe(false);
      expect(await store.listTrials('a')).toEqual([ended]);
      await expect(store.swapTrial('none', ended, undefined)).rejects.toMatchObject({ code: 'resource_missing' });
    });

    it('keeps trials, tells them by number and sums them up', async () => {
      await store.putTrials('a', [
        trial(3, 'COMPLETE', -1.5),
        trial(0, 'COMPLETE', Infinity),
        trial(1, 'RUNNING', null),
        trial(2, 'COMPLETE', null),
      ]);
      await store.putTrials('a', [trial(4, 'COMPLETE', -1.5), trial(1, 'FAILED', null), trial(5, 'RUNNING', null)]);
      expect((await store.listTrials('a')).map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5]);
      expect(await store.listTrials('a', { from: 1, limit: 2 })).toEqual([
        trial(1, 'FAILED', null),
        trial(2, 'COMPLETE', null),
      ]);
      expect((await store.listTrials('a', { limit: 1 }))[0]).toEqual(trial(0, 'COMPLETE', Infinity));
      expect(await store.summary('a')).toEqual({
        counts: { COMPLETE: 4, FAILED: 1, RUNNING: 1 },
        best: trial(3, 'COMPLETE', -1.5),
        running: [trial(5, 'RUNNING', null)],
        firstStart: 100,
        lastEnd: 204,
      });
      await store.deleteStudy('a');
      expect(await store.getStudy('a')).toBeUndefined();
      await store.createStudy(study('a'));
      expect(await store.summary('a')).toMatchObject({ counts: {}, best: undefined, firstStart: undefined });
    });
  });
}
