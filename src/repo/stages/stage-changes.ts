import * as fs from 'node:fs';

import { pythonEquals, type PyMap, type PyValue } from '../../base/index.ts';
import { statusOf, type ContentStatus } from '../../data/index.ts';
import type { Tree, TreePath } from '../../git/index.ts';
import {
  currentParams,
  decodeText,
  parseDataFile,
  stageChecksum,
  type ContentInfo,
  type Dep,
  type Out,
  type ParamsDep,
  type Stage,
} from '../../project/index.ts';
import { externalStatus } from '../sources/external.ts';
import { contentOf } from '../open/content-of.ts';
import { absolutePath, isUrl, shownPath, type PipelineProject } from '../open/pipeline-project.ts';

/** One parameter that is not as recorded. */
export interface ParamChange {
  readonly key: string;
  readonly status: 'new' | 'modified' | 'deleted';
  readonly old: PyValue | undefined;
  readonly now: PyValue | undefined;
}

export type Change =
  | { readonly kind: 'command'; readonly old: Stage['cmd']; readonly now: Stage['cmd'] }
  | { readonly kind: 'always' }
  | { readonly kind: 'checksum' }
  | { readonly kind: 'dep'; readonly dep: Dep; readonly shown: string; readonly status: ContentStatus }
  | { readonly kind: 'out'; readonly out: Out; readonly shown: string; readonly status: ContentStatus }
  | {
      readonly kind: 'params';
      readonly params: ParamsDep;
      readonly shown: string;
      /** The whole file is missing, or was never recorded. */
      readonly status: 'deleted' | 'new' | undefined;
      readonly values: readonly ParamChange[];
    };

export interface ChangeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Stop at the first change. */
  readonly first?: boolean;
  /** Data that is only missing is no change. */
  readonly allowMissing?: boolean;
  /** With `allowMissing`: stages before this one, whose outputs may have got another content in this run. */
  readonly upstream?: readonly Stage[];
}

/**
 * What is not as it was when the stage last ran: command, deps and params, outputs, in that order; empty
 * when nothing is. A frozen stage has no deps to look at; one without deps and outputs always changes.
 */
export async function stageChanges(
  project: PipelineProject,
  stage: Stage,
  options: ChangeOptions = {},
): Promise<Change[]> {
  const changes: Change[] = [];
  const enough = (): boolean => options.first === true && changes.length > 0;
  if (commandChanged(stage)) changes.push({ kind: 'command', old: stage.locked?.cmd, now: stage.cmd });
  if (checksumChanged(stage)) changes.push({ kind: 'checksum' });
  if (!stage.frozen && !enough()) {
    if (isCallback(stage) || stage.alwaysChanged) changes.push({ kind: 'always' });
    if (!enough()) await pushDepChanges(project, stage, options, changes);
  }
  for (const out of stage.outs) {
    if (enough()) break;
    const status = await outStatus(project, stage, out, options.signal);
    const missing = status === 'not in cache' || status === 'deleted';
    if (status === undefined || (options.allowMissing === true && missing)) continue;
    changes.push({ kind: 'out', out, shown: shownPath(project, stage, out), status });
  }
  return changes;
}

/** True for a stage that has a command but nothing to compare: it always runs. */
export function isCallback(stage: Stage): boolean {
  return stage.cmd !== undefined && stage.deps.length === 0 && stage.params.length === 0 && stage.outs.length === 0;
}

export function commandChanged(stage: Stage): boolean {
  return stage.kind === 'pipeline' && stage.locked !== undefined && !sameCommand(stage.locked.cmd, stage.cmd);
}

/** Imports keep a checksum of themselves; whoever edits one by hand makes it stale. */
export function checksumChanged(stage: Stage): boolean {
  if (stage.kind !== 'data') return false;
  const expected = stage.deps.length > 0 ? stageChecksum(stage) : undefined;
  return stage.md5 !== expected;
}

function sameCommand(a: Stage['cmd'], b: Stage['cmd']): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b;
  return a.length === b.length && a.every((line, index) => line === b[index]);
}

async function pushDepChanges(
  project: PipelineProject,
  stage: Stage,
  options: ChangeOptions,
  changes: Change[],
): Promise<void> {
  for (const dep of stage.deps) {
    if (options.first === true && changes.length > 0) return;
    const status = await depStatus(project, stage, dep, options.signal);
    if (status === undefined) continue;
    const excused = options.allowMissing === true && status === 'deleted' && !madeAnew(dep, options.upstream ?? []);
    if (!excused) changes.push({ kind: 'dep', dep, shown: shownPath(project, stage, dep), status });
  }
  for (const params of stage.params) {
    if (options.first === true && changes.length > 0) return;
    const change = paramsChange(project, stage, params);
    if (change !== undefined && !(options.allowMissing === true && change.status === 'deleted')) changes.push(change);
  }
}

/** A stage of this run gave the dep another content than this stage has recorded. */
function madeAnew(dep: Dep, upstream: readonly Stage[]): boolean {
  return upstream.some((stage) =>
    stage.outs.some((out) => out.path !== undefined && out.path === dep.path && out.info?.md5 !== dep.info?.md5),
  );
}

export async function depStatus(
  project: PipelineProject,
  stage: Stage,
  dep: Dep,
  signal: AbortSignal | undefined,
): Promise<ContentStatus | undefined> {
  if (dep.repo !== undefined) return undefined;
  if (isUrl(dep.defPath)) return externalStatus(project, dep, signal);
  const target = absolutePath(project, stage, dep);
  return contentStatus(project, target, dep.info, { signal, cached: false });
}

export async function outStatus(
  project: PipelineProject,
  stage: Stage,
  out: Out,
  signal: AbortSignal | undefined,
): Promise<ContentStatus | undefined> {
  if (isUrl(out.defPath)) return externalStatus(project, out, signal);
  const target = absolutePath(project, stage, out);
  return contentStatus(project, target, out.info, { signal, cached: out.cache });
}

async function contentStatus(
  project: PipelineProject,
  target: string,
  info: ContentInfo | undefined,
  options: { readonly signal: AbortSignal | undefined; readonly cached: boolean },
): Promise<ContentStatus | undefined> {
  const content = contentOf(info);
  const status = await statusOf(project.data, target, content, options);
  // DVC has no word of its own for what was never recorded.
  return status === 'new' ? 'modified' : status;
}

/** How params differ from what was recorded; undefined when they do not. */
export function paramsChange(
  project: PipelineProject,
  stage: Stage,
  params: ParamsDep,
): Extract<Change, { kind: 'params' }> | undefined {
  const shown = project.display(params.path);
  if (!fs.existsSync(absolutePath(project, stage, params))) {
    return { kind: 'params', params, shown, status: 'deleted', values: [] };
  }
  const actual = readParams(project, params);
  const values = changedParams(params, actual);
  if (params.recorded === undefined) return { kind: 'params', params, shown, status: 'new', values };
  return values.length === 0 ? undefined : { kind: 'params', params, shown, status: undefined, values };
}

/** The current values of a params file that a stage uses. */
export function readParams(project: PipelineProject, params: ParamsDep): PyMap {
  return currentParams(paramsIn(project, params.path), params.keys);
}

/** Params files of a tree as they were parsed last: most stages of a pipeline share one. */
const parsedFiles = new WeakMap<Tree, Map<TreePath, { readonly bytes: Uint8Array; readonly values: PyValue }>>();

function paramsIn(project: PipelineProject, file: TreePath): PyValue | undefined {
  const { tree } = project;
  const bytes = tree.read(file);
  if (bytes === undefined) return undefined;
  const files = parsedFiles.get(tree) ?? new Map<TreePath, { bytes: Uint8Array; values: PyValue }>();
  parsedFiles.set(tree, files);
  const known = files.get(file);
  if (known !== undefined && Buffer.compare(known.bytes, bytes) === 0) return known.values;
  const shown = project.display(file);
  const values = parseDataFile(decodeText(bytes, shown), shown);
  files.set(file, { bytes, values });
  return values;
}

/** How values of a params file differ from what was recorded of them. */
export function changedParams(params: ParamsDep, actual: PyMap): ParamChange[] {
  const recorded: PyMap = params.recorded ?? new Map();
  const keys = params.keys ?? [...new Set([...actual.keys(), ...recorded.keys()])].map(String);
  const changes: ParamChange[] = [];
  for (const key of new Set(keys)) {
    const old = recorded.get(key);
    const now = actual.get(key);
    if (now === undefined) changes.push({ key, status: 'deleted', old, now });
    else if (old === undefined) changes.push({ key, status: 'new', old, now });
    else if (!pythonEquals(old, now)) changes.push({ key, status: 'modified', old, now });
  }
  return changes;
}
