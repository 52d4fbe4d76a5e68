import * as path from 'node:path';

import { isMlopsError, messageOf, MlopsError, type PyMap, type PyValue } from '../../base/index.ts';
import { headCommit, gitState, type TreePath } from '../../git/index.ts';
import { datapointsOf, parseTable, sourcesOf, type PlotProperties, type Series } from '../../plots/index.ts';
import { decodeText, parseDataFile } from '../../project/index.ts';
import { listExperimentRefs } from '../open/experiment-refs.ts';
import { definePlots, outProperties, toTree, type PlotDefinition } from './plot-definitions.ts';
import { openReports, type ReportProject, type Reports } from './report-index.ts';
import { failureOf, type ReportFailure } from './report.ts';
import { requireGit, resolveProjectRevision, selectRevision, type Revision } from '../open/revisions.ts';

/** An image of one revision. */
export interface PlotImage {
  readonly revision: string;
  readonly file: string;
  readonly content: Uint8Array;
}

/** A plot over all revisions that were asked for. */
export interface Plot {
  readonly id: string;
  readonly kind: 'vega' | 'image';
  /** Display properties, filled in by the first revision with data. */
  readonly properties: PlotProperties;
  readonly series: readonly Series[];
  readonly rows: readonly PyMap[];
  /** Revisions with data, in the order shown. */
  readonly revisions: readonly string[];
  readonly images: readonly PlotImage[];
}

/** Something of a plot that could not be loaded. */
export interface PlotFailure extends ReportFailure {
  readonly revision: string;
  /** Undefined when the revision as a whole failed. */
  readonly plot?: string;
  /** The data file. */
  readonly source?: string;
}

export interface PlotsResult {
  readonly plots: readonly Plot[];
  readonly failures: readonly PlotFailure[];
}

export interface PlotsDiffOptions extends PlotsOptions {
  /** A single revision is compared with the commit that the experiment started from. */
  readonly experiment?: boolean;
}

export interface PlotsOptions {
  /** Where the user stands. */
  readonly directory: TreePath;
  readonly targets?: readonly string[];
  /** Display properties of the command line. */
  readonly properties?: PlotProperties;
}

/** `plots show`: the plots of the work tree. */
export function showPlots(project: ReportProject, options: PlotsOptions): PlotsResult {
  return loadPlots(project, [selectRevision(project.root, 'workspace')], options);
}

/**
 * `plots diff`: plots of several revisions in one. Without revisions the last commit and the work tree, if
 * they differ; one revision is compared with the work tree.
 */
export function diffPlots(
  project: ReportProject,
  revisions: readonly string[],
  options: PlotsDiffOptions,
): PlotsResult {
  requireGit(project.root);
  if (headCommit(project.root) === undefined) return { plots: [], failures: [] };
  const names = [...revisions];
  const [only] = revisions;
  if (options.experiment === true && revisions.length === 1 && only !== undefined) {
    const commit = resolveProjectRevision(project.root, only);
    const baseline = listExperimentRefs(project.root).find((ref) => ref.commit === commit)?.baseline;
    if (baseline !== undefined) names.push(baseline.slice(0, 7));
  }
  if (names.length === 0 && gitState(project.root).dirty) names.push('HEAD');
  if (names.length <= 1) names.push('workspace');
  const workspaceFirst = [
    ...names.filter((name) => name === 'workspace'),
    ...names.filter((name) => name !== 'workspace'),
  ];
  const chosen = [...new Set(workspaceFirst)].map((name) => selectRevision(project.root, name));
  return loadPlots(project, chosen, options);
}

interface Loaded {
  readonly revision: string;
  readonly definition: PlotDefinition;
  readonly contents: ReadonlyMap<string, PyValue | Uint8Array>;
}

function loadPlots(project: ReportProject, revisions: readonly Revision[], options: PlotsOptions): PlotsResult {
  const failures: PlotFailure[] = [];
  const groups = new Map<string, Loaded[]>();
  for (const revision of revisions) {
    try {
      for (const loaded of loadRevision(project, revision, options, failures)) {
        groups.set(loaded.definition.id, [...(groups.get(loaded.definition.id) ?? []), loaded]);
      }
    } catch (error) {
      failures.push({ revision: revision.label, ...failureOf(error) });
    }
  }
  const plots = [...groups].map(([id, group]) => joinRevisions(id, group, failures));
  return { plots, failures: inOrder(failures, plots) };
}

/** DVC reports plot by plot, and what belongs to no plot at the end. */
function inOrder(failures: readonly PlotFailure[], plots: readonly Plot[]): PlotFailure[] {
  const ordered = plots.flatMap((plot) => failures.filter((failure) => failure.plot === plot.id));
  return [...ordered, ...failures.filter((failure) => failure.plot === undefined)];
}

function loadRevision(
  project: ReportProject,
  revision: Revision,
  options: PlotsOptions,
  failures: PlotFailure[],
): Loaded[] {
  const reports = openReports(project, revision);
  const properties = options.properties ?? new Map<string, PyValue>();
  const { directory, targets = [] } = options;
  const definitions = definePlots(reports, { directory, targets, properties });
  const outs = outsByPath(reports);
  return definitions.map((definition) => {
    const contents = new Map<string, PyValue | Uint8Array>();
    for (const source of sourcesOf(definition.ownId, definition.properties)) {
      const file = toTree(source, options);
      const header = properties.get('header') ?? outs.get(file)?.get('header');
      try {
        contents.set(source, readSource(reports, file, source, header !== false));
      } catch (error) {
        failures.push({ revision: revision.label, plot: definition.id, source, ...plotFailure(error, source) });
      }
    }
    return { revision: revision.label, definition, contents };
  });
}

function outsByPath(reports: Reports): Map<TreePath, PlotProperties> {
  const outs = reports.stages.flatMap((stage) => stage.outs);
  return new Map(
    outs.flatMap((out): [TreePath, PlotProperties][] =>
      out.plot === undefined || out.path === undefined ? [] : [[out.path, outProperties(out.plot)]],
    ),
  );
}

const imageExtensions: ReadonlySet<string> = new Set(['.jpg', '.jpeg', '.gif', '.png', '.svg']);
const dataExtensions: ReadonlySet<string> = new Set(['.json', '.yaml', '.yml', '.toml', '.py']);

function readSource(reports: Reports, file: TreePath, shown: string, header: boolean): PyValue | Uint8Array {
  const extension = path.posix.extname(shown);
  const table = extension === '.csv' || extension === '.tsv';
  if (imageExtensions.has(extension)) return reports.files.read(file, shown);
  if (!table && !dataExtensions.has(extension)) {
    throw new MlopsError(
      'bad_plot',
      `'${shown}' - file type error\nOnly JSON, YAML, CSV and TSV formats are supported.`,
      { data: { type: 'PlotMetricTypeError' } },
    );
  }
  const text = decodeText(reports.files.read(file, shown), shown);
  if (table) return parseTable(text, { delimiter: extension === '.tsv' ? '\t' : ',', header });
  return parseDataFile(text, shown);
}

function plotFailure(error: unknown, file: string): ReportFailure {
  const type = isMlopsError(error) ? error.data?.['type'] : undefined;
  return typeof type === 'string' ? { type, message: messageOf(error) } : failureOf(error, file);
}

function joinRevisions(id: string, group: readonly Loaded[], failures: PlotFailure[]): Plot {
  // The first revision's display properties win, as in DVC.
  const shared: PlotProperties = new Map(group.toReversed().flatMap(({ definition }) => [...definition.properties]));
  const [first] = group;
  const ownId = first?.definition.ownId ?? id;
  if (imageExtensions.has(path.posix.extname(ownId))) return imagePlot(ownId, group);
  const rows: PyMap[] = [];
  const revisions: string[] = [];
  let shown: { readonly properties: PlotProperties; readonly series: readonly Series[] } | undefined;
  for (const { revision, definition, contents } of group) {
    const data = new Map(
      [...contents].filter((entry): entry is [string, PyValue] => !(entry[1] instanceof Uint8Array)),
    );
    try {
      const points = datapointsOf(definition.ownId, data, shared, revision);
      if (points === undefined) continue;
      shown ??= points;
      revisions.push(revision);
      rows.push(...points.rows);
    } catch (error) {
      failures.push({ revision, plot: id, ...plotFailure(error, ownId) });
    }
  }
  const properties = new Map(shown?.properties ?? shared);
  if (!properties.has('title')) properties.set('title', id);
  return { id, kind: 'vega', properties, series: shown?.series ?? [], rows, revisions, images: [] };
}

function imagePlot(id: string, group: readonly Loaded[]): Plot {
  const images = group.flatMap(({ revision, contents }) =>
    [...contents].flatMap(([file, content]) => (content instanceof Uint8Array ? [{ revision, file, content }] : [])),
  );
  const revisions = [...new Set(images.map(({ revision }) => revision))];
  return { id, kind: 'image', properties: new Map([['title', id]]), series: [], rows: [], revisions, images };
}
