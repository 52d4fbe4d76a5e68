import type { Tag } from './entities.ts';
import type { ReceivedSpan, SpanJson } from './otlp.ts';
import { holds } from './span-conventions.ts';
import { parsedJson, pythonText, readAttributes, type SpanAttributes } from './span-values.ts';
import type { TraceState } from './traces.ts';

/** Token counts of a span, and where it is in its trace. */
export interface SpanUsage {
  readonly id: string;
  readonly parent: string | undefined;
  readonly usage: Readonly<Record<string, number>> | undefined;
}

/** What the spans of a trace that came together say of the trace. Times are milliseconds. */
export interface TraceFacts {
  readonly start: number;
  readonly end: number;
  /** Known once the root is there. */
  readonly state: TraceState | undefined;
  readonly requestPreview: string | undefined;
  readonly responsePreview: string | undefined;
  readonly session: string | undefined;
  readonly user: string | undefined;
  readonly tags: readonly Tag[];
  readonly usages: readonly SpanUsage[];
}

/** As MLflow 3.17 derives them (`SqlAlchemyStore.log_spans`). */
export function factsOf(spans: readonly ReceivedSpan[]): TraceFacts {
  const root = spans.findLast((span) => span.parentId === undefined);
  const text = (...keys: readonly string[]): string | undefined => {
    for (const { attributes } of spans) {
      const found = keys.map((key) => attributes.get(key)?.value).find(holds);
      if (found !== undefined) return typeof found === 'string' ? found : pythonText(found);
    }
    return undefined;
  };
  return {
    start: Math.floor(Math.min(...spans.map((span) => span.start))),
    end: Math.floor(Math.max(...spans.map((span) => span.end))),
    state: root === undefined ? undefined : root.failed ? 'ERROR' : 'OK',
    requestPreview: preview(root?.attributes, 'mlflow.spanInputs', 'user'),
    responsePreview: preview(root?.attributes, 'mlflow.spanOutputs', 'assistant'),
    session: text('session.id', 'gen_ai.conversation.id'),
    user: text('user.id'),
    tags: [...(spans.find(({ resource }) => resource.length > 0)?.resource ?? []), ...tagsOf(root?.attributes)],
    usages: spans.map(({ spanId, parentId, attributes }) => ({
      id: spanId,
      parent: parentId,
      usage: usageIn(attributes),
    })),
  };
}

/** Tags that MLflow's exporter sends as attributes of the root. */
function tagsOf(attributes: SpanAttributes = new Map()): Tag[] {
  const prefix = 'mlflow.traceTag.';
  return [...attributes]
    .filter(([key]) => key.startsWith(prefix) && key.length > prefix.length)
    .map(([key, { value, text }]) => ({
      key: key.slice(prefix.length),
      value: typeof value === 'string' ? value : text,
    }));
}

function usageIn(attributes: SpanAttributes): SpanUsage['usage'] {
  const value = parsedJson(attributes.get('mlflow.chat.tokenUsage')?.value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, number] => Number.isFinite(entry[1])),
  );
}

/** The same of a span that came before. */
export function usageOfStored(id: string, span: SpanJson): SpanUsage {
  const parent = Buffer.from(String(span['parent_span_id'] ?? ''), 'base64').toString('hex');
  return { id, parent: parent === '' ? undefined : parent, usage: usageIn(readAttributes(span['attributes'])) };
}

const counts = ['input_tokens', 'output_tokens', 'total_tokens'];
const cacheCounts = ['cache_read_input_tokens', 'cache_creation_input_tokens'];

/**
 * The token counts of a whole trace, as the text of its metadata. A span that has counts stands for all below it:
 * some libraries write the sum at the parent.
 *
 * @returns undefined when no span has any.
 */
export function totalUsage(spans: readonly SpanUsage[]): string | undefined {
  const byId = new Map(spans.map((span) => [span.id, span]));
  const counted = [...byId.values()].filter((span) => {
    if (span.usage === undefined) return false;
    const seen = new Set([span.id]);
    for (let above = parentOf(span, byId); above !== undefined && !seen.has(above.id); above = parentOf(above, byId)) {
      if (above.usage !== undefined) return false;
      seen.add(above.id);
    }
    return true;
  });
  if (counted.length === 0) return undefined;
  const total: Record<string, number> = Object.fromEntries(counts.map((key) => [key, 0]));
  for (const { usage = {} } of counted) {
    for (const key of [...counts, ...cacheCounts]) {
      if (usage[key] !== undefined) total[key] = (total[key] ?? 0) + usage[key];
    }
  }
  return pythonText(total);
}

function parentOf({ parent }: SpanUsage, byId: ReadonlyMap<string, SpanUsage>): SpanUsage | undefined {
  return parent === undefined ? undefined : byId.get(parent);
}

/** MLflow's bound for previews of its own store. */
const longestPreview = 1000;

function preview(attributes: SpanAttributes | undefined, key: string, role: string): string | undefined {
  const found = attributes?.get(key);
  if (found === undefined || found.text === '') return undefined;
  const text = lastMessage(found.value, role) || found.text;
  return text.length <= longestPreview ? text : `${text.slice(0, longestPreview - 3)}...`;
}

type Message = Readonly<Record<string, unknown>>;

/** The text of the last message of a role, in what chat models are asked and answer; '' where there is none. */
function lastMessage(value: unknown, role: string): string {
  const messages = messagesIn(value, 0);
  const message = messages.findLast((one) => one['role'] === role) ?? messages.at(-1);
  const content = message?.['content'];
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  for (const part of content as readonly unknown[]) {
    if (typeof part === 'string') return part;
    const { type, text } = (part ?? {}) as Message;
    if ((type === 'text' || type === 'output_text') && typeof text === 'string') return text;
  }
  return '';
}

function messagesIn(value: unknown, depth: number): readonly Message[] {
  if (!isRecord(value) || depth > 8) return [];
  const { messages, choices, input, output, request } = value;
  if (Array.isArray(messages) && messages.length > 0) return messages.filter(isMessage);
  if (Array.isArray(choices) && isRecord(choices[0]) && isMessage(choices[0]['message']))
    return [choices[0]['message']];
  for (const list of [input, output]) if (Array.isArray(list) && list.length > 0) return list.filter(isMessage);
  return request === undefined ? [] : messagesIn(request, depth + 1);
}

function isMessage(value: unknown): value is Message {
  return isRecord(value) && 'role' in value && 'content' in value;
}

function isRecord(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
