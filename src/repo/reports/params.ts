import type { PyMap, PyValue } from '../../base/index.ts';
import type { TreePath } from '../../git/index.ts';
import {
  decodeText,
  defaultParamsFile,
  globPattern,
  parseDataFile,
  pythonStr,
  type Pattern,
} from '../../project/index.ts';
import { diffReports, type ReportDiff } from './report-diff.ts';
import { openReports, type ReportProject, type Reports } from './report-index.ts';
import { failureOf, type FileReport, type RevisionReport } from './report.ts';
import { selectRevision, type Revision } from '../open/revisions.ts';

export interface ParamsOptions {
  /** Tree paths of files; all params of the project otherwise. */
  readonly targets?: readonly TreePath[];
  /** Only what stages depend on. */
  readonly depsOnly?: boolean;
  readonly onWarning?: (message: string) => void;
}

export interface ParamsDiffOptions extends ParamsOptions {
  readonly from: string;
  readonly to: string;
  /** Unchanged values too. */
  readonly all?: boolean;
}

/** `params diff`: old and new values between two revisions; `workspace` is the work tree. */
export function diffParams(project: ReportProject, options: ParamsDiffOptions): ReportDiff {
  const { from, to } = options;
  return diffReports(project.root, [from, to], options.all === true, (name) =>
    paramsOf(project, selectRevision(project.root, name), options),
  );
}

/** The params of one revision by file: whole files, or the keys that stages name. */
export function paramsOf(project: ReportProject, revision: Revision, options: ParamsOptions = {}): RevisionReport {
  const { label } = revision;
  try {
    return { label, files: paramsIn(openReports(project, revision), options) };
  } catch (error) {
    const failure = failureOf(error);
    options.onWarning?.(`failed to load params in revision '${label}', ${failure.message}`);
    return { label, files: new Map(), error: failure };
  }
}

/** Params of what was opened already. */
export function paramsIn(reports: Reports, options: ParamsOptions = {}): Map<TreePath, FileReport> {
  const files = new Map<TreePath, FileReport>();
  for (const [wanted, keys] of wantedKeys(reports, options)) {
    for (const file of reports.files.expand([wanted])) files.set(file, readParams(reports, file, keys));
  }
  if (options.targets?.length) return files;
  for (const [file, values] of reports.usedParams) {
    if (!files.has(file)) files.set(file, { data: new Map<PyValue, PyValue>(values) });
  }
  return files;
}

/** File to keys; undefined for the whole file, which wins over keys. */
function wantedKeys(reports: Reports, options: ParamsOptions): Map<TreePath, readonly string[] | undefined> {
  const wanted = new Map<TreePath, readonly string[] | undefined>();
  const add = (file: TreePath, keys: readonly string[] | undefined): void => {
    const known = wanted.get(file);
    if (keys === undefined || (wanted.has(file) && known === undefined)) wanted.set(file, undefined);
    else wanted.set(file, [...(known ?? []), ...keys]);
  };
  if (options.targets?.length) {
    for (const target of options.targets) add(target, undefined);
    return wanted;
  }
  for (const params of reports.stages.flatMap((stage) => stage.params)) add(params.path, params.keys);
  if (options.depsOnly !== true) {
    for (const file of reports.paramFiles) add(file, undefined);
    if (reports.files.exists(defaultParamsFile)) add(defaultParamsFile, undefined);
  }
  return wanted;
}

function readParams(reports: Reports, file: TreePath, keys: readonly string[] | undefined): FileReport {
  try {
    const data = parseDataFile(decodeText(reports.files.read(file), file), file);
    return { data: keys === undefined ? data : pickKeys(data, keys) };
  } catch (error) {
    return { error: failureOf(error, file) };
  }
}

/** Only the parts of a value under the given dotted keys (shell patterns allowed), in their nesting. */
export function pickKeys(data: PyValue, keys: readonly string[]): PyMap {
  let picked: PyValue = new Map();
  for (const key of new Set(keys)) picked = merge(picked, prune(data, key.split('.').map(globPattern)) ?? new Map());
  return picked instanceof Map ? picked : new Map();
}

function prune(value: PyValue, steps: readonly Pattern[]): PyValue | undefined {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  if (value instanceof Map) {
    const kept: PyMap = new Map();
    for (const [key, item] of value) {
      const inner = step.test(pythonStr(key)) ? prune(item, rest) : undefined;
      if (inner !== undefined) kept.set(key, inner);
    }
    return kept.size === 0 ? undefined : kept;
  }
  if (!Array.isArray(value)) return undefined;
  const kept = value.map((item, index) => (step.test(String(index)) ? prune(item, rest) : undefined));
  const last = kept.findLastIndex((item) => item !== undefined);
  return last === -1 ? undefined : kept.slice(0, last + 1).map((item) => item ?? null);
}

function merge(a: PyValue, b: PyValue): PyValue {
  if (a instanceof Map && b instanceof Map) {
    const merged: PyMap = new Map(a);
    for (const [key, item] of b) {
      const known = merged.get(key);
      merged.set(key, known === undefined ? item : merge(known, item));
    }
    return merged;
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    const [left, right] = [a, b];
    return Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
      const [old, now] = [left[i] ?? null, right[i] ?? null];
      return now === null ? old : old === null ? now : merge(old, now);
    });
  }
  return b;
}
