import { setTimeout as delay } from 'node:timers/promises';

/**
 * Looks again and again until something is there: anything but `undefined` and `false`, which it gives back.
 *
 * @param what is awaited, for the one who reads that it did not come.
 * @param patience in milliseconds.
 */
export async function until<Value>(
  look: () => Value | Promise<Value>,
  what = 'what the test needs',
  patience = 5_000,
): Promise<Exclude<Value, undefined | false>> {
  for (const end = performance.now() + patience; ;) {
    const found = await look();
    if (found !== undefined && found !== false) return found as Exclude<Value, undefined | false>;
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await delay(10);
  }
}
