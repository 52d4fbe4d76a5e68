import { randomUUID } from 'node:crypto';

import { messageOf } from '../base/index.ts';
import type { Letter, Outbox } from './outbox.ts';

/** What became of an attempt. */
export type Outcome =
  | 'delivered'
  /** The same may go through later; `after` is what the receiver asked for, in milliseconds. */
  | { readonly again: string; readonly after?: number | undefined }
  /** It never will. */
  | { readonly refused: string };

/** Carries letters of one kind. */
export interface Courier {
  /** How often an attempt is repeated before the letter is given up. */
  readonly retries: number;
  /** First pause between attempts, in milliseconds; each later one is twice as long. Default 1,000. */
  readonly pause?: number | undefined;
  /** One attempt, ended by the signal. What it throws counts as `again`. */
  readonly deliver: (letter: Letter, signal: AbortSignal) => Promise<Outcome>;
  /** Whom a letter is for, for messages. */
  readonly describe: (letter: Letter) => string;
}

export interface PostmanOptions {
  readonly outbox: Outbox;
  /** By the kind of letters. */
  readonly couriers: Readonly<Record<string, Courier>>;
  readonly onTrouble: (line: string) => void;
  /** How long a letter is held before others take it for abandoned, in milliseconds. Default 6,000. */
  readonly lease?: number | undefined;
}

export interface Postman {
  /** Takes out what is due: letters of processes that died, too. Never throws. */
  look(): Promise<void>;
  /** Lets what is under way finish for a while; the rest stays in the outbox. */
  close(): Promise<void>;
}

const atOnce = 10;
/** A receiver that hangs does not take all places. */
const atOncePerTarget = 4;
const longestPause = 60_000;
/** What is under way when this process ends gets this long. */
const farewell = 3000;

/** Delivers what is in an outbox, a few letters at a time, repeating what fails for a while. */
export function openPostman(options: PostmanOptions): Postman {
  const { outbox, couriers, onTrouble, lease = 6000 } = options;
  const holder = randomUUID();
  const ending = new AbortController();
  const held = new Map<string, Letter>();
  const carrying = new Set<Promise<void>>();
  const timers = new Set<NodeJS.Timeout>();
  let looking: Promise<void> | undefined;
  let lookAgain = false;
  let closed = false;

  const renewal = setInterval(() => {
    if (held.size > 0) outbox.renew([...held.keys()], holder, lease).catch(() => undefined);
  }, lease / 3).unref();

  /** Targets that have enough under way. */
  const busy = (): readonly string[] => {
    const counts = new Map<string, number>();
    for (const { target } of held.values()) counts.set(target, (counts.get(target) ?? 0) + 1);
    return [...counts].filter(([, count]) => count >= atOncePerTarget).map(([target]) => target);
  };

  const take = async (): Promise<void> => {
    while (!closed && held.size < atOnce) {
      const limit = Math.min(atOnce - held.size, atOncePerTarget);
      const claim = { kinds: Object.keys(couriers), holder, lease, limit, except: busy() };
      const letters = await outbox.claim(claim);
      if (letters.length === 0) return;
      for (const letter of letters) {
        // Its lease ran out while the store was away, but it is still under way here.
        if (held.has(letter.id)) continue;
        held.set(letter.id, letter);
        const work = carry(letter).finally(() => {
          carrying.delete(work);
          held.delete(letter.id);
          void look();
        });
        carrying.add(work);
      }
    }
  };

  const look = async (): Promise<void> => {
    if (closed) return;
    if (looking !== undefined) {
      lookAgain = true;
      return looking;
    }
    const now = (async (): Promise<void> => {
      do {
        lookAgain = false;
        await take();
      } while (lookAgain && !closed);
    })()
      .catch((error: unknown) => onTrouble(`letters wait: ${messageOf(error)}`))
      .finally(() => (looking = undefined));
    looking = now;
    return now;
  };

  const lookAfter = (milliseconds: number): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      void look();
    }, milliseconds).unref();
    timers.add(timer);
  };

  const carry = async (letter: Letter): Promise<void> => {
    const courier = couriers[letter.kind];
    if (courier === undefined) return;
    const outcome = await courier
      .deliver(letter, ending.signal)
      .catch((error: unknown): Outcome => ({ again: messageOf(error) }));
    try {
      if (ending.signal.aborted && outcome !== 'delivered') await outbox.postpone(letter.id, holder, 0);
      else await conclude(letter, courier, outcome);
    } catch (error) {
      // It stays in the outbox and becomes due by itself.
      onTrouble(`${courier.describe(letter)}: ${messageOf(error)}`);
    }
  };

  const conclude = async (letter: Letter, courier: Courier, outcome: Outcome): Promise<void> => {
    if (outcome === 'delivered') return outbox.settle(letter.id, holder);
    if ('refused' in outcome) {
      onTrouble(`${courier.describe(letter)}: ${outcome.refused}`);
      return outbox.settle(letter.id, holder);
    }
    if (letter.attempts > courier.retries) {
      onTrouble(`${courier.describe(letter)}: given up after ${letter.attempts} attempts, the last: ${outcome.again}`);
      return outbox.settle(letter.id, holder);
    }
    const pause = (courier.pause ?? 1000) * 2 ** (letter.attempts - 1) * (1 + Math.random());
    const delay = Math.ceil(Math.min(outcome.after ?? pause, longestPause));
    await outbox.postpone(letter.id, holder, delay);
    lookAfter(delay + 1);
  };

  return {
    look,
    async close() {
      closed = true;
      clearInterval(renewal);
      for (const timer of timers) clearTimeout(timer);
      await looking;
      const late = setTimeout(() => ending.abort(), farewell);
      await Promise.all(carrying);
      clearTimeout(late);
    },
  };
}
