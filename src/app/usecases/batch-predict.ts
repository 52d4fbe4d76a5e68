import type { OnProgress } from '../../base/index.ts';
import { BatchOutput } from './batch-output.ts';
import { BatchModel, type RowAnswer } from './batch-request.ts';
import { openBatch, type BatchInput, type BatchRow } from './batch-rows.ts';
import { serveModels, type ServeModelsOptions } from './serve.ts';

export interface BatchOptions {
  /** Absolute path of a table or a folder of pictures. */
  readonly input: string;
  /** Absolute path of the file to write. */
  readonly output: string;
  /** Begin anew, whatever is there. */
  readonly force: boolean;
  readonly serve: ServeModelsOptions;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export interface BatchDone {
  /** Rows of the input, those of earlier runs among them. */
  readonly rows: number;
  readonly failed: number;
  /** Rows that an earlier run had dealt with. */
  readonly resumed: number;
  readonly errorsFile: string;
}

/** Requests under way at a time: while one is computed, the next is read and the last one written. */
const window = 4;

/**
 * Predicts every row of a table or picture of a folder, in order. A row that fails goes to the errors, and the rest go
 * on. What was written is marked, so that the next run with the same words goes on behind it.
 *
 * @throws MlopsError `files_in_the_way`, `usage`, and why the model cannot be loaded.
 */
export async function predictBatch(options: BatchOptions): Promise<BatchDone> {
  const input = openBatch(options.input);
  const server = await serveModels({ ...options.serve, host: '127.0.0.1', port: 0 });
  try {
    const [failure] = server.failures;
    if (failure !== undefined) throw failure.error;
    const model = new BatchModel(server, input, options.input);
    const output = new BatchOutput(options.output, `${input.fingerprint} ${model.identity}`, options.force);
    const resumed = output.rows;
    try {
      await run({ input, model, output, signal: options.signal, onProgress: options.onProgress });
    } catch (error) {
      output.mark();
      throw error;
    }
    output.finish();
    return { rows: output.rows, failed: output.failed, resumed, errorsFile: output.errorsFile };
  } finally {
    await server.close(0);
  }
}

interface Work extends Pick<BatchOptions, 'signal' | 'onProgress'> {
  readonly input: BatchInput;
  readonly model: BatchModel;
  readonly output: BatchOutput;
}

type Outcome = RowAnswer | { readonly problem: string };

async function run({ input, model, output, signal, onProgress }: Work): Promise<void> {
  const pending: { rows: BatchRow[]; answers: Promise<Outcome[]> }[] = [];
  const settle = async (): Promise<void> => {
    const next = pending.shift();
    if (next === undefined) return;
    let failed = 0;
    for (const [i, outcome] of (await next.answers).entries()) {
      const row = next.rows[i];
      if (row === undefined) continue;
      if (isProblem(outcome)) {
        failed++;
        output.fail(row, outcome.problem);
      } else output.add(row, outcome);
    }
    output.flush(next.rows.length, failed);
    const total = input.total === undefined ? {} : { total: input.total };
    onProgress?.({ name: 'predicting', unit: 'rows', done: output.rows, ...total });
  };
  const send = (rows: BatchRow[]): void => {
    const answers = askAll(model, rows);
    // Whoever settles it hears of it.
    answers.catch(() => undefined);
    pending.push({ rows, answers });
  };
  const size = model.rowsPerRequest;
  let skip = output.rows;
  let rows: BatchRow[] = [];
  for await (const row of input.rows()) {
    signal?.throwIfAborted();
    if (skip > 0) {
      skip--;
      continue;
    }
    rows.push(row);
    if (rows.length < size) continue;
    send(rows);
    rows = [];
    if (pending.length >= window) await settle();
  }
  if (rows.length > 0) send(rows);
  while (pending.length > 0) await settle();
}

function isProblem(outcome: Outcome): outcome is { readonly problem: string } {
  return problems.has(outcome);
}

/** A model may have an output that is called `problem`. */
const problems = new WeakSet<object>();

function problemOf(problem: string): Outcome {
  const made = { problem };
  problems.add(made);
  return made;
}

/** Rows that are none keep their place; those that fail together are halved until the bad ones stand alone. */
async function askAll(model: BatchModel, rows: readonly BatchRow[]): Promise<Outcome[]> {
  const good = rows.filter(({ problem }) => problem === undefined);
  const answers = (await halved(model, good)).values();
  return rows.map(({ problem }) => (problem === undefined ? (answers.next().value as Outcome) : problemOf(problem)));
}

async function halved(model: BatchModel, rows: readonly BatchRow[]): Promise<Outcome[]> {
  if (rows.length === 0) return [];
  const answers = await model.ask(rows);
  if (!('problem' in answers)) return [...answers];
  if (rows.length === 1) return [problemOf(answers.problem)];
  const middle = rows.length >> 1;
  return [...(await halved(model, rows.slice(0, middle))), ...(await halved(model, rows.slice(middle)))];
}
