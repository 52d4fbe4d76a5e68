import * as fs from 'node:fs';
import * as path from 'node:path';

import { didYouMean, isMlopsError, isSystemError, MlopsError, orFailure } from '../../base/index.ts';
import type { TreePath } from '../../git/index.ts';
import { globPattern, type Out, type Stage } from '../../project/index.ts';
import { isStageFile } from './collect.ts';
import type { DataRepo } from './data-repo.ts';

/** A stage that a target names; `only` restricts it to one out, or to a path inside one. */
export interface SelectedStage {
  readonly stage: Stage;
  /** Tree path of an out of the stage, or of something inside one. */
  readonly only: TreePath | undefined;
}

export interface SelectedOut {
  readonly stage: Stage;
  readonly out: Out;
  /** Relative path inside the out, when only that part was asked for. */
  readonly within: string | undefined;
}

export interface TargetOptions {
  readonly recursive?: boolean;
  readonly withDeps?: boolean;
}

/**
 * What targets mean, in DVC's order: a stage file, a folder (with `recursive`), a stage or group of
 * stages, an output, something inside an output. Without targets: every stage.
 * @throws MlopsError `unknown_stage`, `bad_project_file`.
 */
export function selectStages(repo: DataRepo, targets: readonly string[], options: TargetOptions = {}): SelectedStage[] {
  const selected =
    targets.length === 0
      ? repo.stages().map((stage) => ({ stage, only: undefined }))
      : targets.flatMap((target) => selectOne(repo, target, options));
  const all = options.withDeps === true ? withProducers(repo, selected) : selected;
  return unique(all);
}

/** The outs of the selected stages that live in the project. */
export function selectOuts(repo: DataRepo, targets: readonly string[], options: TargetOptions = {}): SelectedOut[] {
  return selectStages(repo, targets, options).flatMap(({ stage, only }) => outsOf(stage, only));
}

export function outsOf(stage: Stage, only: TreePath | undefined): SelectedOut[] {
  return stage.outs.flatMap((out): SelectedOut[] => {
    if (only === undefined || out.path === only) return [{ stage, out, within: undefined }];
    if (out.path === undefined || !only.startsWith(`${out.path}/`)) return [];
    return [{ stage, out, within: only.slice(out.path.length + 1) }];
  });
}

function selectOne(repo: DataRepo, target: string, options: TargetOptions): SelectedStage[] {
  const absolute = path.resolve(repo.cwd, target);
  if (options.recursive === true && fs.statSync(absolute, { throwIfNoEntry: false })?.isDirectory() === true) {
    const below = repo.stages().filter((stage) => path.join(repo.root, stage.file).startsWith(withSlash(absolute)));
    return below.map((stage) => ({ stage, only: undefined }));
  }
  // A file that cannot be read elsewhere does not stand in the way of what is named.
  const known = orFailure(() => repo.stages());
  const found = isMlopsError(known) ? [] : selectFrom(repo, known, target);
  if (found.length > 0) return found;
  const alone = stagesOfNamedFile(repo, target);
  if (alone.length > 0) return alone.map((stage) => ({ stage, only: undefined }));
  if (isMlopsError(known)) throw known;
  throw unknownTarget(repo, target);
}

/** The stages of the one file that a target names or has its stage in, by whatever links it is reached. */
function stagesOfNamedFile(repo: DataRepo, target: string): readonly Stage[] {
  const isFile = isStageFile(path.basename(target));
  const { file, name } = isFile ? { file: target, name: undefined } : fileAndName(target);
  const inside = placeOfFile(repo, file);
  if (inside === undefined || !isStageFile(path.basename(inside))) return [];
  const stages = repo.stagesIn(inside);
  return name === undefined ? stages : named(stages, name);
}

/** Where a file named from where the user stands is in the project, with links to its folder followed. */
export function placeOfFile(repo: Pick<DataRepo, 'root' | 'cwd'>, file: string): TreePath | undefined {
  const absolute = path.resolve(repo.cwd, file);
  const plain = treePathOf(repo, absolute);
  try {
    const folder = fs.realpathSync(path.dirname(absolute));
    const real = treePathOf({ root: fs.realpathSync(repo.root) }, path.join(folder, path.basename(absolute)));
    return real ?? plain;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP')) return plain;
    throw error;
  }
}

function withSlash(folder: string): string {
  return folder.endsWith(path.sep) ? folder : `${folder}${path.sep}`;
}

/** What one target means among the stages of some revision; nothing when it is unknown there. */
export function selectFrom(
  repo: Pick<DataRepo, 'root' | 'cwd'>,
  stages: readonly Stage[],
  target: string,
): SelectedStage[] {
  const inside = treePathOf(repo, path.resolve(repo.cwd, target));
  const byFile = isStageFile(path.basename(target)) ? stages.filter((stage) => stage.file === inside) : [];
  const found = byFile.length > 0 ? byFile : stagesNamed(repo, stages, target);
  if (found.length > 0) return found.map((stage) => ({ stage, only: undefined }));
  const owner = inside === undefined ? undefined : outAround(stages, inside);
  return owner === undefined ? [] : [{ stage: owner.stage, only: inside }];
}

/** The out that is at a path or around it. */
export function outAround(stages: readonly Stage[], file: TreePath): { stage: Stage; out: Out } | undefined {
  for (const stage of stages) {
    for (const out of stage.outs) {
      if (out.path === undefined) continue;
      if (out.path === file || file.startsWith(`${out.path}/`)) return { stage, out };
    }
  }
  return undefined;
}

/** `train`, `train@us`, the group `train`, `sub/dvc.yaml:train`. */
function stagesNamed(repo: Pick<DataRepo, 'root' | 'cwd'>, stages: readonly Stage[], target: string): Stage[] {
  const { file, name } = fileAndName(target);
  const inside = treePathOf(repo, path.resolve(repo.cwd, file));
  return named(
    stages.filter((stage) => stage.file === inside && stage.name !== undefined),
    name,
  );
}

function fileAndName(target: string): { readonly file: string; readonly name: string } {
  const colon = target.lastIndexOf(':');
  return {
    file: colon > 0 ? target.slice(0, colon) : 'dvc.yaml',
    name: colon >= 0 ? target.slice(colon + 1) : target,
  };
}

/** The stage of that name, or the group of stages. */
function named(stages: readonly Stage[], name: string): Stage[] {
  const exact = stages.filter((stage) => stage.name === name);
  return exact.length > 0 ? exact : stages.filter((stage) => stage.name?.startsWith(`${name}@`) === true);
}

function unknownTarget(repo: DataRepo, target: string): MlopsError {
  const isFile = isStageFile(path.basename(target));
  const names = repo.stages().flatMap((stage) => [stage.address, ...stage.outs.map((out) => relativeTo(repo, out))]);
  return new MlopsError(
    'unknown_stage',
    isFile ? `'${target}' does not exist` : `'${target}' does not exist as an output or a stage name in 'dvc.yaml'`,
    { hint: didYouMean(target, names) ?? 'see what is tracked: mlops list . -R --dvc-only' },
  );
}

function relativeTo(repo: DataRepo, out: Out): string {
  return out.path === undefined ? out.defPath : showPath(repo, out.path);
}

/** Path inside the project, or undefined when it is outside. */
export function treePathOf(repo: { readonly root: string }, absolute: string): TreePath | undefined {
  if (absolute === repo.root) return '';
  return absolute.startsWith(`${repo.root}/`) ? absolute.slice(repo.root.length + 1) : undefined;
}

/** A path of the project as the user sees it from where the command was given. */
export function showPath(repo: { readonly root: string; readonly cwd: string }, file: TreePath): string {
  const relative = path.relative(repo.cwd, path.join(repo.root, file));
  return relative === '' ? '.' : relative;
}

export function absoluteOut(repo: { readonly root: string }, out: Out): string {
  return out.path === undefined ? path.resolve(repo.root, out.defPath) : path.join(repo.root, out.path);
}

function withProducers(repo: DataRepo, selected: readonly SelectedStage[]): SelectedStage[] {
  const { needs } = repo.graph();
  const result: SelectedStage[] = [...selected];
  const seen = new Set(selected.map(({ stage }) => stage));
  for (const { stage } of result) {
    for (const producer of needs.get(stage) ?? []) {
      if (seen.has(producer)) continue;
      seen.add(producer);
      result.push({ stage: producer, only: undefined });
    }
  }
  return result;
}

/** A stage that is selected whole makes its parts superfluous. */
function unique(selected: readonly SelectedStage[]): SelectedStage[] {
  const whole = new Set(selected.filter(({ only }) => only === undefined).map(({ stage }) => stage));
  const seen = new Set<string>();
  return selected.filter(({ stage, only }) => {
    if (only !== undefined && whole.has(stage)) return false;
    const key = `${stage.address}\0${only ?? ''}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** Expands shell wildcards as `--glob` does: every path of the work tree that matches, in order. */
export function expandGlobs(cwd: string, targets: readonly string[]): string[] {
  return targets.flatMap((target) => {
    if (!/[*?[]/.test(target)) return fs.existsSync(path.resolve(cwd, target)) ? [target] : [];
    return matchParts(cwd, '', target.split('/'));
  });
}

/** The same where DVC wants every call to find something. @throws MlopsError `object_missing`. */
export function requireGlobs(cwd: string, targets: readonly string[]): string[] {
  const found = expandGlobs(cwd, targets);
  if (found.length > 0) return found;
  const shown = targets.map((target) => `'${target}'`).join(', ');
  throw new MlopsError('object_missing', `Glob [${shown}] has no matches.`, {
    hint: 'quote the pattern, so that the shell does not take it first; `**` matches any depth',
  });
}

function matchParts(cwd: string, base: string, parts: readonly string[]): string[] {
  const [part, ...rest] = parts;
  if (part === undefined) return [base];
  const at = (name: string): string => (base === '' ? name : `${base}/${name}`);
  if (part === '**') {
    const here = matchParts(cwd, base, rest);
    const below = folderNames(path.join(cwd, base)).flatMap((name) => matchParts(cwd, at(name), parts));
    return [...new Set([...here, ...below])];
  }
  if (!/[*?[]/.test(part)) {
    return fs.existsSync(path.join(cwd, at(part))) ? matchParts(cwd, at(part), rest) : [];
  }
  const pattern = globPattern(part);
  return entryNames(path.join(cwd, base))
    .filter((name) => pattern.test(name) && (!name.startsWith('.') || part.startsWith('.')))
    .flatMap((name) => matchParts(cwd, at(name), rest));
}

function entryNames(directory: string): string[] {
  const stat = fs.statSync(directory, { throwIfNoEntry: false });
  return stat?.isDirectory() === true ? fs.readdirSync(directory).sort() : [];
}

function folderNames(directory: string): string[] {
  return entryNames(directory).filter(
    (name) =>
      !name.startsWith('.') &&
      fs.statSync(path.join(directory, name), { throwIfNoEntry: false })?.isDirectory() === true,
  );
}
