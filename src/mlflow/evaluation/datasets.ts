import { createHash } from 'node:crypto';

import { invalid } from '../limits.ts';
import type { SearchRules } from '../search-grammar.ts';
import type { Json } from '../wire-tracking.ts';

/** A named set of records that models and agents are judged by. Times are milliseconds. */
export interface EvaluationDataset {
  /** `d-` and 32 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  /** JSON: the types of the fields that records have had. */
  readonly schema: string | undefined;
  /** JSON: how many records there are. */
  readonly profile: string | undefined;
  readonly digest: string;
  readonly createdTime: number;
  readonly lastUpdateTime: number;
  readonly createdBy: string | undefined;
  readonly lastUpdatedBy: string | undefined;
  /** Only of one that was just made. */
  readonly experimentIds?: readonly string[] | undefined;
}

type Map = Readonly<Record<string, unknown>>;

/** One record as a client sends it. */
export interface NewRecord {
  readonly inputs: Map;
  /** Absent is not the same as null, which takes outputs away. */
  readonly outputs?: unknown;
  readonly expectations?: Map | undefined;
  readonly tags?: Readonly<Record<string, unknown>> | undefined;
  readonly source?: { readonly source_type: string; readonly source_data: Map } | undefined;
}

export const evaluationDatasetRules: SearchRules = {
  terse: true,
  traces: true,
  namespaces: { tags: 'tag' },
  attributes: {
    name: 'id',
    created_time: 'number',
    last_update_time: 'number',
    created_by: 'text',
    last_updated_by: 'text',
  },
  orderable: ['name', 'created_time', 'last_update_time'],
};

export function evaluationDatasetToJson(dataset: EvaluationDataset): Json {
  return {
    dataset_id: dataset.id,
    name: dataset.name,
    tags: JSON.stringify(dataset.tags),
    schema: dataset.schema,
    profile: dataset.profile,
    digest: dataset.digest,
    created_time: dataset.createdTime,
    last_update_time: dataset.lastUpdateTime,
    created_by: dataset.createdBy,
    last_updated_by: dataset.lastUpdatedBy,
    experiment_ids: dataset.experimentIds?.length === 0 ? undefined : dataset.experimentIds,
  };
}

/** As MLflow derives it: each change gives another one. */
export function datasetDigest(name: string, time: number): string {
  return createHash('sha256').update(`${name}:${time}`).digest('hex').slice(0, 8);
}

const sourceTypes = ['UNSPECIFIED', 'TRACE', 'HUMAN', 'DOCUMENT', 'CODE'];

/** @throws MlopsError `invalid_value` for a text that is no list of records. */
export function readRecords(text: string): NewRecord[] {
  const list = parse(text, 'records');
  if (!Array.isArray(list)) throw invalid(`Invalid value for parameter 'records' supplied: a list is expected.`);
  return list.map((one, i) => readRecord(one, `records[${i}]`));
}

function readRecord(record: unknown, where: string): NewRecord {
  if (!isMap(record)) throw invalid(`Invalid value for parameter '${where}' supplied: an object is expected.`);
  const { inputs, expectations, tags, source } = record;
  for (const [name, value] of Object.entries({ inputs, expectations, tags, source })) {
    if (value === undefined || value === null || isMap(value)) continue;
    throw invalid(`Invalid value for parameter '${where}.${name}' supplied: an object is expected.`);
  }
  return {
    inputs: (inputs as Map | null | undefined) ?? {},
    ...(Object.hasOwn(record, 'outputs') ? { outputs: record['outputs'] } : {}),
    expectations: (expectations as Map | null | undefined) ?? undefined,
    tags: (tags as Map | null | undefined) ?? undefined,
    source: isMap(source) && Object.keys(source).length > 0 ? readSource(source) : undefined,
  };
}

function readSource(source: Map): NewRecord['source'] {
  const type = String(source['source_type'] ?? '').toUpperCase();
  if (!sourceTypes.includes(type)) {
    const valid = sourceTypes.map((one) => `'${one}'`).join(', ');
    throw invalid(`Invalid dataset record source type: ${type}. Valid source types: [${valid}]`);
  }
  return { source_type: type, source_data: isMap(source['source_data']) ? source['source_data'] : {} };
}

/** @throws MlopsError `invalid_value` for a text that is no JSON object. */
export function readTagMap(text: string): Readonly<Record<string, unknown>> {
  const tags = parse(text, 'tags');
  if (!isMap(tags)) throw invalid(`Invalid value for parameter 'tags' supplied: an object is expected.`);
  return tags;
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(`Invalid value for parameter '${name}' supplied: it is no JSON.`);
  }
}

function isMap(value: unknown): value is Map {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The same for the same inputs, whatever the order of their keys: a record is known by it. */
export function inputsHash(inputs: Map): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(inputs)))
    .digest('hex');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isMap(value)) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

interface FieldTypes {
  readonly inputs: Record<string, string>;
  outputs: Record<string, string> | string;
  readonly expectations: Record<string, string>;
  readonly version: string;
}

/** The schema with the fields that these records bring: of each field, the type that it had first. */
export function widenSchema(schema: string | undefined, records: readonly NewRecord[]): string | undefined {
  if (schema === undefined && records.length === 0) return undefined;
  const types: FieldTypes =
    schema === undefined
      ? { inputs: {}, outputs: {}, expectations: {}, version: '1.0' }
      : (JSON.parse(schema) as FieldTypes);
  for (const { inputs, outputs, expectations } of records) {
    widen(types.inputs, inputs);
    if (isMap(outputs) && typeof types.outputs === 'object') widen(types.outputs, outputs);
    else if (outputs !== undefined && outputs !== null && isEmpty(types.outputs)) types.outputs = typeOf(outputs);
    widen(types.expectations, expectations ?? {});
  }
  return JSON.stringify(types);
}

function isEmpty(value: Record<string, string> | string): boolean {
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function widen(types: Record<string, string>, values: Map): void {
  for (const [key, value] of Object.entries(values)) {
    if (!Object.hasOwn(types, key)) types[key] = typeOf(value);
  }
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'float';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}
