import { MlopsError } from '../../base/index.ts';
import type { ModelVersion } from '../../mlflow/index.ts';
import type { Judged } from '../../monitor/index.ts';
import { serve, type RunningServer } from '../../serve/index.ts';
import type { Column } from '../../tables/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { RegistrySource } from '../registry/registry-source.ts';

/** Test rows: the columns of a table, all of one length. */
export type TestRows = ReadonlyMap<string, Column>;
type Cell = string | number | boolean | null;
type Answer = Pick<Judged, 'predicted' | 'scores'>;

/** Rows of one request. */
const most = 512;

/** A registered version, loaded as `mlops serve` loads it, to be asked about test rows. */
export class VersionRunner {
  readonly #running: RunningServer;
  readonly #url: string;

  private constructor(running: RunningServer) {
    this.#running = running;
    this.#url = `${running.listening.url}/predict`;
  }

  /** @throws MlopsError why the version cannot be loaded. */
  static async open(store: TrackingStore, version: ModelVersion): Promise<VersionRunner> {
    const source = new RegistrySource(store);
    const model = { name: 'model', source, sourceName: version.name, selector: version.version };
    const running = await serve({ models: [model], host: '127.0.0.1', port: 0, threads: 1 });
    const [failure] = running.failures;
    if (failure === undefined) return new VersionRunner(running);
    await running.close();
    throw failure.error instanceof Error ? failure.error : new Error(String(failure.error));
  }

  get #facts() {
    const current = this.#running.repository.models.get('model')?.current;
    if (current === undefined) throw new Error('the model is not loaded');
    return current;
  }

  /**
   * What the model says of each row. The columns but `target` are its inputs: by name where it has names for them, else
   * in order.
   *
   * @param slices columns by which results are told apart.
   */
  async predict(rows: TestRows, target: string, slices: ReadonlySet<string>): Promise<Answer[]> {
    const inputs = this.#inputs(rows, target, slices);
    const count = rows.get(target)?.rows ?? 0;
    const answers: Answer[] = [];
    const step = this.#facts.inputs[0]?.dims?.[0] === 1 ? 1 : most;
    for (let from = 0; from < count; from += step) {
      const to = Math.min(count, from + step);
      answers.push(...(await this.#ask(inputs(from, to), to - from)));
    }
    return answers;
  }

  /** Milliseconds that some requests of one row took inside the server, one after the other, after some to warm up. */
  async latencies(
    data: { readonly rows: TestRows; readonly target: string } | undefined,
    slices: ReadonlySet<string>,
    requests = 100,
  ): Promise<number[]> {
    const request = data === undefined ? this.#madeUp() : this.#inputs(data.rows, data.target, slices)(0, 1);
    const body = JSON.stringify(request);
    const taken: number[] = [];
    for (let i = 0; i < requests + 10; i++) {
      const { latency_ms: latency } = (await this.#send(body)) as { latency_ms: number };
      if (i >= 10) taken.push(latency);
    }
    return taken;
  }

  #inputs(rows: TestRows, target: string, slices: ReadonlySet<string>): (from: number, to: number) => object {
    const { inputs, processing } = this.#facts;
    const others = [...rows.values()].filter((column) => column.name !== target);
    if (processing?.input !== undefined) {
      return (from, to) => ({
        instances: range(from, to).map((row) => Object.fromEntries(others.map((one) => [one.name, cellOf(one, row)]))),
      });
    }
    const [only] = inputs;
    if (only !== undefined && inputs.length === 1) {
      const columns = this.#ordered(others, only.dims?.at(-1), slices);
      const flat = only.dims?.length === 1;
      const isTruth = only.dtype === 'bool';
      return (from, to) => ({
        inputs: {
          [only.name]: range(from, to).map((row) => {
            const cells = columns.map((column) => cellOf(column, row, isTruth));
            return flat ? (cells[0] ?? null) : cells;
          }),
        },
      });
    }
    const named = inputs.map((input) => ({ input, column: this.#needed(rows, input.name) }));
    return (from, to) => ({
      inputs: Object.fromEntries(
        named.map(({ input, column }) => [
          input.name,
          range(from, to).map((row) => {
            const cell = cellOf(column, row, input.dtype === 'bool');
            return input.dims?.length === 1 ? cell : [cell];
          }),
        ]),
      ),
    });
  }

  /** The columns of the only input: in the order of the signature's names, else as they stand. */
  #ordered(others: readonly Column[], width: unknown, slices: ReadonlySet<string>): readonly Column[] {
    const names = columnNames(this.#facts.mlModel?.signature?.inputs);
    if (names !== undefined) {
      const byName = new Map(others.map((column) => [column.name, column]));
      return names.map((name) => this.#needed(byName, name));
    }
    // Columns that only say which slice a row is of are no inputs where there are too many.
    const rest = others.filter((column) => !slices.has(column.name));
    return typeof width === 'number' && others.length > width && rest.length === width ? rest : others;
  }

  #needed(rows: TestRows, name: string): Column {
    const column = rows.get(name);
    if (column !== undefined) return column;
    throw new MlopsError('invalid_value', `the data have no column '${name}', which is an input of the model`, {
      hint: `columns: ${[...rows.keys()].slice(0, 20).join(', ')}`,
    });
  }

  /** A request of one row without meaning, for models of which no data are known. */
  #madeUp(): object {
    const { inputs, processing } = this.#facts;
    if (processing?.input !== undefined) {
      throw new MlopsError(
        'invalid_value',
        'a model with a table or text step needs test rows to measure its latency',
        {
          hint: 'add not_worse or slices with data to the gates of this stage',
        },
      );
    }
    const filled = (dims: readonly unknown[], value: Cell): unknown =>
      dims.length === 0
        ? value
        : Array.from({ length: typeof dims[0] === 'number' && dims[0] > 0 ? dims[0] : 1 }, () =>
            filled(dims.slice(1), value),
          );
    return {
      inputs: Object.fromEntries(
        inputs.map(({ name, dims, dtype }) => {
          const value = dtype === 'string' ? '' : dtype === 'bool' ? false : 0;
          return [name, filled(dims ?? [1], value)];
        }),
      ),
    };
  }

  async #send(body: string): Promise<unknown> {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    const answer: unknown = await response.json();
    if (response.ok) return answer;
    const { error } = answer as { error?: { message?: string } | string };
    const message = typeof error === 'string' ? error : (error?.message ?? `status ${response.status}`);
    throw new MlopsError('invalid_value', `the model refuses the test rows: ${message}`, {
      hint: 'the columns but the target must be its inputs',
    });
  }

  async #ask(inputs: object, rows: number): Promise<Answer[]> {
    const answer = (await this.#send(JSON.stringify(inputs))) as {
      outputs: Record<string, unknown>;
      labels?: string[];
    };
    const { labels: plan, onnx } = this.#facts;
    const outputs = Object.entries(answer.outputs);
    const table = outputs.find(([, value]) => isTable(value, rows));
    const classes = table === undefined ? undefined : (plan?.classes ?? onnx.classes.get(table[0])?.map(String));
    const list = outputs.map(([, value]) => flatList(value, rows)).find((value) => value !== undefined);
    return range(0, rows).map((row): Answer => {
      const scores = (table?.[1] as number[][] | undefined)?.[row];
      const predicted =
        answer.labels?.[row] ?? list?.[row] ?? (scores === undefined ? undefined : best(scores, classes));
      if (predicted === undefined) {
        throw new MlopsError('invalid_value', 'the model answers neither a value nor scores for each row');
      }
      if (scores === undefined) return { predicted };
      return { predicted, scores: Object.fromEntries(scores.map((score, i) => [classes?.[i] ?? String(i), score])) };
    });
  }

  async close(): Promise<void> {
    await this.#running.close(100);
  }
}

function best(scores: readonly number[], classes: readonly string[] | undefined): string {
  let index = 0;
  for (let i = 1; i < scores.length; i++) if ((scores[i] ?? 0) > (scores[index] ?? 0)) index = i;
  return classes?.[index] ?? String(index);
}

/** Names of a signature of columns; undefined for one of tensors. */
function columnNames(inputs: string | undefined): readonly string[] | undefined {
  if (inputs === undefined) return undefined;
  const specs: unknown = JSON.parse(inputs);
  if (!Array.isArray(specs) || specs.length === 0) return undefined;
  const names = specs.map((spec: { type?: unknown; name?: unknown }) =>
    spec.type !== 'tensor' && typeof spec.name === 'string' ? spec.name : undefined,
  );
  return names.includes(undefined) ? undefined : (names as string[]);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** A cell for a request: what is missing is null. */
function cellOf(column: Column, row: number, isTruth = false): Cell {
  if (column.kind === 'number') {
    const value = column.values[row] ?? Number.NaN;
    if (Number.isNaN(value)) return null;
    return isTruth ? value !== 0 : value;
  }
  const text = column.categories[column.codes[row] ?? -1] ?? null;
  return isTruth && text !== null ? text.toLowerCase() === 'true' : text;
}

/** Scores of several classes for each row. */
function isTable(value: unknown, rows: number): boolean {
  return (
    Array.isArray(value) &&
    value.length === rows &&
    value.every((row) => Array.isArray(row) && row.length > 1 && row.every((cell) => typeof cell === 'number'))
  );
}

/** One value for each row, alone or in a list of its own. */
function flatList(value: unknown, rows: number): (string | number)[] | undefined {
  if (!Array.isArray(value) || value.length !== rows) return undefined;
  const cells: unknown[] = value.map((cell: unknown) =>
    Array.isArray(cell) && cell.length === 1 ? (cell[0] as unknown) : cell,
  );
  if (!cells.every((cell) => ['string', 'number', 'boolean'].includes(typeof cell))) return undefined;
  return cells.map((cell) => (typeof cell === 'boolean' ? String(cell) : (cell as string | number)));
}
