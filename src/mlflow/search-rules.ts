import type { SearchRules } from './search-grammar.ts';
import type { Entity } from './search-types.ts';

const attributes: Readonly<Record<string, Entity>> = {
  attribute: 'attribute',
  attributes: 'attribute',
  attr: 'attribute',
};
const tags: Readonly<Record<string, Entity>> = { tag: 'tag', tags: 'tag' };
const metrics: Readonly<Record<string, Entity>> = { metric: 'metric', metrics: 'metric' };
const params: Readonly<Record<string, Entity>> = {
  parameter: 'param',
  parameters: 'param',
  param: 'param',
  params: 'param',
};

export const runRules: SearchRules = {
  namespaces: {
    ...metrics,
    ...params,
    ...tags,
    ...attributes,
    run: 'attribute',
    dataset: 'dataset',
    datasets: 'dataset',
  },
  attributes: {
    run_id: 'id',
    run_name: 'text',
    status: 'text',
    user_id: 'text',
    artifact_uri: 'text',
    start_time: 'number',
    end_time: 'number',
  },
  aliases: {
    'run name': 'run_name',
    'Run name': 'run_name',
    'Run Name': 'run_name',
    created: 'start_time',
    Created: 'start_time',
  },
};

/** Here MLflow takes the singular only. */
const attribute: Readonly<Record<string, Entity>> = { attribute: 'attribute' };

export const experimentRules: SearchRules = {
  terse: true,
  orderTwice: true,
  namespaces: { ...attribute, ...tags },
  attributes: { name: 'text', experiment_id: 'id', creation_time: 'number', last_update_time: 'number' },
};

export const registeredModelRules: SearchRules = {
  terse: true,
  namespaces: { ...attribute, ...tags },
  attributes: { name: 'id', timestamp: 'number', last_updated_timestamp: 'number' },
  orderable: ['name', 'timestamp', 'last_updated_timestamp'],
};

export const modelVersionRules: SearchRules = {
  terse: true,
  namespaces: { ...attribute, ...tags },
  attributes: {
    name: 'id',
    run_id: 'id',
    source_path: 'text',
    version_number: 'number',
    creation_timestamp: 'number',
    last_updated_timestamp: 'number',
  },
  orderable: ['name', 'version_number', 'creation_timestamp', 'last_updated_timestamp'],
};

export const loggedModelRules: SearchRules = {
  loose: true,
  namespaces: { ...attributes, ...tags, ...params, ...metrics },
  attributes: {
    name: 'id',
    model_id: 'id',
    model_type: 'id',
    status: 'id',
    source_run_id: 'id',
    creation_timestamp: 'number',
    last_updated_timestamp: 'number',
    artifact_location: 'id',
    experiment_id: 'id',
  },
  aliases: { creation_time: 'creation_timestamp', last_updated_time: 'last_updated_timestamp' },
};
