import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { Opened } from './contract.ts';
import type { TrafficStore } from './traffic-store.ts';

/** What every kind does with the rules of traffic. */
export function trafficContract(kind: string, open: () => Promise<Opened>): void {
  describe(`traffic: ${kind}`, () => {
    let opened: Opened;
    let traffic: TrafficStore;
    beforeEach(async () => {
      opened = await open();
      ({ traffic } = opened.store);
    });
    afterEach(() => opened.close());
    const change = (model: string, body: string | undefined) => ({
      ...{ model, kind: body === undefined ? 'clear' : 'set', at: 1_700_000_000_000, by: 'ann', why: 'a "reason"' },
      body,
    });

    it('adds changes, of which the newest of each model counts, and keeps all', async () => {
      expect(await traffic.lastChange()).toBe(0);
      expect(await traffic.listRules()).toEqual([]);
      const first = await traffic.change(change('ü', '{"a":1}'));
      const other = await traffic.change(change('m', '{"b":1}'));
      const second = await traffic.change(change('ü', undefined));
      expect(first).toMatchObject(change('ü', '{"a":1}'));
      expect(await traffic.lastChange()).toBe(second?.n);
      expect(await traffic.listRules()).toEqual([other, second]);
      expect(await traffic.history('ü')).toEqual([first, second]);
      expect(await traffic.history('nobody')).toEqual([]);
      expect((second?.n ?? 0) > (other?.n ?? 0) && (other?.n ?? 0) > (first?.n ?? 0)).toBe(true);
    });

    it('adds one of many changes that know the same state', async () => {
      const first = await traffic.change(change('m', '0'), 0);
      const rivals = Array.from({ length: 6 }, (_, i) => traffic.change(change('m', String(i + 1)), first?.n));
      const won = (await Promise.all(rivals)).filter((one) => one !== undefined);
      expect(won).toHaveLength(1);
      expect(await traffic.change(change('m', '9'), 0)).toBeUndefined();
      expect(await traffic.history('m')).toEqual([first, ...won]);
    });

    it('keeps what each holder has counted last', async () => {
      await traffic.putCounts([]);
      await traffic.putCounts([
        { rule: 1, holder: 'b', body: '{}' },
        { rule: 2, holder: 'a', body: '{"n":1}' },
      ]);
      await traffic.putCounts([
        { rule: 1, holder: 'b', body: '{"n":2}' },
        { rule: 1, holder: 'a', body: '{}' },
      ]);
      expect(await traffic.listCounts(1)).toEqual([
        { rule: 1, holder: 'a', body: '{}' },
        { rule: 1, holder: 'b', body: '{"n":2}' },
      ]);
      expect(await traffic.listCounts(3)).toEqual([]);
    });

    it('follows a model that is renamed, and ends with one that is deleted', async () => {
      const { store } = opened;
      await store.createRegisteredModel('old');
      const set = await traffic.change(change('old', '{}'));
      await store.renameRegisteredModel('old', 'new');
      expect(await traffic.history('old')).toEqual([]);
      expect(await traffic.listRules()).toEqual([{ ...set, model: 'new' }]);
      await store.deleteRegisteredModel('new');
      expect(await traffic.history('new')).toMatchObject([
        { kind: 'set' },
        { kind: 'clear', why: 'the model was deleted' },
      ]);
      await store.createRegisteredModel('new');
      await store.deleteRegisteredModel('new');
      expect(await traffic.history('new')).toHaveLength(2);
    });
  });
}
