import type { PyValue } from '../base/index.ts';
import { pythonRepr, type Stage } from '../project/index.ts';
import type { DataRepo } from './data-repo.ts';
import { stageNamed } from './repro.ts';
import { stageChanges, type Change } from './stage-changes.ts';

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

/** Changes in words, one a line, indented; old and new values where they are known. */
export function changeLines(stage: Stage, changes: readonly Change[]): string[] {
  const never = stage.kind === 'pipeline' && stage.locked === undefined;
  const first = never ? [`  '${stage.address}' has never run`] : [];
  return [...first, ...changes.flatMap((change) => describeChange(change, never))];
}

function describeChange(change: Change, never: boolean): string[] {
  switch (change.kind) {
    case 'command':
      return ['  command changed:', `    - ${commandText(change.old)}`, `    + ${commandText(change.now)}`];
    case 'always':
      return ['  always runs'];
    case 'checksum':
      return ['  the .dvc file was edited'];
    case 'dep':
      return never && change.status === 'modified'
        ? []
        : [`  dep ${change.shown}: ${change.status}${hashes(change.dep.info?.md5)}`];
    case 'out':
      return never && change.status !== 'not in cache' ? [] : [`  out ${change.shown}: ${change.status}`];
    case 'params':
      if (change.status !== undefined) return never ? [] : [`  params ${change.shown}: ${change.status}`];
      return change.values.map(
        ({ key, status, old, now }) =>
          `  param ${change.shown}:${key}: ${status} ${valueText(old)} -> ${valueText(now)}`,
      );
    default:
      return [];
  }
}

function hashes(md5: string | undefined): string {
  return md5 === undefined ? '' : ` (was ${md5.slice(0, 8)})`;
}

function commandText(cmd: Stage['cmd']): string {
  return typeof cmd === 'string' ? cmd : (cmd ?? []).join(' && ');
}

function valueText(value: PyValue | undefined): string {
  return value === undefined ? 'none' : pythonRepr(value);
}
