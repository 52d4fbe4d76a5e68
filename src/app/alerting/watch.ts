import { setTimeout as sleep } from 'node:timers/promises';

import { messageOf } from '../../base/index.ts';
import type { Alert } from '../../monitor/index.ts';
import { look, sendAgain, type LookOptions, type LookResult } from './look.ts';

export interface WatchOptions extends LookOptions {
  readonly signal: AbortSignal;
  /** Milliseconds between two looks. */
  readonly interval: number;
  readonly onLook: (result: LookResult) => void;
  /** Something to do about an alert that fires; it is not waited for before the next look. */
  readonly onBegun: (alert: Alert, signal: AbortSignal) => Promise<void>;
}

/** Pauses between attempts to deliver what did not arrive. */
const firstPause = 5_000;
const longestPause = 600_000;
/** Timers reach no further: 24 days. */
const longestTimer = 2 ** 31 - 1;

/** Looks again and again until the signal; what did not arrive is tried again in between. */
export async function watch(options: WatchOptions): Promise<void> {
  const { signal, interval, onLook, onTrouble } = options;
  const running = new Set<Promise<void>>();
  let next = performance.now();
  let pause = firstPause;
  let waiting = 0;
  while (!signal.aborted) {
    try {
      if (performance.now() >= next) {
        // By the clock that nobody puts back.
        next = performance.now() + interval;
        const result = await look(options);
        onLook(result);
        for (const alert of result.begun) {
          const work = options.onBegun(alert, signal).finally(() => running.delete(work));
          running.add(work);
        }
        waiting = result.waiting;
        pause = firstPause;
      } else if (waiting > 0) {
        waiting = await sendAgain(options);
        pause = Math.min(pause * 2, longestPause);
      }
    } catch (error) {
      if (signal.aborted) break;
      // A store that is away now may be there at the next look.
      onTrouble(messageOf(error));
    }
    const untilNext = Math.max(0, next - performance.now());
    const rest = Math.min(waiting > 0 ? Math.min(pause, untilNext) : untilNext, longestTimer);
    // The signal ends the rest, and the loop with it.
    await sleep(rest, undefined, { signal }).catch(() => undefined);
  }
  await Promise.allSettled(running);
}
