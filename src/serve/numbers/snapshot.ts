import { monitorEventLoopDelay } from 'node:perf_hooks';

import type { HttpCounts } from './http-counts.ts';
import type { InferencePool } from '../running/inference-pool.ts';
import type { Ledger } from '../running/ledger.ts';
import type { Repository } from '../running/repository.ts';
import type { Scheduler } from '../running/scheduler.ts';
import { VersionStats, type VersionNumbers } from '../running/stats.ts';

/** Everything countable of a server at one moment, in a form that passes between processes. */
export interface ServerSnapshot {
  readonly versions: readonly VersionSnapshot[];
  readonly models: readonly { readonly name: string; readonly loaded: boolean; readonly swaps: number }[];
  /** Answered requests by `METHOD status`. */
  readonly http: ReadonlyMap<string, number>;
  /** Bytes on the wire. */
  readonly received: number;
  readonly sent: number;
  readonly pending: number;
  readonly threads: number;
  readonly threadRestarts: number;
  readonly ready: boolean;
  /** Undefined when predictions are not logged. */
  readonly log: LogCounts | undefined;
  readonly process: {
    readonly cpuSeconds: number;
    readonly residentBytes: number;
    /** Milliseconds since the epoch. */
    readonly started: number;
    readonly lagSeconds: number;
  };
  /** Server processes that run, and how often one was started again. */
  readonly workers: number;
  readonly workerRestarts: number;
}

export interface VersionSnapshot {
  readonly model: string;
  readonly version: string;
  /** Of a traffic rule; undefined: the requests that fell under none. */
  readonly arm: string | undefined;
  /** False for versions that were served before. */
  readonly loaded: boolean;
  /** Requests of all arms that wait for it; stated where there is no arm. */
  readonly queue: number;
  readonly stats: VersionNumbers;
}

export interface LogCounts {
  readonly logged: number;
  readonly dropped: number;
  readonly sampledOut: number;
}

export interface SnapshotSources {
  readonly repository: Repository;
  readonly ledger: Ledger;
  readonly scheduler: Scheduler;
  readonly pool: InferencePool;
  readonly started: Date;
  readonly http: HttpCounts;
  readonly log: LogCounts | undefined;
  ready(): boolean;
}

const loopDelay = monitorEventLoopDelay({ resolution: 20 });

/** Starts what has to be watched all the time; the rest is looked up when it is asked for. */
export function startProcessMetrics(): void {
  loopDelay.enable();
}

/** The numbers of this process now. */
export function takeSnapshot(sources: SnapshotSources): ServerSnapshot {
  const { repository, http, log } = sources;
  const { received, sent } = http.bytes();
  return {
    versions: versionsOf(sources),
    models: [...repository.models.values()].map(({ spec, current, swaps }) => ({
      name: spec.name,
      loaded: current !== undefined,
      swaps,
    })),
    http: http.byStatus,
    received,
    sent,
    pending: sources.scheduler.pending,
    threads: sources.pool.threads.length,
    threadRestarts: sources.pool.restarts,
    ready: sources.ready(),
    log: log === undefined ? undefined : { logged: log.logged, dropped: log.dropped, sampledOut: log.sampledOut },
    process: { ...processNumbers(), started: sources.started.getTime() },
    workers: 1,
    workerRestarts: 0,
  };
}

/** Every version that was ever served; one that is loaded is among them before its first request. */
function versionsOf({ repository, ledger, scheduler }: SnapshotSources): VersionSnapshot[] {
  for (const { spec, versions } of repository.models.values()) {
    for (const version of versions.keys()) ledger.of(spec.name, version);
  }
  const all = ledger.all().map(({ model, version, arm, stats }) => {
    const loaded = repository.loaded(model, version);
    const queue = loaded === undefined || arm !== undefined ? 0 : scheduler.waiting(loaded);
    return { model, version, arm, loaded: loaded !== undefined, queue, stats };
  });
  // An arm of several rules is one to who looks at metrics.
  return all.some(({ arm }) => arm !== undefined) ? mergeVersions(all) : all;
}

/** CPU, memory and delay of this process. */
export function processNumbers() {
  const { user, system } = process.cpuUsage();
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    lagSeconds: loopDelay.percentile(99) / 1e9,
  };
}

/** The numbers of several processes as those of one server: counts add up, a model is loaded when it is everywhere. */
export function mergeSnapshots(all: readonly ServerSnapshot[]): ServerSnapshot {
  const sum = (value: (one: ServerSnapshot) => number): number => all.reduce((total, one) => total + value(one), 0);
  const logs = all.flatMap(({ log }) => log ?? []);
  return {
    versions: mergeVersions(all.flatMap((one) => one.versions)),
    models: mergeModels(all),
    http: mergeCounts(all.map((one) => one.http)),
    received: sum((one) => one.received),
    sent: sum((one) => one.sent),
    pending: sum((one) => one.pending),
    threads: sum((one) => one.threads),
    threadRestarts: sum((one) => one.threadRestarts),
    ready: all.some((one) => one.ready),
    log:
      logs.length === 0
        ? undefined
        : {
            logged: logs.reduce((total, log) => total + log.logged, 0),
            dropped: logs.reduce((total, log) => total + log.dropped, 0),
            sampledOut: logs.reduce((total, log) => total + log.sampledOut, 0),
          },
    process: {
      cpuSeconds: sum((one) => one.process.cpuSeconds),
      residentBytes: sum((one) => one.process.residentBytes),
      started: Math.min(...all.map((one) => one.process.started)),
      lagSeconds: Math.max(0, ...all.map((one) => one.process.lagSeconds)),
    },
    workers: sum((one) => one.workers),
    workerRestarts: sum((one) => one.workerRestarts),
  };
}

/** What stays of a process that has ended: its counts, without its state. */
export function countsOnly(last: ServerSnapshot): ServerSnapshot {
  return {
    ...last,
    versions: last.versions.map((version) => ({ ...version, loaded: false, queue: 0 })),
    models: last.models.map(({ name, swaps }) => ({ name, swaps, loaded: true })),
    pending: 0,
    threads: 0,
    ready: false,
    process: { ...last.process, residentBytes: 0, lagSeconds: 0 },
    workers: 0,
  };
}

/** The numbers of each version, whatever arm its requests fell into. */
export function withoutArms(versions: readonly VersionSnapshot[]): VersionSnapshot[] {
  return mergeVersions(versions.map((version) => ({ ...version, arm: undefined })));
}

function mergeVersions(versions: readonly VersionSnapshot[]): VersionSnapshot[] {
  const merged = new Map<string, VersionSnapshot & { stats: VersionStats }>();
  for (const one of versions) {
    const key = JSON.stringify([one.model, one.version, one.arm]);
    const before = merged.get(key);
    const stats = before?.stats ?? new VersionStats();
    stats.add(one.stats);
    const loaded = one.loaded || before?.loaded === true;
    merged.set(key, { ...one, loaded, queue: one.queue + (before?.queue ?? 0), stats });
  }
  return [...merged.values()];
}

function mergeModels(all: readonly ServerSnapshot[]): ServerSnapshot['models'] {
  const merged = new Map<string, { name: string; loaded: boolean; swaps: number }>();
  for (const { name, loaded, swaps } of all.flatMap((one) => one.models)) {
    const before = merged.get(name);
    // Every process makes every swap: they are one.
    merged.set(name, {
      name,
      loaded: loaded && before?.loaded !== false,
      swaps: Math.max(swaps, before?.swaps ?? 0),
    });
  }
  return [...merged.values()];
}

function mergeCounts(all: readonly ReadonlyMap<string, number>[]): Map<string, number> {
  const merged = new Map<string, number>();
  for (const counts of all) for (const [key, count] of counts) merged.set(key, count + (merged.get(key) ?? 0));
  return merged;
}
