import { randomUUID } from 'node:crypto';
import * as path from 'node:path';

import { messageOf } from '../../base/index.ts';
import {
  advance,
  alertKey,
  announced,
  orphaned,
  type Alert,
  type Observation,
  type Silence,
} from '../../monitor/index.ts';
import { exportFiles } from '../monitor/export.ts';
import { observe, type Looked, type ObservePlaces } from '../monitor/observe.ts';
import type { FoundSettings } from '../monitor/settings.ts';
import type { AlertBook } from './alert-book.ts';
import type { Channel } from './channel.ts';
import { keepLook } from './last-look.ts';
import { sendNotices } from './send-notices.ts';

export interface LookOptions {
  readonly found: FoundSettings;
  readonly places: ObservePlaces;
  readonly book: AlertBook;
  readonly channels: readonly Channel[];
  readonly now: () => number;
  readonly signal?: AbortSignal | undefined;
  readonly onTrouble: (line: string) => void;
  /** The private folder: what was found is kept there for gauges. */
  readonly folder?: string | undefined;
}

export interface LookResult {
  readonly looked: Looked;
  /** Those that are open, and those that ended just now. */
  readonly alerts: readonly Alert[];
  /** Those whose notice that they fire was given out just now. */
  readonly begun: readonly Alert[];
  readonly ended: readonly Alert[];
  /** Notices that did not arrive yet. */
  readonly waiting: number;
}

/** Looks once: judges all rules, moves alerts on, keeps that, then tells the channels, and keeps the exported files current. */
export async function look(options: LookOptions): Promise<LookResult> {
  const { found, places, book, channels, now, onTrouble } = options;
  const looked = await observe(found.settings, { ...places, cwd: found.root }, now());
  for (const problem of looked.problems) onTrouble(problem);
  if (options.folder !== undefined) keepLook(options.folder, looked, now());
  const result = await book.exclusively(async () => {
    const stored = await book.alerts();
    const moved = moveOn(stored, looked.observations, await book.silences(now()), options);
    // Kept before anybody is told: a process that is killed afterwards tells it again under the same id.
    await book.change(moved.put, moved.forget, now());
    const sent = await sendNotices(book, moved.alerts, channels, { now, signal: options.signal, onTrouble });
    return { ...moved, alerts: sent };
  }, options.signal);
  await exportCurrent(options, result.alerts);
  return {
    looked,
    alerts: result.alerts.filter(({ id, state }) => state !== 'resolved' || result.ended.has(id)),
    begun: result.alerts.filter(({ id }) => result.begun.has(id)),
    ended: result.alerts.filter(({ id }) => result.ended.has(id)),
    waiting: waitingOf(result.alerts),
  };
}

/** Tries again what did not arrive. @returns how many still wait. */
export async function sendAgain(options: LookOptions): Promise<number> {
  const { book, channels, now, signal, onTrouble } = options;
  return book.exclusively(async () => {
    const alerts = await sendNotices(book, await book.alerts(), channels, { now, signal, onTrouble });
    return waitingOf(alerts);
  }, signal);
}

const waitingOf = (alerts: readonly Alert[]): number =>
  alerts.reduce((sum, { deliveries }) => sum + deliveries.filter(({ state }) => state === 'waiting').length, 0);

interface Moved {
  /** All, with their changes. */
  readonly alerts: readonly Alert[];
  readonly put: readonly Alert[];
  readonly forget: readonly string[];
  readonly begun: ReadonlySet<string>;
  readonly ended: ReadonlySet<string>;
}

function moveOn(
  stored: readonly Alert[],
  observations: readonly Observation[],
  silences: readonly Silence[],
  { found, channels, now: clock }: LookOptions,
): Moved {
  const now = clock();
  const { rules, cooldown } = found.settings.alerts;
  const open = new Map(stored.filter(isOpen).map((alert) => [alertKey(alert.rule, alert.model), alert]));
  const moved = new Map<string, Alert>(stored.map((alert) => [alert.id, orphaned(alert, rules, now)]));
  const forget: string[] = [];
  for (const seen of observations) {
    const before = open.get(alertKey(seen.rule.name, seen.model));
    const after = advance(before, seen, { now, newId: randomUUID });
    if (after !== undefined) moved.set(after.id, after);
    else if (before !== undefined) {
      moved.delete(before.id);
      forget.push(before.id);
    }
  }
  const lastTold = lastToldOf(stored);
  const notices = { now, cooldown, silences, channels: channels.map(({ name }) => name), lastTold };
  const before = new Map(stored.map((alert) => [alert.id, alert]));
  const alerts = [...moved.values()].map((alert) => announced(alert, notices));
  const put = alerts.filter((alert) => before.get(alert.id) !== alert);
  const turned = (key: 'told' | 'state', to: Alert['state']): ReadonlySet<string> =>
    new Set(put.filter((alert) => alert[key] === to && before.get(alert.id)?.[key] !== to).map(({ id }) => id));
  return { alerts, put, forget, begun: turned('told', 'firing'), ended: turned('state', 'resolved') };
}

const isOpen = ({ state }: Alert): boolean => state !== 'resolved';

function lastToldOf(alerts: readonly Alert[]): Map<string, number> {
  const last = new Map<string, number>();
  for (const alert of alerts) {
    if (alert.firing_since === null || alert.told === null) continue;
    const key = alertKey(alert.rule, alert.model);
    last.set(key, Math.max(last.get(key) ?? 0, Date.parse(alert.firing_since)));
  }
  return last;
}

async function exportCurrent({ found, places, onTrouble }: LookOptions, alerts: readonly Alert[]): Promise<void> {
  const folder = found.settings.export;
  if (folder === undefined) return;
  try {
    await exportFiles(places.log, path.resolve(found.root, folder), {
      selection: {},
      alerts: alerts.filter(({ state }) => state !== 'pending'),
      ignored: true,
    });
  } catch (error) {
    onTrouble(`'${folder}' is not current: ${messageOf(error)}`);
  }
}
