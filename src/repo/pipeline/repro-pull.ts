import { isMlopsError } from '../../base/index.ts';
import type { LockedStage, Stage } from '../../project/index.ts';
import { fetchForStages } from '../sync/fetch-for-stages.ts';
import type { ReproContext, StageTask } from './repro-context.ts';
import { findMade, findRecorded, restoreOuts, type Inputs } from '../stages/repro-stage.ts';
import { stageChanges } from '../stages/stage-changes.ts';
import { contentOf } from '../open/content-of.ts';
import { fetchWhatIsThere } from '../sync/transfer.ts';

/** When only data is missing, fetching it is enough. */
export async function pullInstead(context: ReproContext, { stage, upstream }: StageTask): Promise<boolean> {
  const { repo, onEvent, signal } = context;
  const others = await stageChanges(repo, stage, { first: true, allowMissing: true, upstream, signal });
  if (others.length > 0) return false;
  onEvent({ kind: 'pulling', stage });
  try {
    await fetchForStages(repo, [stage], signal);
    await restoreOuts(
      repo,
      stage,
      {
        cmd: undefined,
        deps: [],
        params: new Map(),
        outs: stage.outs.flatMap((out) => (out.info === undefined ? [] : [{ path: out.defPath, info: out.info }])),
      },
      signal,
    );
    return true;
  } catch (error) {
    if (!isMlopsError(error)) throw error;
    onEvent({ kind: 'warning', message: `Unable to pull data for stage: '${stage.address}': ${error.message}` });
    return false;
  }
}

/** What the stage would make, from the cache; with `--pull` its outputs are fetched where the cache lacks them. */
export async function madeBefore(
  context: ReproContext,
  stage: Stage,
  inputs: Inputs,
): Promise<LockedStage | undefined> {
  const { repo, signal } = context;
  const runs = context.useRunCache ? context.runs : undefined;
  const made = findMade(repo, stage, inputs, runs);
  if (made !== undefined || !context.pull) return made;
  const recorded = findRecorded(stage, inputs, runs);
  if (recorded === undefined) return undefined;
  const contents = recorded.outs.flatMap((entry) => contentOf(entry.info) ?? []);
  try {
    await fetchWhatIsThere(repo, contents, signal);
  } catch (error) {
    // Then it runs.
    if (!isMlopsError(error) || isMlopsError(error, 'interrupted')) throw error;
  }
  repo.data.forgetObjects();
  return findMade(repo, stage, inputs, runs);
}

/** Brings deps that are not there, as far as stages before this one recorded them. */
export async function pullDeps(context: ReproContext, { stage, upstream }: StageTask): Promise<void> {
  const { repo, signal } = context;
  const missing = await stageChanges(repo, stage, { signal });
  const gone = missing.some((change) => change.kind === 'dep' && change.status === 'deleted');
  if (!gone) return;
  const producers = upstream.filter((other) =>
    other.outs.some((out) => stage.deps.some((dep) => dep.path === out.path)),
  );
  await fetchForStages(repo, producers, signal);
  for (const producer of producers) {
    const outs = producer.outs.flatMap((out) =>
      out.info === undefined ? [] : [{ path: out.defPath, info: out.info }],
    );
    await restoreOuts(repo, producer, { cmd: undefined, deps: [], params: new Map(), outs }, signal);
  }
}
