import type { Stage } from '../../project/index.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { stageNamed } from './repro.ts';
import { stageChanges, type Change } from '../stages/stage-changes.ts';

export interface Explanation {
  readonly stage: Stage;
  /** Empty when the stage is up to date. */
  readonly changes: readonly Change[];
  /** Stages it needs that are not up to date themselves: they run first, and may change what it reads. */
  readonly pending: readonly { readonly stage: Stage; readonly changes: readonly Change[] }[];
}

/** Why a stage would run now. Throws `unknown_stage` with the nearest name. */
export async function explainStage(repo: DataRepo, address: string, signal?: AbortSignal): Promise<Explanation> {
  const stage = stageNamed(repo, address);
  const { needs } = repo.graph();
  const pending: { stage: Stage; changes: readonly Change[] }[] = [];
  const seen = new Set<Stage>([stage]);
  const visit = async (current: Stage): Promise<void> => {
    if (current.frozen) return;
    for (const other of needs.get(current) ?? []) {
      if (seen.has(other)) continue;
      seen.add(other);
      await visit(other);
      const changes = await stageChanges(repo, other, { signal });
      if (changes.length > 0) pending.push({ stage: other, changes });
    }
  };
  await visit(stage);
  return { stage, changes: await stageChanges(repo, stage, { signal }), pending };
}
