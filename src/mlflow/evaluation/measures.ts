import type { SpanJson } from '../otlp.ts';
import { parsedJson, readAttributes } from '../span-values.ts';
import type { Json } from '../wire-tracking.ts';

type Names = Readonly<Record<string, string | undefined>>;

/** What a span is grouped by, and its value of a metric; undefined where it has none. */
export function spanMeasures(
  span: SpanJson,
  metric: string,
): { readonly named: Names; readonly value: number | undefined } {
  const attributes = readAttributes(span['attributes']);
  const text = (key: string): string | undefined => {
    const value = parsedJson(attributes.get(key)?.value);
    return typeof value === 'string' ? value : undefined;
  };
  const named = {
    span_name: String(span['name'] ?? ''),
    span_type: text('mlflow.spanType'),
    span_status: statusOf(span['status']),
    span_model_name: text('mlflow.llm.model'),
    span_model_provider: text('mlflow.llm.provider'),
  };
  return { named, value: spanValue(span, metric, attributes.get('mlflow.llm.cost')?.value) };
}

function spanValue(span: SpanJson, metric: string, cost: unknown): number | undefined {
  if (metric === 'span_count') return 1;
  if (metric !== 'latency') {
    const costs = parsedJson(cost);
    const value = typeof costs === 'object' && costs !== null ? (costs as Json)[metric] : undefined;
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
  }
  const [start, end] = [nanoseconds(span['start_time_unix_nano']), nanoseconds(span['end_time_unix_nano'])];
  return start === undefined || end === undefined ? undefined : Number((end - start) / 1_000_000n);
}

function nanoseconds(value: unknown): bigint | undefined {
  return /^\d{1,20}$/.test(String(value)) ? BigInt(String(value)) : undefined;
}

function statusOf(status: unknown): string {
  const code = (status as Json | undefined)?.['code'];
  if (code === 1 || code === 'STATUS_CODE_OK') return 'OK';
  return code === 2 || code === 'STATUS_CODE_ERROR' ? 'ERROR' : 'UNSET';
}

/** What an assessment is grouped by, and its value of a metric. One that was overridden is not valid. */
export function assessmentMeasures(
  assessment: Json,
  metric: string,
): { readonly valid: boolean; readonly type: string; readonly named: Names; readonly value: number | undefined } {
  const type = ['feedback', 'expectation', 'issue'].find((one) => assessment[one] !== undefined) ?? 'feedback';
  const said = (assessment[type] ?? {}) as Json;
  const value = said['value'] ?? parsedJson((said['serialized_value'] as Json | undefined)?.['value']);
  return {
    valid: assessment['valid'] !== false,
    type,
    named: { assessment_name: String(assessment['assessment_name']), assessment_value: shown(value) },
    value: metric === 'assessment_count' ? 1 : numberOf(value),
  };
}

/** As Python writes the JSON of a value that came through protobuf, where all numbers are doubles. */
function shown(value: unknown): string {
  const text = JSON.stringify(value ?? null);
  return typeof value === 'number' && Number.isInteger(value) ? `${text}.0` : text;
}

/** As MLflow counts: yes is 1, and true. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  const word = typeof value === 'string' ? value.trim().toLowerCase() : '';
  return word === 'yes' ? 1 : word === 'no' ? 0 : undefined;
}
