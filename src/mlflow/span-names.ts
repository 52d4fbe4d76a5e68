import { claudeCode, claudeSpan, conventions, first, holds, unredacted, type Convention } from './span-conventions.ts';
import { attribute, readAttributes, type SpanAttribute, type SpanAttributes } from './span-values.ts';

/** An event of a span, as OTLP has it. */
export interface SpanEvent {
  readonly name: string;
  readonly attributes: SpanAttributes;
}

/**
 * What MLflow adds to a span that was named by another convention: its type, inputs and outputs, token counts, model,
 * tools and how its messages are shown. Prices are not known here, so there is no cost.
 */
export function withMlflowNames(attributes: SpanAttributes, events: readonly SpanEvent[]): Map<string, SpanAttribute> {
  const all = new Map(attributes);
  const add = (key: string, find: () => SpanAttribute | undefined): void => {
    const found = all.has(key) ? undefined : find();
    if (found !== undefined) all.set(key, found);
  };
  const type = firstOf((one) => typeBy(one, all));
  const known = all.get('mlflow.spanType')?.value;
  if (type !== undefined && (known === undefined || known === null || known === 'UNKNOWN')) {
    all.set('mlflow.spanType', attribute(type));
  }
  add('mlflow.spanInputs', () => firstOf((one) => one.inputs?.(attributes)) ?? inputsOfEvents(events));
  add('mlflow.spanOutputs', () => firstOf((one) => one.outputs?.(attributes)) ?? outputsOfEvents(attributes, events));
  add('mlflow.chat.tokenUsage', () => firstOf((one) => usageBy(one, attributes)));
  add('mlflow.message.format', () => asAttribute(firstOf((one) => one.format?.(attributes))));
  add('mlflow.chat.tools', () => firstOf((one) => first(...(one.tools ?? []))(attributes)));
  add('mlflow.llm.model', () => {
    const named = firstOf((one) => first(...(one.model ?? []))(attributes));
    return named ?? asAttribute(modelIn(all.get('mlflow.spanInputs')) ?? modelIn(all.get('mlflow.spanOutputs')));
  });
  add('mlflow.llm.provider', () => firstOf((one) => first(...(one.provider ?? []))(attributes)));
  return all;
}

function firstOf<Found>(ask: (convention: Convention) => Found | undefined): Found | undefined {
  for (const convention of conventions) {
    const found = ask(convention);
    if (found !== undefined) return found;
  }
  return undefined;
}

function asAttribute(value: string | undefined): SpanAttribute | undefined {
  return value === undefined ? undefined : attribute(value);
}

function typeBy({ kind, typeOf }: Convention, attributes: SpanAttributes): string | undefined {
  if (kind === undefined) return typeOf?.(attributes);
  const [key, types] = kind;
  const value = attributes.get(key)?.value;
  return typeof value === 'string' && Object.hasOwn(types, value) ? types[value] : undefined;
}

function usageBy(convention: Convention, attributes: SpanAttributes): SpanAttribute | undefined {
  if (convention.counts?.(attributes) === false) return undefined;
  const count = (keys: readonly string[] = []): number | undefined => {
    const key = keys.find((one) => attributes.has(one));
    return key === undefined ? undefined : wholeNumber(attributes.get(key)?.value);
  };
  const read = count(convention.cacheRead);
  const written = count(convention.cacheWrite);
  let input = count(convention.inputTokens);
  // Claude counts what the cache had apart.
  if (convention === claudeCode && input !== undefined) input += (read ?? 0) + (written ?? 0);
  const output = count(convention.outputTokens);
  const total =
    count(convention.totalTokens) ?? (input === undefined || output === undefined ? undefined : input + output);
  if (input === undefined && output === undefined && total === undefined) return undefined;
  const usage = {
    input_tokens: input,
    output_tokens: output,
    total_tokens: total,
    cache_read_input_tokens: read,
    cache_creation_input_tokens: written,
  };
  return attribute(Object.fromEntries(Object.entries(usage).filter(([, number]) => number !== undefined)));
}

function wholeNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\s*-?\d+\s*$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) ? (number as number) : undefined;
}

function modelIn(found: SpanAttribute | undefined): string | undefined {
  const model = (found?.value as { model?: unknown } | null | undefined)?.model;
  return typeof model === 'string' && model !== '' ? model : undefined;
}

/** Spring AI has one event with the prompt; the GenAI convention has one for each message. */
function inputsOfEvents(events: readonly SpanEvent[]): SpanAttribute | undefined {
  return (
    contentOf(events, 'gen_ai.content.prompt', 'gen_ai.prompt') ??
    messagesOf(events, {
      'gen_ai.system.message': 'system',
      'gen_ai.user.message': 'user',
      'gen_ai.assistant.message': 'assistant',
    })
  );
}

function outputsOfEvents(attributes: SpanAttributes, events: readonly SpanEvent[]): SpanAttribute | undefined {
  const said =
    contentOf(events, 'gen_ai.content.completion', 'gen_ai.completion') ??
    messagesOf(events, { 'gen_ai.choice': 'assistant' });
  if (said !== undefined || claudeSpan(attributes) !== 'tool') return said;
  const output = events.find(({ name }) => name === 'tool.output');
  return output === undefined ? undefined : unredacted('output', 'content', 'diff')(output.attributes);
}

function contentOf(events: readonly SpanEvent[], event: string, key: string): SpanAttribute | undefined {
  for (const { name, attributes } of events) {
    const found = name === event ? attributes.get(key) : undefined;
    // The text itself is what is kept and shown.
    if (found !== undefined && holds(found.value)) {
      return typeof found.value === 'string' ? { value: found.value, text: found.value } : found;
    }
  }
  return undefined;
}

function messagesOf(events: readonly SpanEvent[], roles: Readonly<Record<string, string>>): SpanAttribute | undefined {
  const messages = events.flatMap(({ name, attributes }) => {
    const content = attributes.get('content')?.value;
    if (roles[name] === undefined || !holds(content)) return [];
    const role = name === 'gen_ai.choice' ? (attributes.get('role')?.value ?? roles[name]) : roles[name];
    return [{ role, content }];
  });
  return messages.length === 0 ? undefined : attribute(messages);
}

export function readEvents(list: unknown): readonly SpanEvent[] {
  if (!Array.isArray(list)) return [];
  return (list as readonly Readonly<Record<string, unknown>>[]).map((event) => ({
    name: String(event['name'] ?? ''),
    attributes: readAttributes(event['attributes']),
  }));
}
