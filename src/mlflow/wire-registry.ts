import {
  loggedModelStatuses,
  stages,
  type Alias,
  type LoggedModel,
  type ModelVersion,
  type RegisteredModel,
} from './entities.ts';
import type { Fields } from './wire-fields.ts';
import { listToJson, metricToJson, pairToJson, readMetric, readPairs, type Json } from './wire-tracking.ts';

export function loggedModelToJson(model: LoggedModel): Json {
  return {
    info: {
      model_id: model.id,
      experiment_id: model.experimentId,
      name: model.name,
      creation_timestamp_ms: model.creationTime,
      last_updated_timestamp_ms: model.lastUpdatedTime,
      artifact_uri: model.artifactUri,
      status: model.status,
      status_message: model.statusMessage,
      model_type: filled(model.modelType),
      source_run_id: filled(model.sourceRunId),
      tags: listToJson(model.tags, pairToJson),
    },
    data: { params: listToJson(model.params, pairToJson), metrics: listToJson(model.metrics, metricToJson) },
  };
}

export function readLoggedModel(fields: Fields): LoggedModel {
  const info = fields.message('info');
  const data = fields.message('data');
  return {
    id: info.need('model_id'),
    experimentId: info.text('experiment_id') ?? '',
    name: info.text('name') ?? '',
    artifactUri: info.text('artifact_uri') ?? '',
    creationTime: info.integer('creation_timestamp_ms') ?? 0,
    lastUpdatedTime: info.integer('last_updated_timestamp_ms') ?? 0,
    status: info.choice('status', loggedModelStatuses, 0) ?? 'LOGGED_MODEL_STATUS_UNSPECIFIED',
    statusMessage: info.filled('status_message'),
    modelType: info.text('model_type') ?? '',
    sourceRunId: info.text('source_run_id') ?? '',
    tags: readPairs(info, 'tags'),
    params: readPairs(data, 'params'),
    metrics: data.messages('metrics').map(readMetric),
  };
}

export function modelVersionToJson(version: ModelVersion): Json {
  return {
    name: version.name,
    version: version.version,
    creation_timestamp: version.creationTime,
    last_updated_timestamp: version.lastUpdatedTime,
    user_id: filled(version.userId),
    current_stage: version.stage,
    description: version.description,
    source: version.source,
    run_id: version.runId,
    status: version.status,
    status_message: filled(version.statusMessage),
    tags: listToJson(version.tags, pairToJson),
    run_link: version.runLink,
    aliases: listToJson(version.aliases, (alias) => alias),
    model_id: version.modelId,
  };
}

/** A version as lists have it: MLflow names aliases only on a version that was asked for by itself. */
export function listedVersionToJson(version: ModelVersion): Json {
  return { ...modelVersionToJson(version), aliases: undefined };
}

export function readModelVersion(fields: Fields): ModelVersion {
  const stage = fields.text('current_stage') ?? 'None';
  const status = fields.text('status');
  return {
    name: fields.need('name'),
    version: fields.need('version'),
    creationTime: fields.integer('creation_timestamp') ?? 0,
    lastUpdatedTime: fields.integer('last_updated_timestamp') ?? 0,
    userId: fields.text('user_id') ?? '',
    stage: stages.find((one) => one === stage) ?? 'None',
    description: fields.text('description') ?? '',
    source: fields.text('source') ?? '',
    runId: fields.text('run_id') ?? '',
    runLink: fields.text('run_link') ?? '',
    modelId: fields.filled('model_id'),
    status: status === 'PENDING_REGISTRATION' || status === 'FAILED_REGISTRATION' ? status : 'READY',
    statusMessage: fields.text('status_message') ?? '',
    tags: readPairs(fields, 'tags'),
    aliases: fields.texts('aliases'),
  };
}

export function registeredModelToJson(model: RegisteredModel): Json {
  return {
    name: model.name,
    creation_timestamp: model.creationTime,
    last_updated_timestamp: model.lastUpdatedTime,
    description: filled(model.description),
    latest_versions: listToJson(model.latestVersions, listedVersionToJson),
    tags: listToJson(model.tags, pairToJson),
    aliases: listToJson(model.aliases, aliasToJson),
  };
}

export function readRegisteredModel(fields: Fields): RegisteredModel {
  return {
    name: fields.need('name'),
    creationTime: fields.integer('creation_timestamp') ?? 0,
    lastUpdatedTime: fields.integer('last_updated_timestamp') ?? 0,
    description: fields.text('description') ?? '',
    latestVersions: fields.messages('latest_versions').map(readModelVersion),
    tags: readPairs(fields, 'tags'),
    aliases: fields.messages('aliases').map(readAlias),
  };
}

function aliasToJson({ alias, version }: Alias): Json {
  return { alias, version };
}

function readAlias(fields: Fields): Alias {
  return { alias: fields.need('alias'), version: fields.need('version') };
}

function filled(text: string): string | undefined {
  return text === '' ? undefined : text;
}
