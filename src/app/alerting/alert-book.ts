import { createHash, randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { lockFile, MlopsError, nearest } from '../../base/index.ts';
import type { Alert, Silence } from '../../monitor/index.ts';
import type { StoredAlert, TrackingStore } from '../../tracking/index.ts';

/** How long another process may hold the book: it delivers meanwhile, and no channel takes longer than 10 seconds. */
const patience = 60_000;

/** Alerts and silences of one project, as the store keeps them. */
export class AlertBook {
  readonly project: string;
  readonly #store: TrackingStore;
  readonly #lock: string;

  /** @param folder the private folder, for the lock of who changes alerts. */
  constructor(store: TrackingStore, root: string, folder: string) {
    this.#store = store;
    // A store may be shared, and folders of many projects are called the same.
    const place = createHash('sha256').update(realPath(root)).digest('hex').slice(0, 12);
    this.project = `${path.basename(root)}-${place}`;
    this.#lock = path.join(folder, 'alerts.lock');
  }

  get outbox(): TrackingStore['outbox'] {
    return this.#store.outbox;
  }

  /** Runs what reads alerts and writes them back: one process at a time. A killed one leaves no lock. */
  async exclusively<Value>(work: () => Promise<Value>, signal?: AbortSignal): Promise<Value> {
    const lock = await lockFile(this.#lock, { timeout: patience, interval: 100, signal });
    try {
      return await work();
    } finally {
      lock.release();
    }
  }

  /** The last changed first. */
  async alerts(): Promise<Alert[]> {
    const stored = await this.#store.alerts.listAlerts(this.project);
    return stored.map(({ body }) => JSON.parse(body) as Alert);
  }

  async change(put: readonly Alert[], forget: readonly string[], now: number): Promise<void> {
    if (put.length === 0 && forget.length === 0) return;
    const stored = put.map((alert): StoredAlert => {
      return { id: alert.id, state: alert.state, updatedAt: now, body: JSON.stringify(alert) };
    });
    await this.#store.alerts.changeAlerts(this.project, { put: stored, forget });
  }

  async silences(now: number): Promise<Silence[]> {
    const stored = await this.#store.alerts.listSilences(this.project, now);
    return stored.map(({ body }) => JSON.parse(body) as Silence);
  }

  async silence(silence: Omit<Silence, 'id'>): Promise<Silence> {
    const kept = { id: randomUUID(), ...silence };
    const until = Date.parse(kept.until);
    await this.#store.alerts.putSilence(this.project, { id: kept.id, until, body: JSON.stringify(kept) });
    return kept;
  }

  async unsilence(rule: string, now: number): Promise<number> {
    const found = (await this.silences(now)).filter((silence) => silence.rule === rule);
    for (const { id } of found) await this.#store.alerts.forgetSilence(this.project, id);
    return found.length;
  }

  /** An alert by its id, or by as much of it as names one. @throws MlopsError `resource_missing`. */
  async alert(id: string): Promise<Alert> {
    const all = await this.alerts();
    const found = all.filter((alert) => alert.id === id || (id.length >= 4 && alert.id.startsWith(id)));
    const [only] = found;
    if (only !== undefined && found.length === 1) return only;
    const near = nearest(
      id,
      all.map((alert) => alert.id),
    );
    throw new MlopsError('resource_missing', `there is no alert '${id}'`, {
      hint: near === undefined ? 'see `mlops monitor alerts list`' : `did you mean '${near}'?`,
    });
  }

  /** Marks an alert as seen by somebody. */
  async acknowledge(id: string, by: string, now: number): Promise<Alert> {
    return this.exclusively(async () => {
      const alert = await this.alert(id);
      const acknowledged = { at: new Date(now).toISOString(), by };
      const changed = { ...alert, acknowledged };
      await this.change([changed], [], now);
      return changed;
    });
  }
}

function realPath(folder: string): string {
  try {
    return fs.realpathSync(folder);
  } catch {
    return path.resolve(folder);
  }
}
