import { expect, it } from 'vitest';

import type { KeyStore, StoredKey } from './api-keys.ts';

const key = (id: string): StoredKey => ({
  id,
  name: `clé "${id}"\n`,
  scopes: ['predict', 'admin'],
  hash: id.repeat(8),
  created: '2030-01-01T00:00:00.000Z',
});

/** What every kind of `KeyStore` must do; `open` gives an empty one. Called inside a `describe` of its own tests. */
export function keyStoreContract(open: () => KeyStore): void {
  it('is empty at first, and keeps what was saved last, in order', () => {
    const store = open();
    expect(store.load()).toEqual([]);
    const dated = { ...key('bb'), expires: '2031-01-01T00:00:00.000Z' };
    store.save([key('cc'), dated, key('aa')]);
    expect(store.load()).toEqual([key('cc'), dated, key('aa')]);
    store.save([key('aa')]);
    expect(store.load()).toEqual([key('aa')]);
    store.save([]);
    expect(store.load()).toEqual([]);
  });

  it('has another revision after each save, and the same while nothing is saved', () => {
    const store = open();
    const seen = new Set<string>();
    for (const keys of [[], [key('aa')], [key('bb')], []]) {
      store.save(keys);
      seen.add(store.revision());
      store.load();
      seen.add(store.revision());
    }
    expect(seen.size).toBe(4);
  });
}
