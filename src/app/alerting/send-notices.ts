import { messageOf } from '../../base/index.ts';
import type { Letter } from '../../deliver/index.ts';
import { noticeOf, type Alert, type Delivery, type Notice } from '../../monitor/index.ts';
import type { AlertBook } from './alert-book.ts';
import type { Channel } from './channel.ts';

/** One attempt of a channel for all that waits for it. */
const patience = 10_000;
/** Letters that are claimed at once. */
const most = 500;

export interface SendOptions {
  readonly now: () => number;
  readonly signal?: AbortSignal | undefined;
  readonly onTrouble: (line: string) => void;
}

/**
 * Sends every notice that waits, through the store's outbox: what a killed process had under way, too. Channels do not
 * wait for each other; within one the order is kept, so that nobody hears of an end before the beginning.
 *
 * Called by who holds the book: letters that are claimed are then nobody else's, and those that a dead process held are
 * taken back at once.
 *
 * @returns the alerts as they are afterwards.
 */
export async function sendNotices(
  book: AlertBook,
  alerts: readonly Alert[],
  channels: readonly Channel[],
  options: SendOptions,
): Promise<readonly Alert[]> {
  const waiting = alerts.filter(({ deliveries }) => deliveries.some(({ state }) => state === 'waiting'));
  if (waiting.length === 0) return alerts;
  const kind = `alert ${book.project}`;
  const holder = `watch ${book.project}`;
  const letters = waiting.flatMap((alert) =>
    alert.deliveries.filter(({ state }) => state === 'waiting').map((delivery) => letterOf(alert, delivery, kind)),
  );
  await book.outbox.post(letters);
  for (const { id } of letters) await book.outbox.postpone(id, holder, 0);
  const claim = { kinds: [kind], holder, lease: 60_000, limit: most, except: [] };
  const claimed = await book.outbox.claim(claim);
  const results = new Map<string, string | undefined>();
  const own = new Map(channels.map((channel) => [channel.name, channel]));
  const targets = [...new Set(claimed.map(({ target }) => target))];
  const work = targets.map(async (name) => {
    const mine = claimed.filter(({ target }) => target === name);
    const channel = own.get(name);
    // What was taken out of monitor.yaml is told nothing more.
    if (channel === undefined) for (const { id } of mine) results.set(id, undefined);
    else await sendAll(channel, inOrder(mine), results, options);
  });
  await Promise.all(work);
  for (const { id } of claimed) {
    if (results.has(id) && results.get(id) === undefined) await book.outbox.settle(id, holder);
    else await book.outbox.postpone(id, holder, 0);
  }
  const changed = waiting.map((alert) => concluded(alert, results, options.now()));
  await book.change(changed, [], options.now());
  const after = new Map(changed.map((alert) => [alert.id, alert]));
  return alerts.map((alert) => after.get(alert.id) ?? alert);
}

function letterOf(alert: Alert, { channel, notice }: Delivery, kind: string) {
  const body = JSON.stringify(noticeOf(alert, notice));
  return {
    id: letterId(alert, channel, notice),
    kind,
    target: channel,
    body,
    createdAt: Date.parse(alert.told_at ?? ''),
  };
}

const letterId = ({ id }: Alert, channel: string, notice: string): string => `${id}:${notice}:${channel}`;

/** As they were given out; of one alert the beginning first. */
function inOrder(letters: readonly Letter[]): Letter[] {
  const isEnd = ({ id }: Letter): number => Number(id.includes(':resolved:'));
  return letters.toSorted((a, b) => a.createdAt - b.createdAt || isEnd(a) - isEnd(b));
}

/** Sends until one fails: then the channel is away, and the rest waits for it too. */
async function sendAll(
  channel: Channel,
  letters: readonly Letter[],
  results: Map<string, string | undefined>,
  { signal, onTrouble }: SendOptions,
): Promise<void> {
  const ends = AbortSignal.any([AbortSignal.timeout(patience), ...(signal === undefined ? [] : [signal])]);
  const groups = channel.grouped ? [letters] : letters.map((letter) => [letter]);
  for (const group of groups) {
    const notices = group.map(({ body }) => JSON.parse(body) as Notice);
    try {
      await channel.send(notices, ends);
      for (const { id } of group) results.set(id, undefined);
    } catch (error) {
      const problem = messageOf(error);
      onTrouble(`channel '${channel.name}': ${problem}`);
      for (const { id } of letters) if (!results.has(id)) results.set(id, problem);
      return;
    }
  }
}

function concluded(alert: Alert, results: ReadonlyMap<string, string | undefined>, now: number): Alert {
  const at = new Date(now).toISOString();
  const deliveries = alert.deliveries.map((delivery): Delivery => {
    const id = letterId(alert, delivery.channel, delivery.notice);
    if (delivery.state !== 'waiting' || !results.has(id)) return delivery;
    const problem = results.get(id) ?? null;
    const attempts = delivery.attempts + 1;
    return { ...delivery, attempts, at, problem, state: problem === null ? 'delivered' : 'waiting' };
  });
  return { ...alert, deliveries };
}
