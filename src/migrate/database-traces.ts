import { readSpanText, traceStates, type Json, type SpanJson, type Tag, type TraceState } from '../mlflow/index.ts';
import { number, pairs, text, type Query, type Row } from './database-rows.ts';
import type { SourceTrace } from './source.ts';

/** The traces in MLflow's tables: 2.14 and later; spans became rows in 3.5, what they sum up to columns in 3.15. */
export async function* tracesOf(experimentId: string, query: Query): AsyncIterable<SourceTrace> {
  for (const row of query('trace_info', 'WHERE experiment_id = ? ORDER BY timestamp_ms', experimentId)) {
    const id = text(row, 'request_id');
    const duration = row['execution_time_ms'];
    const spans = query('spans', 'WHERE trace_id = ? ORDER BY start_time_unix_nano', id);
    const links = query(
      'entity_associations',
      `WHERE source_type = 'trace' AND source_id = ? AND destination_type = 'run'`,
      id,
    );
    const info = {
      id,
      experimentId,
      requestTime: number(row, 'timestamp_ms'),
      duration: duration === null || duration === undefined ? undefined : Number(duration),
      state: stateOf(text(row, 'status')),
      clientRequestId: text(row, 'client_request_id') || undefined,
      requestPreview: text(row, 'request_preview') || undefined,
      responsePreview: text(row, 'response_preview') || undefined,
      metadata: [...pairs(query('trace_request_metadata', 'WHERE request_id = ?', id)), ...metadataOf(row)],
      tags: [...pairs(query('trace_tags', 'WHERE request_id = ?', id)), ...named(row)],
      assessments: query('assessments', 'WHERE trace_id = ? ORDER BY created_timestamp', id).map(toAssessment),
    };
    yield {
      info,
      spans: spans.flatMap((span): SpanJson[] => {
        const read = readSpanText(text(span, 'content'));
        return read === undefined ? [] : [read];
      }),
      runs: links.map((link) => text(link, 'destination_id')),
    };
  }
}

function named(row: Row): Tag[] {
  const name = text(row, 'trace_name');
  return name === '' ? [] : [{ key: 'mlflow.traceName', value: name }];
}

/** What MLflow keeps in columns and shows as metadata. */
export const promotedMetadata: Readonly<Record<string, readonly string[]>> = {
  'mlflow.trace.tokenUsage': [
    ...['input_tokens', 'output_tokens', 'total_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'],
    'cache_creation_input_tokens_above_1hr',
  ],
  'mlflow.trace.cost': ['input_cost', 'output_cost', 'total_cost'],
};

function metadataOf(row: Row): Tag[] {
  const session = text(row, 'session_id');
  const found = session === '' ? [] : [{ key: 'mlflow.trace.session', value: session }];
  for (const [key, columns] of Object.entries(promotedMetadata)) {
    const given = columns.filter((column) => row[column] !== null && row[column] !== undefined);
    if (given.length === 0) continue;
    found.push({ key, value: `{${given.map((column) => `"${column}": ${String(row[column])}`).join(', ')}}` });
  }
  return found;
}

function stateOf(status: string): TraceState {
  return traceStates.find((state) => state === status) ?? 'STATE_UNSPECIFIED';
}

/** A row of `assessments` in the form in which clients write and read them. */
function toAssessment(row: Row): Json {
  const value: unknown = JSON.parse(text(row, 'value') || 'null');
  const error = text(row, 'error');
  const metadata = text(row, 'assessment_metadata');
  const content =
    text(row, 'assessment_type') === 'expectation'
      ? { expectation: { value } }
      : { feedback: { value, ...(error === '' ? {} : { error: JSON.parse(error) as unknown }) } };
  return {
    assessment_id: text(row, 'assessment_id'),
    assessment_name: text(row, 'name'),
    trace_id: text(row, 'trace_id'),
    span_id: text(row, 'span_id') || undefined,
    source: { source_type: text(row, 'source_type'), source_id: text(row, 'source_id') || undefined },
    create_time: new Date(number(row, 'created_timestamp')).toISOString(),
    last_update_time: new Date(number(row, 'last_updated_timestamp')).toISOString(),
    ...content,
    rationale: text(row, 'rationale') || undefined,
    metadata: metadata === '' ? undefined : (JSON.parse(metadata) as unknown),
    overrides: text(row, 'overrides') || undefined,
    valid: number(row, 'valid') !== 0,
  };
}
