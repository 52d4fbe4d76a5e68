import { parsedJson, readAttributes, writeAttributes, attribute } from './span-values.ts';
import { readEvents } from './span-names.ts';
import { jsonText } from './wire-answer.ts';
import type { SpanJson } from './otlp.ts';

/** The file `traces.json` of spans that a store keeps, as MLflow's server makes it for those who ask for the file. */
export function spansFile(spans: readonly SpanJson[]): string {
  return `{"spans":[${spans.map(spanText).join(', ')}]}`;
}

/** One span as MLflow's database keeps it. */
export function spanText(span: SpanJson): string {
  const { code, message = '' } = (span['status'] ?? {}) as { code?: unknown; message?: string };
  const names: Readonly<Record<string, string>> = { 1: 'STATUS_CODE_OK', 2: 'STATUS_CODE_ERROR' };
  const status = typeof code === 'string' ? code : (names[String(code)] ?? 'STATUS_CODE_UNSET');
  const head = {
    trace_id: span['trace_id'],
    span_id: span['span_id'],
    parent_span_id: span['parent_span_id'] || null,
    name: span['name'],
  };
  const rest = {
    events: readEvents(span['events']).map(({ name, attributes }, i) => ({
      name,
      time_unix_nano: String((span['events'] as readonly SpanJson[])[i]?.['time_unix_nano'] ?? 0),
      attributes: Object.fromEntries([...attributes].map(([key, { value }]) => [key, plain(value)])),
    })),
    status: { code: status, message },
    attributes: Object.fromEntries([...readAttributes(span['attributes'])].map(([key, { text }]) => [key, text])),
    links: span['links'] ?? [],
  };
  // Nanoseconds have more digits than a number holds.
  const time = (name: string): string => /^\d+/.exec(String(span[name] ?? ''))?.[0] ?? 'null';
  const times = `"start_time_unix_nano":${time('start_time_unix_nano')},"end_time_unix_nano":${time('end_time_unix_nano')}`;
  return `${jsonText(head).slice(0, -1)},${times},${jsonText(rest).slice(1)}`;
}

function plain(value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

/** A span of MLflow's database or of a file `traces.json`; undefined for text that is none. */
export function readSpanText(text: string): SpanJson | undefined {
  const span = parsedJson(text);
  if (!isRecord(span)) return undefined;
  const { attributes, events, ...rest } = span;
  const pairs = (values: unknown): SpanJson[] => {
    const given = Object.entries(isRecord(values) ? values : {});
    return writeAttributes(new Map(given.map(([key, value]) => [key, attribute(parsedJson(value))])));
  };
  return {
    ...rest,
    ...exactTimes(text),
    attributes: pairs(attributes),
    events: (Array.isArray(events) ? (events as unknown[]) : []).filter(isRecord).map((event) => ({
      name: event['name'],
      time_unix_nano: String(event['time_unix_nano'] ?? event['timestamp'] ?? 0),
      attributes: pairs(event['attributes']),
    })),
  };
}

/** Nanoseconds have more digits than a number holds. */
function exactTimes(text: string): SpanJson {
  const names = ['start_time_unix_nano', 'end_time_unix_nano'];
  const found = names.flatMap((name) => {
    const at = text.indexOf(`"${name}":`);
    const digits =
      at === -1 ? undefined : /^\s*(\d+)/.exec(text.slice(at + name.length + 3, at + name.length + 40))?.[1];
    return digits === undefined ? [] : [[name, digits]];
  });
  return Object.fromEntries(found) as SpanJson;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
