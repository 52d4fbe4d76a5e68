import { attribute, parsedJson, type SpanAttribute, type SpanAttributes } from './span-values.ts';

/** Where one way of naming attributes has what MLflow asks of a span. MLflow 3.17, `tracing/otel/translation`. */
export interface Convention {
  /** The attribute that says what a span is, and what MLflow calls that. */
  readonly kind?: readonly [key: string, types: Readonly<Record<string, string>>];
  /** Instead of `kind`, where one attribute is not enough. */
  readonly typeOf?: (attributes: SpanAttributes) => string | undefined;
  readonly inputTokens?: readonly string[];
  readonly outputTokens?: readonly string[];
  readonly totalTokens?: readonly string[];
  readonly cacheRead?: readonly string[];
  readonly cacheWrite?: readonly string[];
  /** Whether the token counts of these attributes are meant. */
  readonly counts?: (attributes: SpanAttributes) => boolean;
  readonly inputs?: Finder;
  readonly outputs?: Finder;
  readonly model?: readonly string[];
  readonly provider?: readonly string[];
  readonly tools?: readonly string[];
  readonly format?: (attributes: SpanAttributes) => string | undefined;
}
type Finder = (attributes: SpanAttributes) => SpanAttribute | undefined;

/** The first of these attributes that holds something. */
export function first(...keys: readonly string[]): Finder {
  return (attributes) => {
    for (const key of keys) {
      const found = attributes.get(key);
      if (found !== undefined && holds(found.value)) return found;
    }
    return undefined;
  };
}

/** The first attribute whose name fits and that holds something. */
function firstLike(pattern: RegExp): Finder {
  return (attributes) => [...attributes].find(([key, { value }]) => pattern.test(key) && holds(value))?.[1];
}

function either(...finders: readonly Finder[]): Finder {
  return (attributes) => {
    for (const find of finders) {
      const found = find(attributes);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

/** What Python calls true. */
export function holds(value: unknown): boolean {
  if (value === null || value === undefined || value === '' || value === 0 || value === false) return false;
  if (typeof value === 'object') return Object.keys(value).length > 0;
  return true;
}

const has =
  (...keys: readonly string[]) =>
  (attributes: SpanAttributes): boolean =>
    keys.some((key) => attributes.has(key));

const openInference: Convention = {
  kind: [
    'openinference.span.kind',
    Object.fromEntries(
      [
        ...['TOOL', 'CHAIN', 'LLM', 'RETRIEVER', 'EMBEDDING', 'AGENT', 'RERANKER', 'UNKNOWN', 'GUARDRAIL'],
        'EVALUATOR',
      ].map((name) => [name, name]),
    ),
  ],
  inputTokens: ['llm.token_count.prompt'],
  outputTokens: ['llm.token_count.completion'],
  totalTokens: ['llm.token_count.total'],
  cacheRead: ['llm.token_count.prompt_details.cache_read'],
  cacheWrite: ['llm.token_count.prompt_details.cache_write'],
  inputs: first('input.value'),
  outputs: first('output.value'),
  model: ['llm.response.model_name', 'llm.model_name', 'llm.request.model_name', 'embedding.model_name'],
  provider: ['llm.provider'],
};

const genAiTokens = {
  inputTokens: ['gen_ai.usage.input_tokens'],
  outputTokens: ['gen_ai.usage.output_tokens'],
} as const;
const genAiInputs = first('gen_ai.input.messages', 'gen_ai.tool.call.arguments');
const genAiOutputs = first('gen_ai.output.messages', 'gen_ai.tool.call.result');
const genAi: Convention = {
  kind: [
    'gen_ai.operation.name',
    {
      chat: 'CHAT_MODEL',
      create_agent: 'AGENT',
      embeddings: 'EMBEDDING',
      execute_tool: 'TOOL',
      generate_content: 'LLM',
      invoke_agent: 'AGENT',
      text_completion: 'LLM',
      response: 'LLM',
    },
  ],
  ...genAiTokens,
  cacheRead: ['gen_ai.usage.cache_read.input_tokens'],
  cacheWrite: ['gen_ai.usage.cache_write.input_tokens', 'gen_ai.usage.cache_creation.input_tokens'],
  inputs: genAiInputs,
  outputs: genAiOutputs,
  model: ['gen_ai.response.model', 'gen_ai.request.model'],
  provider: ['gen_ai.provider.name'],
  tools: ['gen_ai.tool.definitions'],
};

const isGemini = (attributes: SpanAttributes): boolean => attributes.get('gen_ai.agent.name')?.value === 'gemini-cli';
const geminiTypes: Readonly<Record<string, string>> = { llm_call: 'LLM', tool_call: 'TOOL', agent_call: 'AGENT' };
/** Its messages are wrapped as Gemini's own SDK has them. */
const geminiCli: Convention = {
  typeOf: (attributes) =>
    isGemini(attributes) ? geminiTypes[String(attributes.get('gen_ai.operation.name')?.value)] : undefined,
  inputs: (attributes) => {
    const found = isGemini(attributes) ? genAiInputs(attributes) : undefined;
    if (found === undefined || !(Array.isArray(found.value) || typeof found.value === 'string')) return found;
    return attribute({ contents: found.value });
  },
  outputs: (attributes) => {
    const found = isGemini(attributes) ? genAiOutputs(attributes) : undefined;
    if (found === undefined || !Array.isArray(found.value)) return found;
    const parts = (found.value as readonly unknown[]).flatMap((item) => {
      const own = (item as { parts?: unknown } | null)?.parts;
      return Array.isArray(own) ? (own as unknown[]) : [];
    });
    return parts.length === 0 ? found : attribute({ candidates: [{ content: { role: 'model', parts } }] });
  },
  format: (attributes) => (isGemini(attributes) ? 'gemini' : undefined),
};

export function claudeSpan(attributes: SpanAttributes): string | undefined {
  const type = attributes.get('span.type')?.value;
  const name = typeof type === 'string' ? type.replace(/^claude_code\./, '') : '';
  return ['interaction', 'llm_request', 'tool'].includes(name) ? name : undefined;
}
export const unredacted =
  (...keys: readonly string[]): Finder =>
  (attributes) => {
    const found = keys.map((key) => first(key)(attributes)).find((one) => one && one.value !== '<REDACTED>');
    return found;
  };
export const claudeCode: Convention = {
  typeOf: (attributes) => ({ interaction: 'AGENT', llm_request: 'LLM', tool: 'TOOL' })[claudeSpan(attributes) ?? ''],
  counts: (attributes) => claudeSpan(attributes) === 'llm_request',
  inputTokens: ['input_tokens'],
  outputTokens: ['output_tokens'],
  cacheRead: ['cache_read_tokens'],
  cacheWrite: ['cache_creation_tokens'],
  inputs: (attributes) => {
    const span = claudeSpan(attributes);
    if (span === 'interaction') return unredacted('user_prompt', 'new_context')(attributes);
    if (span === 'llm_request') return unredacted('new_context')(attributes);
    if (span !== 'tool') return undefined;
    const details = ['full_command', 'file_path', 'skill_name', 'subagent_type'].flatMap((key) => {
      const found = unredacted(key)(attributes);
      return found === undefined ? [] : [[key, found.value]];
    });
    const whole = unredacted('tool_input')(attributes);
    return whole ?? (details.length === 0 ? undefined : attribute(Object.fromEntries(details)));
  },
  outputs: (attributes) => {
    const span = claudeSpan(attributes);
    if (span === 'llm_request') return unredacted('response.model_output')(attributes);
    return span === 'tool' ? unredacted('new_context')(attributes) : undefined;
  },
};

const traceloop: Convention = {
  kind: [
    'traceloop.span.kind',
    { workflow: 'WORKFLOW', task: 'TASK', agent: 'AGENT', tool: 'TOOL', unknown: 'UNKNOWN' },
  ],
  inputTokens: ['gen_ai.usage.prompt_tokens'],
  outputTokens: ['gen_ai.usage.completion_tokens'],
  totalTokens: ['llm.usage.total_tokens'],
  inputs: either(
    first('traceloop.entity.input'),
    firstLike(/^gen_ai\.prompt\.\d+\.content/),
    firstLike(/^gen_ai\.completion\.\d+\.tool_calls\.\d+\.arguments/),
  ),
  outputs: either(first('traceloop.entity.output'), firstLike(/^gen_ai\.completion\.\d+\.content/)),
  provider: ['gen_ai.system'],
};

const googleAdk: Convention = {
  inputs: first('gcp.vertex.agent.llm_request', 'gcp.vertex.agent.tool_call_args'),
  outputs: first('gcp.vertex.agent.llm_response', 'gcp.vertex.agent.tool_response'),
};

const vercelModels = ['generateText', 'streamText', 'generateObject', 'streamObject'];
const isVercelChat = (attributes: SpanAttributes): boolean =>
  ['ai.generateText.doGenerate', 'ai.streamText.doStream'].includes(String(attributes.get('ai.operationId')?.value));
/** The attributes below a prefix as one object. */
function below(attributes: SpanAttributes, prefix: string): Record<string, unknown> {
  const own = [...attributes].filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(own.map(([key, { value }]) => [key.slice(prefix.length), parsedJson(value)]));
}
const vercelAi: Convention = {
  kind: [
    'ai.operationId',
    {
      ...Object.fromEntries(
        vercelModels.flatMap((name) => [
          [`ai.${name}`, 'LLM'],
          [`ai.${name}.${name.startsWith('stream') ? 'doStream' : 'doGenerate'}`, 'LLM'],
        ]),
      ),
      'ai.toolCall': 'TOOL',
      'ai.embed': 'EMBEDDING',
      'ai.embed.doEmbed': 'EMBEDDING',
      'ai.embedMany': 'EMBEDDING',
    },
  ],
  inputs: (attributes) => {
    if (!isVercelChat(attributes)) {
      return first('ai.prompt', 'ai.toolCall.args', 'ai.value', 'ai.values')(attributes);
    }
    const { tools, ...inputs } = below(attributes, 'ai.prompt.');
    if (tools !== undefined) inputs['tools'] = Array.isArray(tools) ? tools.map(parsedJson) : tools;
    return holds(inputs) ? attribute(inputs) : undefined;
  },
  outputs: (attributes) => {
    if (!isVercelChat(attributes)) {
      const keys = ['ai.response.text', 'ai.toolCall.result', 'ai.response.object', 'ai.embedding', 'ai.embeddings'];
      return first(...keys)(attributes);
    }
    const outputs = below(attributes, 'ai.response.');
    return holds(outputs) ? attribute(outputs) : undefined;
  },
  format: (attributes) => (isVercelChat(attributes) ? 'vercel_ai' : undefined),
};

const voltTypes: Readonly<Record<string, string>> = { agent: 'AGENT', llm: 'LLM', tool: 'TOOL', memory: 'MEMORY' };
const voltAgent: Convention = {
  // A child has the type of its agent as `entity.type`, so its own counts first.
  typeOf: (attributes) =>
    voltTypes[String(attributes.get('span.type')?.value)] ?? voltTypes[String(attributes.get('entity.type')?.value)],
  inputTokens: ['usage.prompt_tokens', 'llm.usage.prompt_tokens'],
  outputTokens: ['usage.completion_tokens', 'llm.usage.completion_tokens'],
  totalTokens: ['usage.total_tokens', 'llm.usage.total_tokens'],
  inputs: first('agent.messages', 'llm.messages', 'input'),
  outputs: first('output'),
  format: (attributes) =>
    has('voltagent.operation_id', 'voltagent.conversation_id')(attributes) ? 'voltagent' : undefined,
};

const liveKit: Convention = {
  typeOf: (attributes) => {
    if (attributes.has('gen_ai.request.model')) return 'LLM';
    for (const key of attributes.keys()) {
      if (key === 'lk.retry_count') return 'LLM';
      if (key.startsWith('lk.function_tool')) return 'TOOL';
      if (['lk.agent_name', 'lk.instructions', 'lk.generation_id'].includes(key)) return 'AGENT';
      if (/^lk\.(?:tts|input_text$|user_transcript$|transcript_confidence$|transcription_delay$)/.test(key)) {
        return 'UNKNOWN';
      }
    }
    return undefined;
  },
  inputs: first('lk.user_input', 'lk.user_transcript', 'lk.chat_ctx', 'lk.input_text'),
  outputs: first('lk.response.text', 'lk.response.function_calls'),
  format: (attributes) => ([...attributes.keys()].some((key) => key.startsWith('lk.')) ? 'livekit' : undefined),
};

const laminar: Convention = {
  kind: [
    'lmnr.span.type',
    {
      LLM: 'LLM',
      TOOL: 'TOOL',
      DEFAULT: 'CHAIN',
      PIPELINE: 'CHAIN',
      EXECUTOR: 'AGENT',
      EVALUATOR: 'EVALUATOR',
      HUMAN_EVALUATOR: 'EVALUATOR',
      EVALUATION: 'EVALUATOR',
      CACHED: 'LLM',
    },
  ],
  inputs: first('lmnr.span.input'),
  outputs: first('lmnr.span.output'),
  provider: ['gen_ai.system'],
  format: (attributes) => (attributes.has('lmnr.span.type') ? 'openai' : undefined),
};

const langfuse: Convention = {
  kind: [
    'langfuse.observation.type',
    {
      generation: 'LLM',
      embedding: 'EMBEDDING',
      tool: 'TOOL',
      retriever: 'RETRIEVER',
      agent: 'AGENT',
      chain: 'CHAIN',
      evaluator: 'EVALUATOR',
      guardrail: 'GUARDRAIL',
      span: 'UNKNOWN',
    },
  ],
  inputs: first('langfuse.observation.input'),
  outputs: first('langfuse.observation.output'),
};

/** In the order in which MLflow asks them; the first that has an answer counts. */
export const conventions: readonly Convention[] = [
  ...[openInference, geminiCli, claudeCode, genAi, traceloop, googleAdk, vercelAi, voltAgent, liveKit, laminar],
  langfuse,
];
