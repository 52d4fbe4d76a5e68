import { messageOf, MlopsError } from '../base/index.ts';

/**
 * Reads a YAML file of a model folder into plain values (`yaml` costs 38 ms to load, so it is imported here,
 * when first needed). Python writes YAML 1.1; in 1.2, for what people write, `no` is a text.
 *
 * @throws MlopsError `model_broken` naming line and column.
 */
export async function parseYaml(text: string, where: string, version: '1.1' | '1.2' = '1.1'): Promise<unknown> {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text, { version, logLevel: 'silent' });
  const [problem] = document.errors;
  if (problem === undefined) return toPlain(document.toJS());
  const { line, col } = problem.linePos?.[0] ?? { line: 1, col: 1 };
  throw new MlopsError('model_broken', `'${where}' line ${line}, column ${col}: ${firstLine(messageOf(problem))}`, {
    hint: 'repair that line, or register the model again',
  });
}

/** Writes plain values as block YAML that PyYAML reads back alike (strings such as `3.10` or `yes` are quoted). */
export async function stringifyYaml(value: unknown): Promise<string> {
  const { stringify } = await import('yaml');
  return stringify(value, { version: '1.1', indentSeq: false, lineWidth: 0, nullStr: 'null' });
}

/** YAML 1.1 timestamps come as Date; MLflow means the text. */
function toPlain(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toPlain(item)]));
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text;
}
