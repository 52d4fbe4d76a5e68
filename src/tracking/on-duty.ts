import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { messageOf } from '../base/index.ts';
import type { DutyStore } from './duty-store.ts';

export interface Duty {
  /** The same in all processes. */
  readonly name: string;
  /** Pause between two turns, in milliseconds. Default 2,000. */
  readonly every?: number | undefined;
  /** How long a dead holder keeps the others waiting, in milliseconds. Default 6,000. */
  readonly lease?: number | undefined;
  /** Whether there is anything to do: asked without holding the duty. Default always. */
  readonly wanted?: (() => Promise<boolean>) | undefined;
  /** One turn; `signal` ends when the duty is given up. */
  readonly work: (signal: AbortSignal) => Promise<void>;
  readonly onTrouble: (line: string) => void;
}

export interface OnDuty {
  /** Ends after the turn under way and leaves the duty. */
  close(): Promise<void>;
}

/**
 * Does scheduled work while this process holds its duty, so that of all processes on a store exactly one does it. One
 * takes over at most `lease` and `every` after another died.
 */
export function onDuty(duties: DutyStore, duty: Duty): OnDuty {
  const { name, every = 2000, lease = 6000, wanted, work, onTrouble } = duty;
  const holder = randomUUID();
  const ending = new AbortController();
  const { signal } = ending;
  let holds = false;
  let said = '';

  const turn = async (): Promise<void> => {
    if (wanted !== undefined && !(await wanted())) return;
    holds = await duties.takeDuty(name, holder, lease);
    if (!holds) return;
    // A long turn stays its holder's.
    const renewal = setInterval(() => {
      duties.takeDuty(name, holder, lease).catch(() => undefined);
    }, lease / 3).unref();
    try {
      await work(signal);
    } finally {
      clearInterval(renewal);
    }
  };

  const turns = (async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        await turn();
        said = '';
      } catch (error) {
        // Said once: a database that is away for an hour is one trouble.
        const text = messageOf(error);
        if (text !== said) onTrouble(`${name}: ${text}`);
        said = text;
      }
      await delay(every, undefined, { signal, ref: false }).catch(() => undefined);
    }
    if (holds) await duties.leaveDuty(name, holder).catch(() => undefined);
  })();

  return {
    async close() {
      ending.abort();
      await turns;
    },
  };
}
