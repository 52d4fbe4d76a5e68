import type { Stage } from '../../project/index.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { fetch } from './transfer.ts';

/** Brings what some stages record into the cache. Throws as `fetch`. */
export async function fetchForStages(
  repo: DataRepo,
  stages: readonly Stage[],
  signal: AbortSignal | undefined,
): Promise<void> {
  if (stages.length > 0) await fetch(repo, { signal, targets: stages.map((stage) => stage.address) });
}
