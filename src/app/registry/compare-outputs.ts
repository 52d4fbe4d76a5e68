import { FolderSource, serve } from '../../serve/index.ts';

export interface Comparison {
  readonly rows: number;
  /** The largest difference of a number, relative to numbers above 1. */
  readonly difference: number;
  readonly same: boolean;
  /** What differs. */
  readonly problem: string | undefined;
}

interface Check {
  /** Place of the output in the ONNX model. */
  readonly output: number;
  /** The column of it that the model itself answers; null: all. */
  readonly column: number | null;
  readonly values: unknown;
}

/** Single precision through some hundred trees or products ends this near. */
const tolerance = 1e-3;

/** Runs an ONNX file as `mlops serve` does, and compares its outputs with what they should be. */
export async function compareOutputs(
  file: string,
  inputs: Readonly<Record<string, unknown>>,
  checks: readonly Check[],
): Promise<Comparison> {
  const models = [{ name: 'model', source: FolderSource.single(file, 'model') }];
  const running = await serve({ models, host: '127.0.0.1', port: 0, threads: 1 });
  try {
    const [failure] = running.failures;
    if (failure !== undefined) throw failure.error;
    const { outputNames = [] } = running.repository.models.get('model')?.current ?? {};
    const answer = await fetch(`${running.listening.url}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs }),
    });
    const body = (await answer.json()) as { outputs?: Record<string, unknown>; error?: { message: string } };
    if (body.outputs === undefined) {
      return { rows: 0, difference: Infinity, same: false, problem: body.error?.message };
    }
    return compare(body.outputs, outputNames, checks);
  } finally {
    await running.close(0);
  }
}

function compare(
  outputs: Readonly<Record<string, unknown>>,
  names: readonly string[],
  checks: readonly Check[],
): Comparison {
  let difference = 0;
  let problem: string | undefined;
  let rows = 0;
  for (const { output, column, values } of checks) {
    const name = names[output] ?? '';
    const given = outputs[name];
    const got = flat(column === null || !Array.isArray(given) ? given : given.map((row: unknown[]) => row[column]));
    const wanted = flat(values);
    rows = Array.isArray(values) ? values.length : 0;
    if (got.length !== wanted.length) problem ??= `'${name}' has ${got.length} values in place of ${wanted.length}`;
    for (const [i, value] of wanted.entries()) {
      const away = distance(value, got[i]);
      difference = Math.max(difference, away);
      if (away > tolerance) problem ??= `'${name}' has ${String(got[i])} where the model says ${String(value)}`;
    }
  }
  return { rows, difference, same: problem === undefined, problem };
}

function flat(value: unknown): unknown[] {
  return Array.isArray(value) ? value.flatMap(flat) : [value];
}

/** 0 for equal texts; numbers by their difference, relative where they are above 1. */
function distance(one: unknown, other: unknown): number {
  const [a, b] = [one, other].map((value) => (typeof value === 'boolean' ? Number(value) : value));
  if (typeof a === 'number' && typeof b === 'number') return Math.abs(a - b) / Math.max(1, Math.abs(a));
  return String(a) === String(b) ? 0 : Infinity;
}
