/** A column or tensor of a model's signature. */
export interface Field {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
}

export interface Signature {
  readonly inputs: readonly Field[];
  readonly outputs: readonly Field[];
}

/** The signature in the text of an MLmodel: YAML whose `inputs` and `outputs` are texts of JSON, maybe over several lines. */
export function readSignature(mlModel: string): Signature | undefined {
  const lines = mlModel.split(/\r?\n/);
  const start = lines.indexOf('signature:');
  if (start < 0) return undefined;
  const parts = new Map<string, string>();
  let key = '';
  for (const line of lines.slice(start + 1)) {
    if (line !== '' && !line.startsWith(' ')) break;
    const colon = line.indexOf(': ');
    const name = line.slice(2, colon);
    if (
      line.startsWith('  ') &&
      !line.startsWith('   ') &&
      colon > 0 &&
      ['inputs', 'outputs', 'params'].includes(name)
    ) {
      key = name;
      parts.set(key, line.slice(colon + 2).trim());
    } else if (key !== '') parts.set(key, `${parts.get(key) ?? ''} ${line.trim()}`.trim());
  }
  return { inputs: fieldsOf(parts.get('inputs')), outputs: fieldsOf(parts.get('outputs')) };
}

function fieldsOf(yaml: string | undefined): Field[] {
  if (yaml === undefined || yaml === 'null') return [];
  try {
    const text = yaml.startsWith("'") ? yaml.slice(1, -1).replaceAll("''", "'") : yaml;
    const value: unknown = JSON.parse(text.startsWith('"') ? (JSON.parse(text) as string) : text);
    return Array.isArray(value) ? value.map(fieldOf) : [];
  } catch {
    return [];
  }
}

interface Raw {
  readonly name?: string;
  readonly type?: string;
  readonly required?: boolean;
  readonly 'tensor-spec'?: { readonly dtype?: string; readonly shape?: readonly number[] };
}

function fieldOf(value: Raw, i: number): Field {
  const tensor = value['tensor-spec'];
  const type = tensor === undefined ? (value.type ?? '') : `${tensor.dtype ?? ''} [${(tensor.shape ?? []).join(', ')}]`;
  return { name: value.name ?? String(i), type, required: value.required !== false };
}
