import type { Tag } from './entities.ts';
import type { SpanJson } from './otlp.ts';
import type { SearchRules } from './search-grammar.ts';
import type { Fields } from './wire-fields.ts';
import type { Json } from './wire-tracking.ts';

export const traceStates = ['STATE_UNSPECIFIED', 'OK', 'ERROR', 'IN_PROGRESS'] as const;
export type TraceState = (typeof traceStates)[number];

/** What is known of one traced call besides its spans. Times are milliseconds. */
export interface TraceInfo {
  /** `tr-` and 32 hexadecimal digits. */
  readonly id: string;
  readonly experimentId: string;
  readonly requestTime: number;
  readonly duration: number | undefined;
  readonly state: TraceState;
  readonly clientRequestId: string | undefined;
  readonly requestPreview: string | undefined;
  readonly responsePreview: string | undefined;
  readonly metadata: readonly Tag[];
  readonly tags: readonly Tag[];
  /** Feedback and expectations, as clients wrote them. */
  readonly assessments: readonly Json[];
}

export interface Trace {
  readonly info: TraceInfo;
  readonly spans: readonly SpanJson[];
}

export const traceRules: SearchRules = {
  traces: true,
  namespaces: {
    attribute: 'attribute',
    attributes: 'attribute',
    attr: 'attribute',
    trace: 'attribute',
    tag: 'tag',
    tags: 'tag',
    metadata: 'param',
    request_metadata: 'param',
    span: 'span',
    feedback: 'feedback',
    expectation: 'expectation',
  },
  attributes: {
    request_id: 'id',
    experiment_id: 'id',
    timestamp_ms: 'number',
    execution_time_ms: 'number',
    end_time_ms: 'number',
    status: 'id',
    client_request_id: 'text',
    name: 'id',
    run_id: 'id',
    text: 'text',
    prompt: 'text',
  },
  orderEntities: ['tag', 'param'],
  aliases: {
    trace_id: 'request_id',
    timestamp: 'timestamp_ms',
    request_time: 'timestamp_ms',
    execution_time: 'execution_time_ms',
    execution_duration: 'execution_time_ms',
    end_time: 'end_time_ms',
    state: 'status',
  },
};

/** From the year 1 to 9999, which is what protobuf's JSON form of a time can say; what lies beyond is cut. */
function isoTime(milliseconds: number): string {
  const text = new Date(Math.min(Math.max(milliseconds, -62_135_596_800_000), 253_402_300_799_999)).toISOString();
  return text.replace('.000Z', 'Z');
}

export function traceInfoToJson(trace: TraceInfo): Json {
  return {
    trace_id: trace.id,
    client_request_id: trace.clientRequestId,
    trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: trace.experimentId } },
    request_preview: trace.requestPreview,
    response_preview: trace.responsePreview,
    request_time: isoTime(trace.requestTime),
    execution_duration: trace.duration === undefined ? undefined : seconds(trace.duration),
    state: trace.state,
    trace_metadata: mapToJson(trace.metadata),
    assessments: trace.assessments.length === 0 ? undefined : trace.assessments,
    tags: mapToJson(trace.tags),
  };
}

export function traceToJson({ info, spans }: Trace): Json {
  return { trace_info: traceInfoToJson(info), spans: spans.length === 0 ? undefined : spans };
}

export function readTraceInfo(fields: Fields): TraceInfo {
  const time = fields.text('request_time');
  const requestTime = time === undefined ? Date.now() : Date.parse(time);
  if (Number.isNaN(requestTime)) throw fields.missing('request_time');
  const seconds = /^(-?[\d.]+)s$/.exec(fields.text('execution_duration') ?? '')?.[1];
  return {
    id: fields.need('trace_id'),
    experimentId: fields.message('trace_location').message('mlflow_experiment').need('experiment_id'),
    requestTime,
    duration: seconds === undefined ? undefined : Math.round(Number(seconds) * 1000),
    state: fields.choice('state', traceStates, 0) ?? 'STATE_UNSPECIFIED',
    clientRequestId: fields.text('client_request_id'),
    requestPreview: fields.text('request_preview'),
    responsePreview: fields.text('response_preview'),
    metadata: readMap(fields, 'trace_metadata'),
    tags: readMap(fields, 'tags'),
    assessments: [],
  };
}

function readMap(fields: Fields, name: string): readonly Tag[] {
  const value = fields.raw(name) ?? {};
  return Object.entries(value).map(([key, text]) => ({ key, value: String(text) }));
}

function mapToJson(pairs: readonly Tag[]): Json | undefined {
  if (pairs.length === 0) return undefined;
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
}

/** Protobuf writes fractions of a second with three digits. */
function seconds(milliseconds: number): string {
  return `${milliseconds % 1000 === 0 ? milliseconds / 1000 : (milliseconds / 1000).toFixed(3)}s`;
}
