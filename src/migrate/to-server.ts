import { isMlopsError, messageOf } from '../base/index.ts';
import type { Experiment, LoggedModel, Metric, Run } from '../mlflow/index.ts';
import type { ArtifactStore, TrackingStore } from '../tracking/index.ts';
import { copyArtifacts } from './copy-artifacts.ts';
import type { MigrationSource, SourceModel, SourceRun } from './source.ts';

export interface ServerReport {
  runs: number;
  alreadyThere: number;
  models: number;
  versions: number;
  files: number;
  /** Run id here to run id there: a server gives ids of its own. */
  readonly runIds: Record<string, string>;
  readonly modelIds: Record<string, string>;
  readonly problems: string[];
}

export interface ToServerOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((report: ServerReport) => void) | undefined;
}

/** Where the path inside of a run begins in its address. */
const below = '/artifacts/';

/** The tag by which a copied run is recognised when the migration runs again. */
const originTag = 'mlops.migrated_from';

interface Copy {
  readonly source: MigrationSource;
  readonly target: TrackingStore;
  readonly report: ServerReport;
}

/** Copies a store into a running server of MLflow, which gives new ids; the report maps the old ones. */
export async function migrateToServer(
  source: MigrationSource,
  target: TrackingStore,
  options: ToServerOptions = {},
): Promise<ServerReport> {
  const report: ServerReport = {
    runs: 0,
    alreadyThere: 0,
    models: 0,
    versions: 0,
    files: 0,
    runIds: {},
    modelIds: {},
    problems: [...(await source.leftBehind())],
  };
  const copy: Copy = { source, target, report };
  for (const experiment of await source.experiments()) {
    if (experiment.lifecycle === 'deleted') {
      report.problems.push(`experiment '${experiment.name}' is deleted and stays behind`);
      continue;
    }
    const experimentId = await experimentThere(target, experiment);
    for await (const one of source.runs(experiment.id)) {
      options.signal?.throwIfAborted();
      await copyRun(copy, one, experimentId);
      options.onProgress?.(report);
    }
    for (const model of await source.loggedModels(experiment.id)) await copyLoggedModel(copy, model, experimentId);
  }
  for (const model of await source.models()) await copyModel(copy, model);
  return report;
}

async function experimentThere(target: TrackingStore, experiment: Experiment): Promise<string> {
  const known = await target.getExperimentByName(experiment.name);
  const id = known?.id ?? (await target.createExperiment({ name: experiment.name }));
  for (const tag of experiment.tags) await target.setExperimentTag(id, tag);
  return id;
}

async function copyRun(copy: Copy, { run, points }: SourceRun, experimentId: string): Promise<void> {
  const { target, report } = copy;
  const { info } = run;
  const filter = `tags.\`${originTag}\` = '${info.id}'`;
  const [known] = (await target.searchRuns({ experimentIds: [experimentId], filter, view: 'ALL', maxResults: 1 }))
    .items;
  if (known !== undefined && known.info.status === info.status) {
    report.runIds[info.id] = known.info.id;
    report.alreadyThere++;
    return;
  }
  const made =
    known ??
    (await target.createRun({
      experimentId,
      userId: info.userId,
      name: info.name,
      startTime: info.startTime,
      tags: [{ key: originTag, value: info.id }],
    }));
  const { id } = made.info;
  report.runIds[info.id] = id;
  await logAll(target, id, run, points);
  if (run.datasets.length > 0) await target.logInputs(id, run.datasets);
  await copyFiles(copy, info.artifactUri, target.artifacts(made.info.artifactUri));
  // Last, so that a run whose copying was cut short is recognised by its status.
  await target.updateRun(id, { status: info.status, endTime: info.endTime });
  if (info.lifecycle === 'deleted') await target.deleteRun(id);
  report.runs++;
}

async function logAll(target: TrackingStore, id: string, run: Run, points: readonly Metric[]): Promise<void> {
  const tags = run.tags.filter((tag) => tag.key !== 'mlflow.runName' && tag.value !== '');
  for (let i = 0; i < points.length; i += 1000) await target.logBatch(id, { metrics: points.slice(i, i + 1000) });
  for (let i = 0; i < run.params.length; i += 100) await target.logBatch(id, { params: run.params.slice(i, i + 100) });
  for (let i = 0; i < tags.length; i += 100) await target.logBatch(id, { tags: tags.slice(i, i + 100) });
}

async function copyLoggedModel(copy: Copy, model: LoggedModel, experimentId: string): Promise<void> {
  const { target, report } = copy;
  const sourceRunId = report.runIds[model.sourceRunId] ?? '';
  try {
    const known = await target.searchLoggedModels({
      experimentIds: [experimentId],
      filter: `tags.\`${originTag}\` = '${model.id}'`,
    });
    const made =
      known.items[0] ??
      (await target.createLoggedModel({
        experimentId,
        name: model.name,
        modelType: model.modelType,
        sourceRunId,
        params: model.params,
        tags: [...model.tags.filter((tag) => tag.key !== 'mlflow.modelVersions'), { key: originTag, value: model.id }],
      }));
    report.modelIds[model.id] = made.id;
    if (known.items[0]?.status === model.status) return;
    await copyFiles(copy, model.artifactUri, target.artifacts(made.artifactUri));
    if (sourceRunId !== '') await target.logOutputs(sourceRunId, [{ modelId: made.id, step: 0 }]);
    await target.finalizeLoggedModel(made.id, model.status);
  } catch (error) {
    // Servers before 3.0 have no logged models.
    if (!isMlopsError(error)) throw error;
    report.problems.push(`logged model ${model.name} (${model.id}): ${messageOf(error)}`);
  }
}

/** By its name: a search would not find prompts. */
async function hasModel(target: TrackingStore, name: string): Promise<boolean> {
  try {
    await target.getRegisteredModel(name);
    return true;
  } catch (error) {
    if (isMlopsError(error, 'resource_missing')) return false;
    throw error;
  }
}

async function copyModel(copy: Copy, { model, versions }: SourceModel): Promise<void> {
  const { target, report } = copy;
  const known = await hasModel(target, model.name);
  if (known) {
    report.alreadyThere++;
    return;
  }
  await target.createRegisteredModel(model.name, { tags: model.tags, description: model.description });
  report.models++;
  const numbers = new Map<string, string>();
  for (const version of versions.toSorted((a, b) => Number(a.version) - Number(b.version))) {
    const modelId = version.modelId === undefined ? undefined : report.modelIds[version.modelId];
    const runId = report.runIds[version.runId];
    const at = version.location.indexOf(below);
    const inRun = at === -1 ? '' : version.location.slice(at + below.length);
    const own =
      modelId !== undefined
        ? `models:/${modelId}`
        : runId !== undefined && inRun !== ''
          ? `runs:/${runId}/${inRun}`
          : version.source;
    try {
      const { name, description, tags } = version;
      const made = await target.createModelVersion({ name, source: own, runId, modelId, description, tags });
      if (version.stage !== 'None') await target.transitionStage(name, made.version, { stage: version.stage });
      numbers.set(version.version, made.version);
      report.versions++;
    } catch (error) {
      if (!isMlopsError(error)) throw error;
      report.problems.push(`${version.name} version ${version.version}: ${messageOf(error)}`);
    }
  }
  for (const { alias, version } of model.aliases) {
    const number = numbers.get(version);
    if (number !== undefined) await target.setAlias(model.name, alias, number);
  }
}

async function copyFiles({ source, report }: Copy, from: string, to: ArtifactStore): Promise<void> {
  const files = source.artifacts(from);
  if (files !== undefined) await copyArtifacts(files, to, { uri: from, report });
}
