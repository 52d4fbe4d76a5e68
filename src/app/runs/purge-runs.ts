import type { Purge, TrackingStore } from '../../tracking/index.ts';

export interface PurgeOptions {
  /** Only what was deleted at least this long ago, in milliseconds. */
  readonly olderThan?: number | undefined;
  readonly dryRun?: boolean | undefined;
}

const day = 24 * 60 * 60 * 1000;

/**
 * Permanently removes deleted runs, experiments and logged models with their artifacts, and what uploads that were
 * killed days ago left behind.
 */
export async function purgeRuns(store: TrackingStore, options: PurgeOptions): Promise<Purge> {
  const { olderThan = 0, dryRun } = options;
  const purged = await store.purge({ deletedBefore: Date.now() - olderThan, dryRun });
  if (dryRun === true) return purged;
  for (const uri of purged.artifactUris) {
    // Object stores keep their own lifecycle rules; what lies under our roots goes now.
    if (!uri.startsWith('mlflow-artifacts:')) continue;
    const cut = uri.lastIndexOf('/');
    const parent = uri.slice(0, cut);
    await store.artifacts(parent === 'mlflow-artifacts:' ? 'mlflow-artifacts:/' : parent).remove(uri.slice(cut + 1));
    await store.sums?.removeSums(uri.replace(/^mlflow-artifacts:\/*/, ''));
  }
  await store.artifacts('mlflow-artifacts:/').sweep?.(day);
  return purged;
}

/** `7d`, `12h`, `30m`, `1d12h` in milliseconds; undefined for anything else. */
export function parseAge(text: string): number | undefined {
  const match = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
  if (match === null || text === '') return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0));
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
}
