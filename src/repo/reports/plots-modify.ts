import * as fs from 'node:fs';
import * as path from 'node:path';

import { compareCodePoints, MlopsError, writeFileAtomic, type PyMap, type PyValue } from '../../base/index.ts';
import type { TreePath } from '../../git/index.ts';
import { openPipelineFile, parseYaml, updateYaml, type Out, type Stage } from '../../project/index.ts';
import { findTemplate, type TemplatePlaces } from './plot-output.ts';
import { openReports, type ReportProject } from './report-index.ts';
import { selectRevision } from '../open/revisions.ts';

export interface PlotsModifyOptions extends TemplatePlaces {
  /** The output, as a path inside the project. */
  readonly target: TreePath;
  /** As the user typed it. */
  readonly shown: string;
  readonly properties: ReadonlyMap<string, PyValue>;
  /** Properties to remove; undefined when none was asked for. */
  readonly unset?: readonly string[] | undefined;
}

/**
 * `plots modify`: changes how an output of a stage is plotted, or makes it a plot. Only its entry in
 * dvc.yaml changes. Returns the stage.
 *
 * @throws MlopsError `unknown_stage` when no stage has that output; `bad_plot` for properties to unset that
 * are not there; `bad_template` for a stage that cannot be rewritten; `unknown_plot_template`.
 */
export function modifyPlot(project: ReportProject, options: PlotsModifyOptions): Stage {
  const template = options.properties.get('template');
  if (typeof template === 'string') findTemplate(template, options);
  const { stage, out } = findOut(project, options);
  const file = path.join(project.root, stage.file);
  if (stage.kind === 'data' || stage.name === undefined) {
    throw new MlopsError('bad_plot', `'${options.shown}' is tracked by '${stage.file}', not made by a stage`, {
      hint: `name it under \`plots\` at the top of dvc.yaml, with its properties`,
    });
  }
  const tree = selectRevision(project.root, 'workspace').tree();
  if (openPipelineFile(tree, stage.file)?.isTemplated(stage.name) === true) {
    throw new MlopsError('bad_template', `cannot dump a parametrized stage: '${stage.name}'`, {
      hint: 'change it in dvc.yaml by hand',
    });
  }
  const text = fs.readFileSync(file, 'utf8');
  const document = parseYaml(text, stage.file);
  const raw = stageMapOf(document, stage.name);
  writeFileAtomic(file, updateYaml(text, stage.file, changedStage(raw, out, options), ['stages', stage.name]));
  return stage;
}

function findOut(project: ReportProject, options: PlotsModifyOptions): { stage: Stage; out: Out } {
  const { stages } = openReports(project, selectRevision(project.root, 'workspace'));
  for (const stage of stages) {
    const out = stage.outs.find((candidate) => candidate.path === options.target);
    if (out !== undefined) return { stage, out };
  }
  throw new MlopsError('unknown_stage', `Unable to find DVC file with output '${options.shown}'`, {
    hint: 'see the outputs of stages with `mlops stage list`',
  });
}

function stageMapOf(document: PyValue, name: string): PyMap {
  const stages = document instanceof Map ? document.get('stages') : undefined;
  const stage = stages instanceof Map ? stages.get(name) : undefined;
  return stage instanceof Map ? stage : new Map();
}

const sections = ['outs', 'metrics', 'plots'] as const;

/** The stage with the output's entry changed, and moved to `plots` unless it is there. */
function changedStage(stage: PyMap, out: Out, options: PlotsModifyOptions): PyMap {
  if (out.plot === undefined && options.unset !== undefined) {
    throw new MlopsError(
      'bad_plot',
      `'${options.shown}' is not a known plot. Use \`dvc plots modify\` to turn it into one.`,
    );
  }
  const result: PyMap = new Map(stage);
  let flags: PyMap = new Map();
  let place = -1;
  for (const section of sections) {
    const list = result.get(section);
    if (!Array.isArray(list)) continue;
    const index = list.findIndex((entry) => nameOf(entry) === out.defPath);
    if (index === -1) continue;
    const entry = list[index];
    const own = entry instanceof Map ? entry.get(out.defPath) : undefined;
    if (own instanceof Map) flags = own;
    if (section === 'plots') place = index;
    else setList(result, section, list.toSpliced(index, 1));
  }
  const changed = changedFlags(flags, options);
  const entry: PyValue = changed.size === 0 ? out.defPath : new Map([[out.defPath, changed]]);
  const plots = result.get('plots');
  const list = Array.isArray(plots) ? plots : [];
  setList(result, 'plots', place === -1 ? inserted(list, entry) : list.with(place, entry));
  return result;
}

function changedFlags(flags: PyMap, { properties, unset = [], shown }: PlotsModifyOptions): PyMap {
  const missing = unset.filter((name) => !flags.has(name));
  if (missing.length > 0) {
    const names = missing.map((name) => `'${name}'`).join(', ');
    throw new MlopsError('bad_plot', `display properties [${names}] not found in plot '${shown}'`);
  }
  const changed: PyMap = new Map(flags);
  for (const name of unset) changed.delete(name);
  for (const [name, value] of properties) changed.set(name, value);
  return changed;
}

/** Where the list is in order of paths, as DVC writes it, it stays so. */
function inserted(list: readonly PyValue[], entry: PyValue): PyValue[] {
  const name = nameOf(entry);
  const index = list.findIndex((other) => compareCodePoints(nameOf(other), name) > 0);
  return index === -1 ? [...list, entry] : list.toSpliced(index, 0, entry);
}

function setList(stage: PyMap, section: string, list: PyValue[]): void {
  if (list.length === 0) stage.delete(section);
  else stage.set(section, list);
}

function nameOf(entry: PyValue | undefined): string {
  const name = entry instanceof Map ? [...entry.keys()][0] : entry;
  return typeof name === 'string' ? name : '';
}
