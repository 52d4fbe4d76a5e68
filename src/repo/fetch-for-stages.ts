import type { Stage } from '../project/index.ts';
import type { DataRepo } from './data-repo.ts';
import { fetch } from './transfer.ts';

/** Brings what some stages record into the cache; without stages only the run-cache. Throws as `fetch`. */
export async function fetchForStages(
  repo: DataRepo,
  stages: readonly Stage[],
  options: { readonly runCache: boolean; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  if (stages.length === 0 && !options.runCache) return;
  await fetch(repo, { ...options, targets: stages.map((stage) => stage.address) });
}
