import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits for a random part of `bound` milliseconds, so that many clients do not return at the same moment.
 * @throws the signal's reason when it comes first.
 */
export async function pause(bound: number, signal?: AbortSignal, random: () => number = Math.random): Promise<void> {
  // Hundreds of transfers may pause on one signal: that is the plan here, not a leak to warn of.
  if (signal !== undefined) setMaxListeners(0, signal);
  try {
    await sleep(random() * bound, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
