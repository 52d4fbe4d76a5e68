import { posix } from 'node:path';

import { MlopsError } from '../base/index.ts';
import type { Metric, Param, Tag } from './entities.ts';

/** MLflow's limits (mlflow 3.17, `mlflow/utils/validation.py`), in characters unless said otherwise. */
export const limits = {
  experimentName: 500,
  experimentTagKey: 250,
  experimentTagValue: 20_000,
  key: 250,
  paramValue: 6000,
  tagValue: 8000,
  batchMetrics: 1000,
  batchParams: 100,
  batchTags: 100,
  batchTotal: 1000,
  datasetName: 500,
  datasetDigest: 36,
  datasetSource: 65_535,
  datasetSchema: 1_048_575,
  datasetProfile: 16_777_215,
  inputTagKey: 255,
  inputTagValue: 500,
  registryTagKey: 250,
  registryTagValue: 100_000,
  alias: 255,
  artifactLocation: 2048,
  modelName: 255,
  description: 5000,
} as const;

export function invalid(message: string): MlopsError {
  return new MlopsError('invalid_value', message);
}

/** The largest double: what an infinite metric value is stored as. */
const largest = Number.MAX_VALUE;

/** Checks a point and returns it as it is stored. */
export function checkMetric(metric: Metric): Metric {
  checkKey('Metric', metric.key);
  if (!Number.isSafeInteger(metric.timestamp) || metric.timestamp < 0) {
    throw invalid(
      `Got invalid timestamp ${metric.timestamp} for metric '${metric.key}' (value=${metric.value}). Timestamp must be a nonnegative long (64-bit integer) `,
    );
  }
  if (!Number.isSafeInteger(metric.step)) {
    throw invalid(`Got invalid step ${metric.step} for metric '${metric.key}': a whole number is needed`);
  }
  if (metric.value === Infinity) return { ...metric, value: largest };
  if (metric.value === -Infinity) return { ...metric, value: -largest };
  return metric;
}

/** Checks a param; a value that is too long is cut, as MLflow does by default. */
export function checkParam(param: Param): Param {
  checkKey('Parameter', param.key);
  return cut(param, limits.paramValue);
}

export function checkTag(tag: Tag): Tag {
  checkKey('Tag', tag.key);
  return cut(tag, limits.tagValue);
}

export function checkExperimentTag(tag: Tag): Tag {
  checkKey('Tag', tag.key, limits.experimentTagKey);
  checkLength('Tag value', tag.value, limits.experimentTagValue);
  return tag;
}

export function checkRegistryTag(tag: Tag): Tag {
  checkKey('Tag', tag.key, limits.registryTagKey);
  checkLength('Tag value', tag.value, limits.registryTagValue);
  return tag;
}

export function checkLength(what: string, value: string, limit: number): void {
  if (value.length <= limit) return;
  const shown = value.length > 60 ? `${value.slice(0, 20)}...` : value;
  throw invalid(`'${what}' exceeds the maximum length of ${limit} characters. Got '${shown}' (${value.length})`);
}

/** Keys that were found good: a history logs the same one again and again. */
const goodKeys = new Set<string>();
const mostGoodKeys = 10_000;

/** MLflow's rule for keys of params, metrics and tags: a name that is also a normal relative path. */
export function checkKey(kind: string, key: string, limit: number = limits.key): void {
  if (limit === limits.key && goodKeys.has(key)) return;
  if (key === '') throw missing('key');
  if (!/^[/\p{L}\p{N}\p{M}_.\- :]*$/u.test(key)) {
    throw invalid(
      `Invalid ${kind.toLowerCase()} name: '${key}'. Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colons (:) and slashes (/).`,
    );
  }
  if (!isNormal(key)) {
    throw invalid(
      `Invalid ${kind.toLowerCase()} name: '${key}'. Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '${posix.normalize(key)}'`,
    );
  }
  checkLength(`${kind} name`, key, limit);
  if (limit !== limits.key) return;
  if (goodKeys.size >= mostGoodKeys) goodKeys.clear();
  goodKeys.add(key);
}

function isNormal(key: string): boolean {
  if (key === '.' || key.startsWith('..') || key.startsWith('/') || key.endsWith('/')) return false;
  return posix.normalize(key) === key;
}

/** The text for a required parameter that is absent or empty. */
export function missing(parameter: string): MlopsError {
  return invalid(
    `Missing value for required parameter '${parameter}'. See the API docs for more information about request parameters.`,
  );
}

export function checkRunId(id: string): void {
  if (!/^[a-zA-Z0-9][\w-]{0,255}$/.test(id)) throw invalid(`Invalid run ID: '${id}'`);
}

export function checkModelName(name: string): void {
  if (name.trim() === '') throw missing('name');
  if (/[/:]/.test(name) || !isNormal(name)) {
    throw invalid(`Invalid name: '${name}'. Registered model names cannot contain '/' or ':' and must be a plain name`);
  }
  checkLength('Registered model name', name, limits.modelName);
}

export function checkAlias(alias: string): void {
  if (alias === '') throw missing('alias');
  if (!/^[\w-]+$/.test(alias)) {
    throw invalid(
      `Invalid alias name: '${alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-).`,
    );
  }
  checkLength('Registered model alias name', alias, limits.alias);
  if (alias.toLowerCase() === 'latest') throw invalid(`'latest' alias name (case insensitive) is reserved.`);
  if (/^v\d+$/i.test(alias)) throw invalid(`Version alias name '${alias}' is reserved.`);
}

export function checkLoggedModelName(name: string): void {
  if (/[/:.%"']/.test(name)) {
    throw invalid(
      `Invalid model name ('${name}') provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '"', "'").`,
    );
  }
}

/** Checks the sizes of a batch and that no param key comes twice, before anything is written. */
export function checkBatch(batch: {
  readonly metrics: readonly Metric[];
  readonly params: readonly Param[];
  readonly tags: readonly Tag[];
}): void {
  const { metrics, params, tags } = batch;
  refuseMore(metrics.length, limits.batchMetrics, 'metrics');
  refuseMore(params.length, limits.batchParams, 'params');
  refuseMore(tags.length, limits.batchTags, 'tags');
  refuseMore(metrics.length + params.length + tags.length, limits.batchTotal, 'metrics, params, and tags');
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const { key } of params) (seen.has(key) ? twice : seen).add(key);
  if (twice.size > 0) {
    const keys = [...twice].map((key) => `'${key}'`).join(', ');
    throw invalid(
      `Duplicate parameter keys have been submitted: [${keys}]. Please ensure the request contains only one param value per param key.`,
    );
  }
}

function refuseMore(count: number, limit: number, noun: string): void {
  if (count <= limit) return;
  throw invalid(
    `A batch logging request can contain at most ${limit} ${noun}. Got ${count} ${noun}. Please split up ${noun} across multiple requests and try again.`,
  );
}

function cut(pair: Tag, limit: number): Tag {
  return pair.value.length <= limit ? pair : { key: pair.key, value: pair.value.slice(0, limit) };
}
