import * as path from 'node:path';

import type { PyMap, PyValue } from '../../base/index.ts';
import type { TreePath } from '../../git/index.ts';
import type { PlotProperties } from '../../plots/index.ts';
import { pythonStr } from '../../project/index.ts';
import type { Reports } from './report-index.ts';
import { relativeToDirectory } from './report.ts';

/** One plot as a revision declares it. Paths are relative to where the user stands, as DVC's ids are. */
export interface PlotDefinition {
  /** As DVC calls it; `dvc.yaml::id` where several files declare the same. */
  readonly id: string;
  /** As written: a path, or any name where the axes name files. */
  readonly ownId: string;
  readonly properties: PlotProperties;
}

export interface DefinitionOptions {
  /** Where the user stands. */
  readonly directory: TreePath;
  /** Files, or patterns of ids; all plots otherwise. */
  readonly targets: readonly string[];
  /** What the command line says, over what dvc.yaml says. */
  readonly properties: PlotProperties;
}

/** File that declares plots ('' for stage outputs and targets) to plot id to properties. */
type Definitions = Map<string, Map<string, PlotProperties>>;

/**
 * The plots of a revision in DVC's order: the `plots` of each dvc.yaml, then plot outputs of stages, then
 * target files that are no plots of the project. Directories stand for their files.
 */
export function definePlots(reports: Reports, options: DefinitionOptions): PlotDefinition[] {
  const definitions: Definitions = new Map();
  for (const { file, plots } of reports.plots) {
    const shown = relativeToDirectory(file, options.directory);
    definitions.set(shown, resolveTopLevel(reports, plots, shown, options));
  }
  addOutputs(reports, definitions, options);
  const none = definitions.size === 0;
  for (const target of options.targets) {
    if (none || reports.files.exists(toTree(target, options)))
      addFiles(reports, definitions, target, new Map(), options);
  }
  return withIds(definitions);
}

function resolveTopLevel(
  reports: Reports,
  plots: ReadonlyMap<string, PyMap>,
  shown: string,
  options: DefinitionOptions,
): Map<string, PlotProperties> {
  const directory = path.posix.dirname(shown);
  const result = new Map<string, PlotProperties>();
  const parents = [...plots.keys()].map((id) => path.posix.join(directory, id));
  for (const [id, props] of plots) {
    if (!matches(options.targets, shown, id)) continue;
    const own = new Map<string, PyValue>([...props].map(([key, value]) => [pythonStr(key), value]));
    if (own.get('y') instanceof Map) {
      merge(result, id, overlay(withPaths(own, directory), options.properties));
      continue;
    }
    const base = path.posix.join(directory, id);
    for (const file of expand(reports, base, options)) {
      // The most specific definition of a file wins.
      if (file === base || closest(file, parents) === base) merge(result, file, overlay(own, options.properties));
    }
  }
  return result;
}

function addOutputs(reports: Reports, definitions: Definitions, options: DefinitionOptions): void {
  for (const stage of reports.stages) {
    for (const out of stage.outs) {
      if (out.plot === undefined || out.path === undefined) continue;
      const shown = relativeToDirectory(out.path, options.directory);
      if (!matches(options.targets, relativeToDirectory(stage.file, options.directory), shown)) continue;
      addFiles(reports, definitions, shown, outProperties(out.plot), options);
    }
  }
}

function addFiles(
  reports: Reports,
  definitions: Definitions,
  base: string,
  own: PlotProperties,
  options: DefinitionOptions,
): void {
  const group = definitions.get('') ?? new Map<string, PlotProperties>();
  definitions.set('', group);
  for (const file of expand(reports, base, options)) merge(group, file, overlay(own, options.properties));
}

/** Display properties of a plot output. */
export function outProperties(plot: PyMap): PlotProperties {
  const known = ['template', 'x', 'y', 'x_label', 'y_label', 'title', 'header'];
  return new Map(
    known.flatMap((key): [string, PyValue][] => {
      const value = plot.get(key);
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

/** A file's path inside the project, from its path as the user sees it. */
export function toTree(file: string, { directory }: { readonly directory: TreePath }): TreePath {
  const joined = path.posix.join(directory, file);
  return joined === '.' ? '' : joined;
}

function expand(reports: Reports, base: string, options: DefinitionOptions): string[] {
  const file = toTree(base, options);
  if (!reports.files.isDirectory(file)) return [path.posix.normalize(base)];
  return reports.files.find(file).map((inner) => relativeToDirectory(inner, options.directory));
}

function overlay(below: PlotProperties, above: PlotProperties): PlotProperties {
  return new Map([...below, ...above]);
}

function merge(into: Map<string, PlotProperties>, id: string, properties: PlotProperties): void {
  into.set(id, overlay(into.get(id) ?? new Map(), properties));
}

/** Files that axes name, as seen from where the user stands. */
function withPaths(properties: PlotProperties, directory: string): PlotProperties {
  const result = new Map(properties);
  for (const axis of ['x', 'y']) {
    const value = properties.get(axis);
    if (!(value instanceof Map)) continue;
    result.set(
      axis,
      new Map([...value].map(([file, fields]) => [path.posix.join(directory, pythonStr(file)), fields])),
    );
  }
  return result;
}

/** A target is a pattern at the start of the id, or of `dvc.yaml::id`. */
function matches(targets: readonly string[], file: string, id: string): boolean {
  return (
    targets.length === 0 || targets.some((target) => startsLike(target, id) || startsLike(target, `${file}::${id}`))
  );
}

function startsLike(pattern: string, text: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})`).test(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return text.startsWith(pattern);
  }
}

function closest(file: string, parents: readonly string[]): string {
  let best = '';
  const parts = file.split('/');
  for (const parent of parents) {
    const other = parent.split('/');
    let same = 0;
    while (same < other.length && same < parts.length && other[same] === parts[same]) same++;
    const common = other.slice(0, same).join('/');
    if (common.length > best.length) best = common;
  }
  return best;
}

/** An id that several files declare is told apart by the file's name. */
function withIds(definitions: Definitions): PlotDefinition[] {
  const byId = new Map<string, [file: string, properties: PlotProperties][]>();
  for (const [file, plots] of definitions) {
    for (const [id, properties] of plots) byId.set(id, [...(byId.get(id) ?? []), [file, properties]]);
  }
  return [...byId].flatMap(([ownId, group]) =>
    group.map(([file, properties]) => {
      const id = group.length > 1 && file !== '' ? `${file}::${ownId}` : ownId;
      return { id, ownId, properties };
    }),
  );
}
