import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError, MlopsError } from '../../base/index.ts';
import {
  applyCheckout,
  findUnusedLinks,
  planCheckout,
  refuseUnsaved,
  removeOut,
  type CheckoutPlan,
  type WorkOptions,
} from '../../data/index.ts';
import type { Out } from '../../project/index.ts';
import { contentOf } from '../open/content-of.ts';
import type { DataRepo } from '../open/data-repo.ts';
import {
  absoluteOut,
  selectOuts,
  showPath,
  treePathOf,
  type SelectedOut,
  type TargetOptions,
} from '../open/targets.ts';

/** Imports without a recorded hash, which `pull` gets from their source. */
export interface PlacedImports {
  /** Outs without a recorded hash that are in the workspace now. */
  readonly outs: ReadonlySet<Out>;
  /** Absolute paths of those that this call made. */
  readonly made: readonly string[];
  readonly files: number;
}

export interface CheckoutCommand extends TargetOptions, WorkOptions {
  readonly targets: readonly string[];
  readonly force?: boolean;
  readonly relink?: boolean;
  readonly allowMissing?: boolean;
  /** Imports that `pull` put there already, or that were there without a hash to compare them with. */
  readonly placed?: PlacedImports;
}

/** What a checkout did, as DVC lists it: paths from where the user stands, folders (with a slash) first. */
export interface CheckoutReport {
  readonly modified: readonly string[];
  readonly added: readonly string[];
  readonly deleted: readonly string[];
  /** Files, for summaries. */
  readonly counts: { readonly modified: number; readonly added: number; readonly deleted: number };
  /** Outputs whose content could not be had; they were left as they were. */
  readonly failed: readonly string[];
  readonly failures: readonly MlopsError[];
}

/**
 * Brings the workspace to what the project's files record. Everything is compared first; nothing is
 * touched when files would be lost that are in no cache.
 * @throws MlopsError `unsaved_files`, `unknown_stage`.
 */
export async function checkout(repo: DataRepo, command: CheckoutCommand): Promise<CheckoutReport> {
  const deleted = command.targets.length === 0 ? await removeUnused(repo) : [];
  const selected = selectOuts(repo, command.targets, command).filter(
    ({ out }) => out.cache && out.path !== undefined && command.placed?.outs.has(out) !== true,
  );
  const failures: { out: string; error: MlopsError }[] = [];
  const plans: CheckoutPlan[] = [];
  for (const item of selected) {
    try {
      const plan = await planOut(repo, item, command);
      if (plan !== undefined) plans.push(plan);
    } catch (error) {
      if (!isContentFailure(error)) throw error;
      failures.push({ out: absoluteOut(repo, item.out), error });
    }
  }
  if (command.force !== true) refuseUnsaved(plans);
  const done: CheckoutPlan[] = [];
  for (const plan of plans) {
    try {
      await applyCheckout(repo.data, plan, command);
      done.push(plan);
    } catch (error) {
      if (!isContentFailure(error)) throw error;
      failures.push({ out: plan.path, error });
    }
  }
  return report(repo, done, deleted, failures, command.placed);
}

/** What is the fault of one output's content and does not concern the others. */
function isContentFailure(error: unknown): error is MlopsError {
  return isMlopsError(error, 'object_missing') || isMlopsError(error, 'corrupt_object');
}

async function planOut(repo: DataRepo, item: SelectedOut, command: CheckoutCommand): Promise<CheckoutPlan | undefined> {
  const { out, within } = item;
  const target = absoluteOut(repo, out);
  const content = contentOf(item.out.info);
  if (content === undefined) {
    throw new MlopsError('object_missing', `no hash is recorded for '${target}'. It won't be created.`, {
      where: target,
    });
  }
  return planCheckout(repo.data, target, content, {
    relink: command.relink === true,
    only: within,
    signal: command.signal,
    onProgress: command.onProgress,
  });
}

/** Deletes outputs that this cache once filled and that no stage has any more. */
async function removeUnused(repo: DataRepo): Promise<string[]> {
  const used = new Set(repo.stages().flatMap((stage) => stage.outs.flatMap((out) => out.path ?? [])));
  const unused = await findUnusedLinks(repo.data, used);
  const shown = unused.map((target) => showOut(repo, target));
  for (const target of unused) removeOut(repo.data, target);
  return shown;
}

function showOut(repo: DataRepo, target: string): string {
  const inside = treePathOf(repo, target);
  const shown = inside === undefined ? target : showPath(repo, inside);
  return fs.statSync(target, { throwIfNoEntry: false })?.isDirectory() === true ? `${shown}${path.sep}` : shown;
}

function report(
  repo: DataRepo,
  done: readonly CheckoutPlan[],
  deleted: readonly string[],
  failures: readonly { out: string; error: MlopsError }[],
  placed: PlacedImports | undefined,
): CheckoutReport {
  const counts = { modified: 0, added: placed?.files ?? 0, deleted: deleted.length };
  for (const plan of done) {
    counts.added += plan.counts.added;
    counts.modified += plan.counts.modified;
    counts.deleted += plan.counts.deleted;
  }
  const of = (kind: CheckoutPlan['kind']): string[] =>
    done.filter((plan) => plan.kind === kind).map((plan) => showOut(repo, plan.path));
  return {
    modified: inListOrder(of('modified')),
    added: inListOrder([...of('added'), ...(placed?.made ?? []).map((target) => showOut(repo, target))]),
    deleted: inListOrder([...deleted, ...of('deleted')]),
    counts,
    failed: failures.map(({ out }) => showOut(repo, out).replace(/\/$/, '')),
    failures: failures.map(({ error }) => error),
  };
}

function inListOrder(paths: string[]): string[] {
  const folder = (shown: string): number => (shown.endsWith(path.sep) ? 0 : 1);
  return paths.sort((a, b) => folder(a) - folder(b) || (a < b ? -1 : 1));
}
