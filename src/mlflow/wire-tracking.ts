import {
  runStatuses,
  type Dataset,
  type DatasetInput,
  type DatasetSummary,
  type Experiment,
  type Metric,
  type ModelOutput,
  type Run,
  type RunInfo,
  type Tag,
} from './entities.ts';
import type { Fields } from './wire-fields.ts';

/** A JSON object on its way out; fields that are undefined are left out by `JSON.stringify`. */
export type Json = Readonly<Record<string, unknown>>;

/** JSON has no NaN: protobuf writes the three odd doubles as text. */
export function doubleToJson(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

/** Protobuf's JSON has no empty lists. */
export function listToJson<Item, Out>(
  items: readonly Item[],
  convert: (item: Item) => Out,
): readonly Out[] | undefined {
  return items.length === 0 ? undefined : items.map(convert);
}

export function pairToJson({ key, value }: Tag): Json {
  return { key, value };
}

/** A tag or param of a message; a value that is absent is the empty text. */
export function readPair(fields: Fields): Tag {
  return { key: fields.need('key'), value: fields.text('value') ?? '' };
}

export function readPairs(fields: Fields, name: string): readonly Tag[] {
  return fields.messages(name).map(readPair);
}

export function metricToJson(metric: Metric): Json {
  const { key, value, timestamp, step, runId, modelId, datasetName, datasetDigest } = metric;
  const point = { key, value: doubleToJson(value), timestamp, step };
  if (runId === undefined && modelId === undefined && datasetName === undefined) return point;
  return { ...point, dataset_name: datasetName, dataset_digest: datasetDigest, model_id: modelId, run_id: runId };
}

export function readMetric(fields: Fields): Metric {
  const value = fields.double('value');
  const key = fields.need('key');
  if (value === undefined) throw fields.missing('value');
  const timestamp = fields.integer('timestamp');
  if (timestamp === undefined) throw fields.missing('timestamp');
  const metric = { key, value, timestamp, step: fields.integer('step') ?? 0 };
  const modelId = fields.filled('model_id');
  const datasetName = fields.filled('dataset_name');
  const datasetDigest = fields.filled('dataset_digest');
  const runId = fields.filled('run_id');
  if ((modelId ?? datasetName ?? datasetDigest ?? runId) === undefined) return metric;
  return { ...metric, modelId, datasetName, datasetDigest, runId };
}

export function experimentToJson(experiment: Experiment): Json {
  return {
    experiment_id: experiment.id,
    name: experiment.name,
    artifact_location: experiment.artifactLocation,
    lifecycle_stage: experiment.lifecycle,
    last_update_time: experiment.lastUpdateTime,
    creation_time: experiment.creationTime,
    tags: listToJson(experiment.tags, pairToJson),
    workspace: 'default',
  };
}

export function readExperiment(fields: Fields): Experiment {
  return {
    id: fields.need('experiment_id'),
    name: fields.text('name') ?? '',
    artifactLocation: fields.text('artifact_location') ?? '',
    lifecycle: fields.text('lifecycle_stage') === 'deleted' ? 'deleted' : 'active',
    creationTime: fields.integer('creation_time') ?? 0,
    lastUpdateTime: fields.integer('last_update_time') ?? 0,
    tags: readPairs(fields, 'tags'),
  };
}

export function runInfoToJson(info: RunInfo): Json {
  return {
    run_uuid: info.id,
    experiment_id: info.experimentId,
    run_name: info.name,
    user_id: info.userId,
    status: info.status,
    start_time: info.startTime,
    end_time: info.endTime,
    artifact_uri: info.artifactUri,
    lifecycle_stage: info.lifecycle,
    run_id: info.id,
  };
}

export function readRunInfo(fields: Fields): RunInfo {
  return {
    id: fields.filled('run_id') ?? fields.need('run_uuid'),
    experimentId: fields.text('experiment_id') ?? '',
    name: fields.text('run_name') ?? '',
    userId: fields.text('user_id') ?? '',
    status: fields.choice('status', runStatuses) ?? 'RUNNING',
    startTime: fields.integer('start_time') ?? 0,
    endTime: fields.integer('end_time'),
    artifactUri: fields.text('artifact_uri') ?? '',
    lifecycle: fields.text('lifecycle_stage') === 'deleted' ? 'deleted' : 'active',
  };
}

export function runToJson(run: Run): Json {
  return {
    info: runInfoToJson(run.info),
    data: {
      metrics: listToJson(run.metrics, metricToJson),
      params: listToJson(run.params, pairToJson),
      tags: listToJson(run.tags, pairToJson),
    },
    inputs: {
      dataset_inputs: listToJson(run.datasets, datasetInputToJson),
      model_inputs: listToJson(run.modelInputs, (id) => ({ model_id: id })),
    },
    outputs: { model_outputs: listToJson(run.modelOutputs, modelOutputToJson) },
  };
}

export function readRun(fields: Fields): Run {
  const data = fields.message('data');
  const inputs = fields.message('inputs');
  return {
    info: readRunInfo(fields.message('info')),
    metrics: data.messages('metrics').map(readMetric),
    params: readPairs(data, 'params'),
    tags: readPairs(data, 'tags'),
    datasets: inputs.messages('dataset_inputs').map(readDatasetInput),
    modelInputs: inputs.messages('model_inputs').map((model) => model.need('model_id')),
    modelOutputs: fields.message('outputs').messages('model_outputs').map(readModelOutput),
  };
}

export function datasetInputToJson({ dataset, tags }: DatasetInput): Json {
  const { name, digest, sourceType, source, schema, profile } = dataset;
  return {
    tags: listToJson(tags, pairToJson),
    dataset: { name, digest, source_type: sourceType, source, schema, profile },
  };
}

export function readDatasetInput(fields: Fields): DatasetInput {
  if (!fields.has('dataset')) throw fields.missing('dataset');
  return { tags: readPairs(fields, 'tags'), dataset: readDataset(fields.message('dataset')) };
}

function readDataset(fields: Fields): Dataset {
  return {
    name: given(fields, 'name'),
    digest: given(fields, 'digest'),
    sourceType: given(fields, 'source_type'),
    source: given(fields, 'source'),
    schema: fields.text('schema'),
    profile: fields.text('profile'),
  };
}

/** A text that must be there, if only as an empty one. */
function given(fields: Fields, name: string): string {
  const value = fields.text(name);
  if (value === undefined) throw fields.missing(name);
  return value;
}

export function modelOutputToJson({ modelId, step }: ModelOutput): Json {
  return { model_id: modelId, step };
}

export function readModelOutput(fields: Fields): ModelOutput {
  return { modelId: fields.need('model_id'), step: fields.integer('step') ?? 0 };
}

export function datasetSummaryToJson({ experimentId, name, digest, context }: DatasetSummary): Json {
  return { experiment_id: experimentId, name, digest, context };
}

export function readDatasetSummary(fields: Fields): DatasetSummary {
  return {
    experimentId: fields.need('experiment_id'),
    name: fields.need('name'),
    digest: fields.need('digest'),
    context: fields.filled('context'),
  };
}
