import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import { removeLocal, removeRemote } from '../../data/index.ts';
import { forgetRecords } from '../../monitor/index.ts';
import type { DataRepo } from '../../repo/open/data-repo.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { experimentNamed } from '../recording/record.ts';
import { recordTexts, type ForgetPlan } from './forget-plan.ts';
import type { Places } from './name-thing.ts';
import { withRemote } from './with-remote.ts';

export interface ForgetOptions {
  /** Of the rows that were named; undefined where none were. */
  readonly column: string | undefined;
  readonly user: string;
  readonly reason: string | undefined;
  readonly signal: AbortSignal;
}

/** What was forgotten, without what it was: the record that stays. */
export interface Tombstone {
  readonly version: 1;
  readonly at: string;
  readonly by: string;
  readonly reason: string | null;
  readonly name: string;
  readonly rows: number;
  readonly contents: readonly string[];
  readonly objects: number;
  readonly run_cache: number;
  readonly artifacts: number;
  readonly records: number;
  readonly versions: readonly string[];
}

const experiment = 'mlops forget';

/**
 * Carries a plan out: prediction records, models, artifacts, the run cache, and at last the objects, in the remotes before
 * the cache. What was begun and broke off is found again by the next plan. A tombstone is kept as a run.
 *
 * @returns the id of that run.
 * @throws MlopsError `usage` where something blocks it.
 */
export async function forget(
  plan: ForgetPlan,
  places: Places & { readonly repo: DataRepo; readonly store: TrackingStore },
  options: ForgetOptions,
): Promise<string> {
  const [blocker] = plan.blockers;
  if (blocker !== undefined) throw new MlopsError('usage', `it cannot be forgotten yet: ${blocker}`);
  const { repo, store, log } = places;
  const { signal } = options;
  const texts = [...plan.contents.map((md5) => md5.slice(0, 32)), ...recordTexts(plan, options.column)];
  const runId = await beginTombstone(store, options.user);
  const records = await forgetRecords(log, texts, true);
  for (const { uri, path: file } of plan.artifacts) await store.artifacts(uri).remove(file);
  for (const { name, version } of plan.versions) await store.deleteModelVersion(name, version);
  const ids = plan.objects.map(({ md5 }) => md5);
  for (const name of repo.config.remoteNames) {
    await withRemote(repo, name, async (remote) => {
      await remote.remove(
        plan.runCache.flatMap(({ place, key }) => (place === name ? [key] : [])),
        { signal },
      );
      const there = plan.objects.filter((object) => object.places.includes(name)).map(({ md5 }) => md5);
      for (const hashName of ['md5', 'md5-dos2unix'] as const) await removeRemote(remote, hashName, there, { signal });
    });
  }
  for (const { place, key } of plan.runCache) {
    if (place === 'cache') fs.rmSync(path.join(repo.data.cacheDir, key), { force: true });
  }
  for (const hashName of ['md5', 'md5-dos2unix'] as const) removeLocal(repo.data, hashName, ids, { signal });
  for (const file of plan.files) fs.rmSync(path.join(repo.root, file), { recursive: true, force: true });
  const tombstone: Tombstone = {
    version: 1,
    at: new Date().toISOString(),
    by: options.user,
    reason: options.reason ?? null,
    name: plan.name,
    rows: plan.rows.length,
    contents: plan.contents,
    objects: ids.length,
    run_cache: plan.runCache.length,
    artifacts: plan.artifacts.length,
    records,
    versions: plan.versions.map(({ name, version }) => `${name}/${version}`),
  };
  await endTombstone(store, runId, tombstone);
  return runId;
}

async function beginTombstone(store: TrackingStore, user: string): Promise<string> {
  const run = await store.createRun({
    experimentId: await experimentNamed(store, experiment),
    userId: user,
    startTime: Date.now(),
    name: 'tombstone',
    tags: [
      { key: 'mlflow.user', value: user },
      { key: 'mlops.kind', value: 'forget' },
    ],
  });
  return run.info.id;
}

async function endTombstone(store: TrackingStore, runId: string, tombstone: Tombstone): Promise<void> {
  const run = await store.getRun(runId);
  await store
    .artifacts(run.info.artifactUri)
    .put('tombstone.json', Buffer.from(`${JSON.stringify(tombstone, undefined, 1)}\n`));
  await store.updateRun(runId, { status: 'FINISHED', endTime: Date.now() });
}
