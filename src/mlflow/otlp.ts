import { fields, MlopsError, ProtobufError, unsignedOf, wire } from '../base/index.ts';
import type { Tag } from './entities.ts';
import { readEvents, withMlflowNames } from './span-names.ts';
import { attribute, readAttributes, writeAttributes, type SpanAttributes } from './span-values.ts';

/** One span in protobuf's JSON form: bytes in base64, 64-bit numbers as text. */
export type SpanJson = Readonly<Record<string, unknown>>;

export interface ReceivedSpan {
  /** Hexadecimal. */
  readonly traceId: string;
  readonly spanId: string;
  /** Absent on the root. */
  readonly parentId: string | undefined;
  readonly name: string;
  /** Milliseconds, with microseconds behind the point. */
  readonly start: number;
  readonly end: number;
  readonly failed: boolean;
  readonly json: SpanJson;
  /** With what MLflow adds to them; the same as in `json`. */
  readonly attributes: SpanAttributes;
  /** What the attributes of its resource say, as tags of its trace. */
  readonly resource: readonly Tag[];
}

type Kind = 'text' | 'bytes' | 'varint' | 'signed' | 'bool' | 'fixed64' | 'fixed32' | 'double';

/** A field of a message: its name and what it holds; a trailing `[]` means that it repeats. */
type SchemaField = readonly [name: string, kind: Kind | (() => Schema), repeated?: true];
type Schema = Readonly<Record<number, SchemaField>>;

// opentelemetry/proto/{trace,common}/v1, release 1.x; field numbers never change.
const anyValue: Schema = {
  1: ['string_value', 'text'],
  2: ['bool_value', 'bool'],
  3: ['int_value', 'signed'],
  4: ['double_value', 'double'],
  5: ['array_value', () => ({ 1: ['values', () => anyValue, true] })],
  6: ['kvlist_value', () => ({ 1: ['values', () => keyValue, true] })],
  7: ['bytes_value', 'bytes'],
};
const keyValue: Schema = { 1: ['key', 'text'], 2: ['value', () => anyValue] };
const event: Schema = {
  1: ['time_unix_nano', 'fixed64'],
  2: ['name', 'text'],
  3: ['attributes', () => keyValue, true],
  4: ['dropped_attributes_count', 'varint'],
};
const link: Schema = {
  1: ['trace_id', 'bytes'],
  2: ['span_id', 'bytes'],
  3: ['trace_state', 'text'],
  4: ['attributes', () => keyValue, true],
  5: ['dropped_attributes_count', 'varint'],
  6: ['flags', 'fixed32'],
};
const span: Schema = {
  1: ['trace_id', 'bytes'],
  2: ['span_id', 'bytes'],
  3: ['trace_state', 'text'],
  4: ['parent_span_id', 'bytes'],
  5: ['name', 'text'],
  6: ['kind', 'varint'],
  7: ['start_time_unix_nano', 'fixed64'],
  8: ['end_time_unix_nano', 'fixed64'],
  9: ['attributes', () => keyValue, true],
  10: ['dropped_attributes_count', 'varint'],
  11: ['events', () => event, true],
  12: ['dropped_events_count', 'varint'],
  13: ['links', () => link, true],
  14: ['dropped_links_count', 'varint'],
  15: ['status', () => ({ 2: ['message', 'text'], 3: ['code', 'varint'] })],
  16: ['flags', 'fixed32'],
};
const request: Schema = {
  1: [
    'resource_spans',
    () => ({
      1: ['resource', () => ({ 1: ['attributes', () => keyValue, true] })],
      2: ['scope_spans', () => ({ 2: ['spans', () => span, true] }), true],
    }),
    true,
  ],
};

const maxDepth = 32;

/**
 * The spans of an `ExportTraceServiceRequest` (OTLP/HTTP, protobuf).
 *
 * @throws MlopsError `bad_request` for bytes that are no such message, `cannot_convert` for spans without ids.
 */
export function readOtlp(bytes: Uint8Array): readonly ReceivedSpan[] {
  let root: Record<string, unknown>;
  try {
    root = decode(bytes, request, 0);
  } catch (error) {
    if (error instanceof ProtobufError) throw broken(error);
    throw error;
  }
  return spansOf(root, (json) => json);
}

/** The same request in OTLP's JSON form: names in camelCase, ids in hexadecimal. */
export function readOtlpJson(value: unknown): readonly ReceivedSpan[] {
  return spansOf(snake(value) as Record<string, unknown>, (json) => withIds(json, 'hex', 'base64'));
}

/** A request of spans in OTLP's JSON form. */
export function writeOtlpJson(spans: readonly ReceivedSpan[]): object {
  const groups = new Map<string, ReceivedSpan[]>();
  for (const one of spans) {
    const key = JSON.stringify(one.resource);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return {
    resourceSpans: [...groups.values()].map((group) => ({
      resource: {
        attributes: (group[0]?.resource ?? []).map(({ key, value }) => ({ key, value: { stringValue: value } })),
      },
      scopeSpans: [{ spans: group.map(({ json }) => camel(withIds(json, 'base64', 'hex'))) }],
    })),
  };
}

function spansOf(root: Record<string, unknown>, read: (json: Record<string, unknown>) => SpanJson): ReceivedSpan[] {
  const resources = listOf(root['resource_spans']);
  if (resources.length === 0) throw new MlopsError('bad_request', 'Invalid OpenTelemetry format - no spans found');
  const found: ReceivedSpan[] = [];
  for (const one of resources) {
    const resource = readAttributes((one['resource'] as SpanJson | undefined)?.['attributes']);
    for (const scope of listOf(one['scope_spans'])) {
      for (const json of listOf(scope['spans'])) found.push(received(read(json), resource));
    }
  }
  return found;
}

/** Programs whose name MLflow's pages show beside a trace. */
const knownServices = new Set(['claude-code', 'codex_cli_rs', 'codex_vscode', 'gemini-cli', 'qwen-code']);

/** The attributes of a resource as tags; the SDK's own and MLflow's names are not for clients to set. */
function resourceTags(resource: SpanAttributes): Tag[] {
  return [...resource]
    .filter(([key]) => !key.startsWith('telemetry.sdk.') && !key.startsWith('mlflow.'))
    .map(([key, { value, text }]) => ({ key, value: typeof value === 'string' ? value : text }));
}

/** A span that a store kept. */
export function readSpan(json: SpanJson): ReceivedSpan {
  return received(json, new Map());
}

function received(json: SpanJson, resource: SpanAttributes): ReceivedSpan {
  const text = (name: string): string => {
    const value = json[name] ?? '';
    if (typeof value === 'string' || typeof value === 'number') return String(value);
    throw broken();
  };
  const hex = (name: string): string => Buffer.from(text(name), 'base64').toString('hex');
  const millis = (name: string): number =>
    Number((/^\d{1,20}$/.test(text(name)) ? BigInt(text(name)) : 0n) / 1000n) / 1000;
  const parent = hex('parent_span_id');
  const traceId = hex('trace_id');
  const spanId = hex('span_id');
  if (!/^[0-9a-f]{32}$/.test(traceId) || !/^[0-9a-f]{16}$/.test(spanId)) {
    throw new MlopsError('unprocessable', 'Cannot convert OpenTelemetry span to MLflow span');
  }
  const attributes = withMlflowNames(readAttributes(json['attributes']), readEvents(json['events']));
  attributes.set('mlflow.traceRequestId', attribute(`tr-${traceId}`));
  const service = resource.get('service.name')?.value;
  if (parent === '' && typeof service === 'string' && knownServices.has(service)) {
    attributes.set('service.name', attribute(service));
  }
  return {
    traceId,
    spanId,
    parentId: parent === '' ? undefined : parent,
    name: text('name'),
    start: millis('start_time_unix_nano'),
    end: millis('end_time_unix_nano'),
    failed: [2, 'STATUS_CODE_ERROR'].includes((json['status'] as { code?: number } | undefined)?.code ?? 0),
    json: { ...json, attributes: writeAttributes(attributes) },
    attributes,
    resource: resourceTags(resource),
  };
}

function listOf(value: unknown): readonly Record<string, unknown>[] {
  return Array.isArray(value) ? (value as Record<string, unknown>[]) : [];
}

type IdForm = 'base64' | 'hex';

/** A span with its ids, and those of its links, in another form. */
function withIds(json: SpanJson, from: IdForm, to: IdForm): SpanJson {
  const converted: Record<string, unknown> = { ...json };
  for (const name of ['trace_id', 'span_id', 'parent_span_id']) {
    if (typeof json[name] === 'string') converted[name] = Buffer.from(json[name], from).toString(to);
  }
  if (Array.isArray(json['links'])) converted['links'] = listOf(json['links']).map((one) => withIds(one, from, to));
  return converted;
}

/** Names as protobuf's JSON form has them in answers of MLflow. */
function snake(value: unknown): unknown {
  return renamed(value, (name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

/** Names as OTLP has them. */
function camel(value: unknown): unknown {
  return renamed(value, (name) => name.replaceAll(/_[a-z]/g, (letter) => letter.slice(1).toUpperCase()));
}

function renamed(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((one) => renamed(one, rename));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [rename(name), renamed(inner, rename)]));
}

function decode(bytes: Uint8Array, schema: Schema, depth: number): Record<string, unknown> {
  if (depth > maxDepth) throw broken();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out: Record<string, unknown> = {};
  for (const one of fields(bytes)) {
    const field = schema[one.number];
    if (field === undefined) continue;
    let value: unknown;
    if (one.wireType === wire.varint) value = scalar(unsignedOf(bytes, one), field);
    else if (one.wireType === wire.bytes) value = delimited(bytes.subarray(one.start, one.end), field, depth);
    else value = fixed(view, one.start, one.end - one.start, field);
    if (value === undefined) continue;
    if (field[2] === true) ((out[field[0]] ??= []) as unknown[]).push(value);
    else out[field[0]] = value;
  }
  return out;
}

function scalar(value: bigint, field: SchemaField): unknown {
  if (field[1] === 'bool') return value !== 0n;
  if (field[1] === 'signed') return BigInt.asIntN(64, value).toString();
  return Number(value);
}

function fixed(view: DataView, at: number, width: number, field: SchemaField): unknown {
  if (width === 4) return view.getUint32(at, true);
  return field[1] === 'double' ? double(view.getFloat64(at, true)) : view.getBigUint64(at, true).toString();
}

function double(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function delimited(bytes: Uint8Array, field: SchemaField, depth: number): unknown {
  const [, kind] = field;
  if (typeof kind === 'function') return decode(bytes, kind(), depth + 1);
  if (kind === 'text') return Buffer.from(bytes).toString('utf8');
  return kind === 'bytes' ? Buffer.from(bytes).toString('base64') : undefined;
}

function broken(cause?: unknown): MlopsError {
  return new MlopsError('bad_request', 'Invalid OpenTelemetry format', { cause });
}
