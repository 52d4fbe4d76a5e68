import { isMlopsError, messageOf, withoutTrailing } from '../base/index.ts';
import { readSpan, type Experiment, type LoggedModel, type Run, type Tag } from '../mlflow/index.ts';
import type { ImportedVersion, TrackingStore } from '../tracking/index.ts';
import { copyArtifacts } from './copy-artifacts.ts';
import type { MigrationSource, SourceModel, SourceTrace } from './source.ts';

export interface MigrationReport {
  experiments: number;
  runs: number;
  /** Runs and models that an earlier migration had brought already. */
  alreadyThere: number;
  points: number;
  loggedModels: number;
  models: number;
  versions: number;
  traces: number;
  files: number;
  /** Experiments whose id was taken here: their id there and here. */
  readonly newIds: { readonly from: string; readonly to: string }[];
  /** What could not be carried. */
  readonly problems: string[];
}

export interface MigrationOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: MigrationReport) => void) | undefined;
}

/**
 * Brings everything of an MLflow store into ours: ids, times, histories, registry and artifacts. What is here
 * already is left alone, so it can be stopped and run again.
 */
export async function migrateFromMlflow(
  source: MigrationSource,
  target: TrackingStore,
  options: MigrationOptions = {},
): Promise<MigrationReport> {
  const report: MigrationReport = {
    experiments: 0,
    runs: 0,
    alreadyThere: 0,
    points: 0,
    loggedModels: 0,
    models: 0,
    versions: 0,
    traces: 0,
    files: 0,
    newIds: [],
    problems: [...(await source.leftBehind())],
  };
  const moved = new Map<string, string>();
  const step = (): void => {
    options.signal?.throwIfAborted();
    options.onProgress?.(report);
  };
  for (const experiment of await source.experiments()) {
    const id = await target.importer.experiment({ ...experiment, artifactLocation: newHome(experiment) });
    report.experiments++;
    if (id !== experiment.id) report.newIds.push({ from: experiment.id, to: id });
    for await (const { run, points } of source.runs(experiment.id)) {
      step();
      const uri = ownUri(run.info.artifactUri, `${id}/${run.info.id}/artifacts`);
      moved.set(run.info.artifactUri, uri);
      const there: Run = { ...run, info: { ...run.info, experimentId: id, artifactUri: uri } };
      await copyFiles(source, target, run.info.artifactUri, uri, report);
      if (await target.importer.run(there, points)) {
        report.runs++;
        report.points += points.length;
      } else {
        report.alreadyThere++;
      }
    }
    for (const model of await source.loggedModels(experiment.id)) {
      step();
      await takeLoggedModel(source, target, { model, experimentId: id, moved, report });
    }
    for await (const trace of source.traces?.(experiment.id) ?? []) {
      step();
      await takeTrace(source, target, { trace, experiment, experimentId: id, report });
    }
  }
  for (const model of await source.models()) {
    step();
    await takeModel(source, target, model, moved, report);
  }
  return report;
}

/** True for places that only the old server's machine knows: those files move in with us. */
function isPrivate(uri: string): boolean {
  return uri.startsWith('mlflow-artifacts:') || uri.startsWith('file:') || !/^[a-z][a-z0-9+.-]+:/i.test(uri);
}

function newHome({ id, artifactLocation }: Experiment): string {
  return ownUri(artifactLocation, id);
}

function ownUri(uri: string, path: string): string {
  return isPrivate(uri) ? `mlflow-artifacts:/${path}` : uri;
}

async function takeLoggedModel(
  source: MigrationSource,
  target: TrackingStore,
  context: {
    readonly model: LoggedModel;
    readonly experimentId: string;
    readonly moved: Map<string, string>;
    readonly report: MigrationReport;
  },
): Promise<void> {
  const { model, experimentId, moved, report } = context;
  const uri = ownUri(model.artifactUri, `${experimentId}/models/${model.id}/artifacts`);
  moved.set(model.artifactUri, uri);
  await copyFiles(source, target, model.artifactUri, uri, report);
  if (await target.importer.loggedModel({ ...model, experimentId, artifactUri: uri })) report.loggedModels++;
  else report.alreadyThere++;
}

/** A trace that is here already is left alone; spans come as the file that clients read them from. */
async function takeTrace(
  source: MigrationSource,
  target: TrackingStore,
  context: {
    readonly trace: SourceTrace;
    readonly experiment: Experiment;
    readonly experimentId: string;
    readonly report: MigrationReport;
  },
): Promise<void> {
  const { trace, experiment, experimentId, report } = context;
  const { info, spans = [], runs = [] } = trace;
  const { traces } = target;
  if (traces === undefined) return;
  if (experiment.lifecycle === 'deleted') {
    report.problems.push(`trace ${info.id} of the deleted experiment '${experiment.name}' stays behind`);
    return;
  }
  if (await traces.hasTrace(info.id)) {
    report.alreadyThere++;
    return;
  }
  const tags = info.tags.filter(({ key }) => key !== 'mlflow.trace.spansLocation');
  const made = await traces.putTrace({ ...info, experimentId, tags });
  for (const assessment of info.assessments) {
    await traces.putAssessment(info.id, String(assessment['assessment_id']), assessment);
  }
  const location = (of: readonly Tag[]): string | undefined =>
    of.find(({ key }) => key === 'mlflow.artifactLocation')?.value;
  const [from, to] = [location(info.tags), location(made.tags)];
  if (to !== undefined && from !== undefined) await copyFiles(source, target, from, to, report);
  // The same spans as they would come from a client; what its own client said of the trace stays.
  if (spans.length > 0) await traces.logSpans(experimentId, spans.map(readSpan));
  for (const run of runs) await link(target, report, info.id, run);
  report.traces++;
}

async function link(target: TrackingStore, report: MigrationReport, trace: string, run: string): Promise<void> {
  try {
    await target.traces?.linkTraces([trace], run);
  } catch (error) {
    if (!isMlopsError(error)) throw error;
    report.problems.push(`the link of trace ${trace} to run ${run} stays behind: ${messageOf(error)}`);
  }
}

async function takeModel(
  source: MigrationSource,
  target: TrackingStore,
  { model, versions }: SourceModel,
  moved: ReadonlyMap<string, string>,
  report: MigrationReport,
): Promise<void> {
  const there: ImportedVersion[] = [];
  for (const version of versions) {
    if (isPrompt(version)) {
      // It has no files; its source is whatever its maker wrote and must never be read.
      there.push({ ...version, location: '' });
      continue;
    }
    const own = `models/${encodeURIComponent(version.name)}/${version.version}`;
    const location = movedUri(version.location, moved) ?? ownUri(version.location, own);
    if (movedUri(version.location, moved) === undefined && location !== version.location) {
      await copyFiles(source, target, version.location, location, report);
    }
    const sameSource = version.source === version.location || isPrivate(version.source);
    there.push({ ...version, location, source: sameSource ? location : version.source });
  }
  if (await target.importer.registeredModel(model, there)) {
    report.models++;
    report.versions += versions.length;
  } else {
    report.alreadyThere++;
  }
}

function isPrompt({ tags }: ImportedVersion): boolean {
  return tags.some(({ key, value }) => key === 'mlflow.prompt.is_prompt' && value.toLowerCase() === 'true');
}

/** The new place of an URI that lies in a run or model that moved. */
function movedUri(uri: string, moved: ReadonlyMap<string, string>): string | undefined {
  const plain = withoutTrailing(uri.replace(/^file:\/*/, '/'), '/');
  for (const [from, to] of moved) {
    const root = withoutTrailing(from.replace(/^file:\/*/, '/'), '/');
    if (plain === root || plain.startsWith(`${root}/`)) return to + plain.slice(root.length);
  }
  return undefined;
}

async function copyFiles(
  source: MigrationSource,
  target: TrackingStore,
  from: string,
  to: string,
  report: MigrationReport,
): Promise<void> {
  if (from === to && !isPrivate(from)) return;
  const files = source.artifacts(from);
  if (files === undefined) {
    report.problems.push(`the artifacts at ${from} are out of reach`);
    return;
  }
  await copyArtifacts(files, target.artifacts(to), { uri: from, report, resume: true });
}
