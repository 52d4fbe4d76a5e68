import { openPlace, trackingPlace } from '../../app/places/tracking-home.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Opens the tracking store of where the user stands, hands it over, and closes it whatever happens. */
export async function withStore<Result>(
  terminal: Terminal,
  work: (store: TrackingStore) => Promise<Result>,
  options: { readonly create?: boolean } = {},
): Promise<Result> {
  const store = await openPlace(trackingPlace(terminal.cwd, terminal.env), { ...options, signal: terminal.signal });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
