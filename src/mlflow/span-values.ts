/** A JSON object of OTLP, as protobuf's JSON form has it. */
type Message = Readonly<Record<string, unknown>>;

/** An attribute of a span as MLflow's store keeps it: its value, and the text that previews show. */
export interface SpanAttribute {
  readonly value: unknown;
  /** Python's JSON of the value, or the JSON text as which it came. */
  readonly text: string;
}

export type SpanAttributes = ReadonlyMap<string, SpanAttribute>;

/** The attributes of a span or event by name, of a name that comes twice the last. */
export function readAttributes(list: unknown): Map<string, SpanAttribute> {
  const found = new Map<string, SpanAttribute>();
  if (!Array.isArray(list)) return found;
  for (const one of list as readonly Message[]) found.set(String(one['key'] ?? ''), asStored(anyValue(one['value'])));
  return found;
}

/** Attributes as OTLP writes them. */
export function writeAttributes(attributes: SpanAttributes): Message[] {
  return [...attributes].map(([key, { value }]) => ({ key, value: toAnyValue(value) }));
}

export function attribute(value: unknown): SpanAttribute {
  return { value, text: pythonText(value) };
}

/**
 * JSON of an object, a list or a text that comes as a text is that value, as in MLflow's store: SDKs write structured
 * attributes so, because OpenTelemetry has none. Other texts and numbers in texts stay texts.
 */
function asStored(value: unknown): SpanAttribute {
  if (typeof value === 'string' && /^\s*["{[]/.test(value)) {
    const parsed = parsedJson(value);
    if (typeof parsed === 'string' || (typeof parsed === 'object' && parsed !== null)) {
      return { value: parsed, text: value };
    }
  }
  return attribute(value);
}

/** The value of a JSON text; other values and texts as they are. */
export function parsedJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

function anyValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return null;
  const [kind, inner] = Object.entries(value)[0] ?? [];
  if (kind === 'int_value') {
    const number = Number(inner);
    return Number.isSafeInteger(number) ? number : BigInt(/^-?\d{1,19}$/.test(String(inner)) ? String(inner) : '0');
  }
  if (kind === 'double_value') return Number(inner);
  if (kind === 'array_value') return valuesOf(inner).map(anyValue);
  if (kind === 'kvlist_value') {
    return Object.fromEntries(valuesOf(inner).map((one) => [String(one['key'] ?? ''), anyValue(one['value'])]));
  }
  return inner ?? null;
}

function valuesOf(list: unknown): readonly Message[] {
  const values = (list as Message | undefined)?.['values'];
  return Array.isArray(values) ? (values as Message[]) : [];
}

function toAnyValue(value: unknown): Message {
  if (typeof value === 'string') return { string_value: value };
  if (typeof value === 'boolean') return { bool_value: value };
  if (typeof value === 'bigint') return { int_value: String(value) };
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return { int_value: value };
    return { double_value: Number.isFinite(value) ? value : String(value) };
  }
  // Protobuf's JSON has no empty lists.
  if (Array.isArray(value)) return { array_value: value.length === 0 ? {} : { values: value.map(toAnyValue) } };
  if (typeof value !== 'object' || value === null) return {};
  const values = Object.entries(value).map(([key, inner]) => ({ key, value: toAnyValue(inner) }));
  return { kvlist_value: values.length === 0 ? {} : { values } };
}

/** As Python's `json.dumps(value, ensure_ascii=False)` writes it. */
export function pythonText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonText).join(', ')}]`;
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  return `{${Object.entries(value)
    .map(([key, inner]) => `${JSON.stringify(key)}: ${pythonText(inner)}`)
    .join(', ')}}`;
}
