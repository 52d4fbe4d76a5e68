import { randomUUID } from 'node:crypto';

import type { Database } from '../base/index.ts';
import { int64Text, readSpan, spanText, type Json, type SpanJson, type Tag, type TraceInfo } from '../mlflow/index.ts';
import { promotedMetadata } from './database-traces.ts';
import type { SourceTrace } from './source.ts';

/** A database of MLflow that is being filled. */
export interface Fill {
  readonly db: Database;
  readonly columns: ReadonlyMap<string, ReadonlySet<string>>;
  readonly report: { traces: number; readonly problems: string[] };
}

export type Values = Readonly<Record<string, string | number | bigint | null | undefined>>;

/** A whole number as MLflow's columns keep it: 2^63 as a double would be read as no whole number. */
export function int64(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(int64Text(Math.trunc(value)));
}

/** Inserts what the table has columns for; false when there is no such table. */
export function insert({ db, columns }: Fill, table: string, values: Values): boolean {
  const known = columns.get(table);
  if (known === undefined) return false;
  const given = Object.entries(values).filter(([name, value]) => known.has(name) && value !== undefined);
  const names = given.map(([name]) => name);
  db.prepare(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`).run(
    ...given.map(([, value]) => value),
  );
  return true;
}

/** A trace with its spans, assessments and links, as far as this release of MLflow has tables for them. */
export function fillTrace(fill: Fill, { info, spans = [], runs = [] }: SourceTrace): void {
  const promoted = fill.columns.get('trace_info')?.has('session_id') === true;
  const there = insert(fill, 'trace_info', {
    request_id: info.id,
    experiment_id: BigInt(info.experimentId),
    timestamp_ms: int64(info.requestTime),
    execution_time_ms: int64(info.duration),
    status: info.state === 'STATE_UNSPECIFIED' ? 'IN_PROGRESS' : info.state,
    client_request_id: info.clientRequestId,
    request_preview: info.requestPreview,
    response_preview: info.responsePreview,
    trace_name: info.tags.find(({ key }) => key === 'mlflow.traceName')?.value,
    session_id: info.metadata.find(({ key }) => key === 'mlflow.trace.session')?.value,
    ...numbersOf(info),
  });
  if (!there) {
    fill.report.problems.push(`trace ${info.id} stays behind: this release of MLflow has none`);
    return;
  }
  const written = fillSpans(fill, info, spans);
  if (spans.length > 0 && !written) {
    fill.report.problems.push(
      `${spans.length} spans of trace ${info.id} stay behind: this release has no rows for them`,
    );
  }
  // Spans that are no rows are read from a file, which the clients of then write beside them.
  const tags = info.tags.filter(({ key }) => key !== 'mlflow.trace.spansLocation');
  if (written) tags.push({ key: 'mlflow.trace.spansLocation', value: 'TRACKING_STORE' });
  const pairs = (table: string, items: readonly Tag[]): void => {
    for (const pair of items) insert(fill, table, { ...pair, request_id: info.id });
  };
  const inColumns = new Set(promoted ? ['mlflow.trace.session', ...Object.keys(promotedMetadata)] : []);
  pairs('trace_tags', tags);
  pairs(
    'trace_request_metadata',
    info.metadata.filter(({ key }) => !inColumns.has(key)),
  );
  const kept = info.assessments.filter((assessment) => fillAssessment(fill, info, assessment));
  const left = info.assessments.length - kept.length;
  if (left > 0) fill.report.problems.push(`${left} assessments of trace ${info.id} stay behind`);
  for (const run of runs) {
    const linked = insert(fill, 'entity_associations', {
      association_id: randomUUID().replaceAll('-', ''),
      source_type: 'trace',
      source_id: info.id,
      destination_type: 'run',
      destination_id: run,
      created_time: BigInt(Date.now()),
    });
    if (!linked) fill.report.problems.push(`the link of trace ${info.id} to run ${run} stays behind`);
  }
  fill.report.traces++;
}

/** Token counts and costs, which are columns since 3.15. */
function numbersOf({ metadata }: TraceInfo): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [key, columns] of Object.entries(promotedMetadata)) {
    const text = metadata.find((pair) => pair.key === key)?.value;
    let values: unknown;
    try {
      values = JSON.parse(text ?? '{}');
    } catch {
      continue;
    }
    for (const column of columns) {
      const value = (values as Readonly<Record<string, unknown>> | null)?.[column];
      if (typeof value === 'number' && Number.isFinite(value)) found[column] = value;
    }
  }
  return found;
}

/** @returns whether there is a table for them, and any to keep. */
function fillSpans(fill: Fill, info: TraceInfo, spans: readonly SpanJson[]): boolean {
  let written = false;
  for (const json of spans) {
    const { spanId, parentId, name, attributes } = readSpan(json);
    const code = /"status":\{"code":"STATUS_CODE_(\w+)"/.exec(spanText(json))?.[1] ?? 'UNSET';
    const type = attributes.get('mlflow.spanType')?.value;
    written = insert(fill, 'spans', {
      trace_id: info.id,
      experiment_id: BigInt(info.experimentId),
      span_id: spanId,
      parent_span_id: parentId,
      name,
      type: typeof type === 'string' ? type : undefined,
      status: code,
      start_time_unix_nano: nanoseconds(json['start_time_unix_nano']) ?? 0n,
      end_time_unix_nano: nanoseconds(json['end_time_unix_nano']),
      content: spanText(json),
    });
  }
  return written;
}

function nanoseconds(value: unknown): bigint | undefined {
  return /^\d{1,19}$/.test(String(value)) ? BigInt(String(value)) : undefined;
}

function fillAssessment(fill: Fill, info: TraceInfo, assessment: Json): boolean {
  const part = (name: string): Json | undefined => assessment[name] as Json | undefined;
  const expectation = part('expectation');
  const content = part('feedback') ?? expectation;
  if (content === undefined) return false;
  const serialized = (content['serialized_value'] as Json | undefined)?.['value'];
  const source = part('source');
  const metadata = assessment['metadata'];
  return insert(fill, 'assessments', {
    assessment_id: textOf(assessment['assessment_id']),
    trace_id: info.id,
    name: textOf(assessment['assessment_name']),
    assessment_type: expectation === undefined ? 'feedback' : 'expectation',
    value: typeof serialized === 'string' ? serialized : JSON.stringify(content['value'] ?? null),
    error: content['error'] === undefined ? undefined : JSON.stringify(content['error']),
    created_timestamp: time(assessment['create_time']),
    last_updated_timestamp: time(assessment['last_update_time']),
    source_type: textOf(source?.['source_type'] ?? 'CODE'),
    source_id: source?.['source_id'] === undefined ? undefined : textOf(source['source_id']),
    span_id: assessment['span_id'] === undefined ? undefined : textOf(assessment['span_id']),
    rationale: assessment['rationale'] === undefined ? undefined : textOf(assessment['rationale']),
    overrides: assessment['overrides'] === undefined ? undefined : textOf(assessment['overrides']),
    valid: assessment['valid'] === false ? 0 : 1,
    assessment_metadata: metadata === undefined ? undefined : JSON.stringify(metadata),
    experiment_id: BigInt(info.experimentId),
    trace_timestamp_ms: int64(info.requestTime),
  });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '');
}

function time(value: unknown): bigint {
  const parsed = typeof value === 'string' ? Date.parse(value) : NaN;
  return BigInt(Number.isNaN(parsed) ? Date.now() : parsed);
}
