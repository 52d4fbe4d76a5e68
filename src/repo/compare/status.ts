import { fromPlain, pythonJson } from '../../base/index.ts';
import type { Stage } from '../../project/index.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { shownRepoDep } from '../imports/import.ts';
import { updateAvailable } from '../imports/import-updates.ts';
import { isCallback, stageChanges, type Change } from '../stages/stage-changes.ts';
import { refuseBusy } from '../open/stage-paths.ts';
import { selectStages, type TargetOptions } from '../open/targets.ts';

/** A word about one file or parameter: `modified`, `new`, `deleted`, `not in cache`. */
export type StatusWord = string;
/** DVC's JSON of one stage: lines and groups of them in order. */
export type StageStatus = (string | Readonly<Record<string, StatusGroup>>)[];
export type StatusGroup = Readonly<Record<string, StatusWord | Readonly<Record<string, StatusWord>>>>;

export interface StatusCommand extends TargetOptions {
  readonly targets?: readonly string[];
  /** Do not ask repositories of imports for newer commits. */
  readonly noUpdates?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface StatusReport {
  /** Stages that are not up to date, by address, as `dvc status --json` has them. */
  readonly stages: ReadonlyMap<string, StageStatus>;
  /** True when the project tracks nothing at all. */
  readonly empty: boolean;
  readonly warnings: readonly string[];
}

/**
 * Compares the workspace with what the stages recorded.
 *
 * @throws MlopsError `unknown_stage` and what reading the project throws.
 */
export async function workspaceStatus(repo: DataRepo, command: StatusCommand = {}): Promise<StatusReport> {
  const stages = new Map<string, StageStatus>();
  const warnings: string[] = [];
  const selected = selectStages(repo, command.targets ?? [], command);
  refuseBusy(
    repo,
    selected.map(({ stage }) => stage),
    'look',
  );
  for (const { stage, only } of selected) {
    if (stage.frozen && stage.deps.every((dep) => dep.repo === undefined)) {
      warnings.push(
        `stage: '${stage.address}' is frozen. Its dependencies are not going to be shown in the status output.`,
      );
    }
    const status = await statusOfStage(repo, stage, only, command);
    if (status.length > 0) stages.set(stage.address, status);
  }
  return { stages, empty: selected.length === 0 && repo.stages().length === 0, warnings };
}

async function statusOfStage(
  repo: DataRepo,
  stage: Stage,
  only: string | undefined,
  command: StatusCommand,
): Promise<StageStatus> {
  const changes = await stageChanges(repo, stage, { signal: command.signal });
  const deps: Record<string, StatusWord | Record<string, StatusWord>> = {};
  const outs: Record<string, StatusWord> = {};
  for (const dep of command.noUpdates === true ? [] : stage.deps) {
    if (updateAvailable(repo.root, dep)) deps[shownRepoDep(dep)] = 'update available';
  }
  for (const change of changes) {
    if (change.kind === 'dep') deps[change.shown] = change.status;
    else if (change.kind === 'params') deps[change.shown] = change.status ?? words(change.values);
    else if (change.kind === 'out' && (only === undefined || isAround(change.out.path, only))) {
      outs[change.shown] = change.status;
    }
  }
  const status: StageStatus = [];
  if (Object.keys(deps).length > 0) status.push({ 'changed deps': deps });
  if (Object.keys(outs).length > 0) status.push({ 'changed outs': outs });
  if (isCallback(stage) || stage.alwaysChanged) status.push('always changed');
  if (changes.some((change) => change.kind === 'command')) status.push('changed command');
  if (changes.some((change) => change.kind === 'checksum')) status.push('changed checksum');
  return status;
}

function words(values: Extract<Change, { kind: 'params' }>['values']): Record<string, StatusWord> {
  return Object.fromEntries(values.map((value) => [value.key, value.status]));
}

function isAround(out: string | undefined, only: string): boolean {
  return out !== undefined && (out === only || only.startsWith(`${out}/`) || out.startsWith(`${only}/`));
}

/** `dvc status --json`: one line, spaced as Python does. */
export function statusJson(stages: ReadonlyMap<string, StageStatus>): string {
  return pythonJson(fromPlain(Object.fromEntries(stages)), false);
}

/** The lines of `dvc status`. */
export function statusLines(stages: ReadonlyMap<string, StageStatus>): string[] {
  const lines: string[] = [];
  const show = (entry: StageStatus[number] | StatusGroup, indent: number): void => {
    const tabs = '\t'.repeat(indent);
    if (typeof entry === 'string') {
      lines.push(`${tabs}${entry}`);
      return;
    }
    for (const [key, value] of Object.entries(entry)) {
      if (typeof value === 'string') lines.push(`${tabs}${`${value}:`.padEnd(20)}${key}`);
      else if (Object.keys(value).length > 0) {
        lines.push(`${tabs}${key}:`);
        show(value as StatusGroup, indent + 1);
      }
    }
  };
  for (const [address, status] of stages) {
    lines.push(`${address}:`);
    for (const entry of status) show(entry, 1);
  }
  return lines;
}
