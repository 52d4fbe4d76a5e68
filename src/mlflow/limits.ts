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
} as const;

export function invalid(message: string): MlopsError {
  return new MlopsError('invalid_value', message);
}

/** The largest double: what an infinite metric value is stored as. */
const largest = Number.MAX_VALUE;

/** Where a value is in its request, in MLflow's words: `metrics[3].name` in a batch, `name` alone. */
function pathOf(list: string, field: string, index: number | undefined): string {
  return index === undefined ? field : `${list}[${index}].${field}`;
}

/** MLflow's sentence for a value that breaks a rule. */
function badValue(path: string, value: unknown, why: string): MlopsError {
  return invalid(`Invalid value ${JSON.stringify(value)} for parameter '${path}' supplied: ${why}`);
}

/**
 * Checks a point and returns it as it is stored.
 *
 * @param index its place in a batch; undefined for a point that came alone.
 */
export function checkMetric(metric: Metric, index?: number): Metric {
  checkKey(metric.key, () => pathOf('metrics', 'name', index), 'Metric name');
  const { key, value, step, timestamp } = metric;
  if (!isInt64(timestamp) || timestamp < 0) {
    const shown = Number.isInteger(value) ? value.toFixed(1) : value;
    const why = `metric '${key}' (value=${shown}). Timestamp must be a nonnegative long (64-bit integer) `;
    throw badValue(pathOf('metrics', 'timestamp', index), timestamp, why);
  }
  if (!isInt64(step)) {
    const why = `metric '${key}' (value=${value}). Step must be a valid long (64-bit integer)`;
    throw badValue(pathOf('metrics', 'step', index), step, why);
  }
  if ((metric.datasetName ?? '') === '' ? (metric.datasetDigest ?? '') !== '' : (metric.datasetDigest ?? '') === '') {
    throw invalid('Both dataset_name and dataset_digest must be provided if one is provided');
  }
  if (value === Infinity) return { ...metric, value: largest };
  if (value === -Infinity) return { ...metric, value: -largest };
  return metric;
}

function isInt64(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) <= 2 ** 63;
}

/** Checks a param; a value that is too long is cut, as MLflow does by default. */
export function checkParam(param: Param, index?: number): Param {
  checkKey(param.key, () => pathOf('params', 'key', index), 'Param key');
  return cut(param, limits.paramValue);
}

export function checkTag(tag: Tag, index?: number): Tag {
  checkKey(tag.key, () => pathOf('tags', 'key', index));
  return cut(tag, limits.tagValue);
}

export function checkExperimentTag(tag: Tag): Tag {
  checkKey(tag.key, () => 'key', undefined, limits.experimentTagKey);
  checkLength('value', tag.value, limits.experimentTagValue);
  return tag;
}

export function checkRegistryTag(tag: Tag): Tag {
  checkKey(tag.key, () => 'key', undefined, limits.registryTagKey);
  checkLength('value', tag.value, limits.registryTagValue);
  return tag;
}

export function checkLength(what: string, value: string, limit: number): void {
  if (value.length > limit) throw invalid(`'${what}' exceeds the maximum length of ${limit} characters`);
}

/** Keys that were found good: a history logs the same one again and again. */
const goodKeys = new Set<string>();
const mostGoodKeys = 10_000;
const longestNormalised = 2048;

/**
 * MLflow's rule for keys of params, metrics and tags: a name that is also a normal relative path.
 *
 * @param path where the key is in its request, asked for only when it is bad.
 * @param what how MLflow calls a key that is too long; default: its path.
 */
function checkKey(key: string, path: () => string, what?: string, limit: number = limits.key): void {
  if (limit === limits.key && goodKeys.has(key)) return;
  if (key === '') throw missing(path());
  if (!/^[/\p{L}\p{N}\p{M}_.\- :]*$/u.test(key)) {
    const why =
      'Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).';
    throw badValue(path(), key, why);
  }
  // Before it is looked at as a path: that takes the square of its length.
  if (key.length > longestNormalised) checkLength(what ?? path(), key, limit);
  if (!isNormal(key)) throw badValue(path(), key, resolvesTo(key));
  checkLength(what ?? path(), key, limit);
  if (limit !== limits.key) return;
  if (goodKeys.size >= mostGoodKeys) goodKeys.clear();
  goodKeys.add(key);
}

function isNormal(key: string): boolean {
  if (key === '.' || key.startsWith('..') || key.startsWith('/') || key.endsWith('/')) return false;
  return posix.normalize(key) === key;
}

function resolvesTo(name: string): string {
  const normal = posix.normalize(name).replace(/(?<=.)\/$/, '');
  return `Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '${normal}'`;
}

/** The text for a required parameter that is absent or empty. */
export function missing(parameter: string): MlopsError {
  return invalid(
    `Missing value for required parameter '${parameter}'. See the API docs for more information about request parameters.`,
  );
}

export function checkRunId(id: string): void {
  if (!/^[a-zA-Z0-9][\w-]{0,255}$/.test(id))
    throw invalid(`Invalid value ${JSON.stringify(id)} for parameter 'run_id' supplied.`);
}

export function checkModelName(name: string): void {
  if (name.trim() === '') throw invalid(`Missing value for required parameter 'name'.`);
  if (/[/:]/.test(name)) throw invalid(`Invalid model name '${name}'. Names cannot contain '/' or ':'.`);
  if (!isNormal(name)) throw badValue('name', name, resolvesTo(name));
  checkLength('name', name, limits.modelName);
}

/** What an alias may look like, also of one that is only asked for. */
export function checkAliasForm(alias: string): void {
  if (alias === '') throw missing('alias');
  if (!/^[\p{L}\p{N}\p{M}_-]+$/u.test(alias)) {
    throw invalid(
      `Invalid alias name: '${alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-).`,
    );
  }
  checkLength('Registered model alias name', alias, limits.alias);
}

export function checkAlias(alias: string): void {
  checkAliasForm(alias);
  if (alias.toLowerCase() === 'latest') throw invalid(`'latest' alias name (case insensitive) is reserved.`);
  if (/^v\d+$/i.test(alias)) throw invalid(`Version alias name '${alias}' is reserved.`);
}

export function checkLoggedModelName(name: string): void {
  if (/[/:.%"']/.test(name)) {
    throw invalid(
      `Invalid model name ('${name}') provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '"', "'")`,
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
