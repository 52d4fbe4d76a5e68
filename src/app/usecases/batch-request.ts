import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import type { RunningServer } from '../../serve/index.ts';
import type { BatchInput, BatchRow } from './batch-rows.ts';

/** Outputs of a row by name, with its label where the model has labels. */
export type RowAnswer = Readonly<Record<string, unknown>>;

/** Asks a served model about rows. */
export class BatchModel {
  readonly #server: RunningServer;
  readonly #name: string;
  readonly #input: BatchInput;
  readonly #folder: string;

  /** @param location of the input: pictures lie below it. */
  constructor(server: RunningServer, input: BatchInput, location: string) {
    this.#server = server;
    this.#name = [...server.repository.models.keys()][0] ?? '';
    this.#input = input;
    this.#folder = location;
  }

  get #version() {
    const current = this.#server.repository.models.get(this.#name)?.current;
    if (current === undefined) throw new MlopsError('model_not_ready', `'${this.#name}' is not loaded`);
    return current;
  }

  /** Which version answers, and what of. */
  get identity(): string {
    const { ref, md5 } = this.#version;
    return `${ref.uri} ${ref.version} ${md5}`;
  }

  /** Rows that one request holds. */
  get rowsPerRequest(): number {
    if (this.#input.kind === 'pictures') return 8;
    return this.#version.inputs[0]?.dims?.[0] === 1 ? 1 : 512;
  }

  /** The answers, or why there are none. */
  async ask(rows: readonly BatchRow[]): Promise<readonly RowAnswer[] | { readonly problem: string }> {
    let body: string;
    try {
      body = JSON.stringify(this.#bodyOf(rows));
    } catch (error) {
      if (error instanceof MlopsError) return { problem: error.message };
      throw error;
    }
    const response = await fetch(`${this.#server.listening.url}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    const answer = (await response.json()) as {
      outputs?: Record<string, unknown>;
      labels?: unknown[];
      error?: { message?: string; code?: string };
    };
    if (answer.outputs === undefined) {
      const { code, message = `status ${response.status}` } = answer.error ?? {};
      // Nothing is wrong with the rows: going on would call all of them bad.
      if (response.status >= 500)
        throw new MlopsError('inference_failed', `the model does not answer (${code}): ${message}`);
      return { problem: message };
    }
    const columns = Object.entries(answer.outputs);
    if (answer.labels !== undefined && !columns.some(([name]) => name === 'label'))
      columns.push(['label', answer.labels]);
    const odd = columns.find(([, values]) => !Array.isArray(values) || values.length !== rows.length);
    if (odd !== undefined && rows.length > 1) return { problem: `'${odd[0]}' has no value for each row` };
    return rows.map((_, row) => {
      const cells = columns.map(
        ([name, values]) => [name, Array.isArray(values) ? (values[row] as unknown) : values] as const,
      );
      return Object.fromEntries(cells);
    });
  }

  #bodyOf(rows: readonly BatchRow[]): object {
    const { inputs, processing, python, ensemble, mlModel } = this.#version;
    const image = processing?.input?.image;
    if (this.#input.kind === 'pictures') {
      if (image === undefined) {
        throw new MlopsError('usage', 'the model takes no pictures', { hint: 'declare `image:` in its serving.yaml' });
      }
      const read = ({ cells }: BatchRow) => fs.readFileSync(path.join(this.#folder, String(cells['file'])), 'base64');
      return { inputs: { [image.field]: rows.map(read) } };
    }
    if (processing?.input !== undefined && ensemble === undefined) {
      const step = processing.input;
      const value = (row: BatchRow, name: string) =>
        this.#typed(row, name, step.holdsText(name) ? 'string' : undefined);
      return {
        instances: rows.map((row) =>
          Object.fromEntries(step.names.filter((name) => name in row.cells).map((name) => [name, value(row, name)])),
        ),
      };
    }
    if (ensemble !== undefined || python?.mode === 'json') {
      const columns = columnNames(mlModel?.signature?.inputs) ?? Object.keys(rows[0]?.cells ?? {});
      return {
        instances: rows.map((row) =>
          Object.fromEntries(columns.map((name) => [name, this.#typed(row, name, undefined)])),
        ),
      };
    }
    const [only] = inputs;
    if (only !== undefined && inputs.length === 1 && !(only.name in (rows[0]?.cells ?? {}))) {
      const names = this.#columnsOf(rows, only.dims?.at(-1));
      return { inputs: { [only.name]: rows.map((row) => names.map((name) => this.#typed(row, name, only.dtype))) } };
    }
    return {
      inputs: Object.fromEntries(
        inputs.map(({ name, dtype, dims }) => [
          name,
          rows.map((row) => {
            const cell = this.#typed(row, name, dtype);
            return dims?.length === 2 && !Array.isArray(cell) ? [cell] : cell;
          }),
        ]),
      ),
    };
  }

  /** The columns of the only input: those that the signature names, else all; without keys, where they are too many. */
  #columnsOf([first]: readonly BatchRow[], width: unknown): readonly string[] {
    const named = columnNames(this.#version.mlModel?.signature?.inputs);
    if (named !== undefined) return named;
    const all = Object.keys(first?.cells ?? {});
    if (typeof width !== 'number' || all.length === width) return all;
    const values = all.filter((name) => !/(^|_)(id|key|uuid|name|file|target|label)$/i.test(name));
    if (values.length === width) return values;
    const numbers = all.filter((name) => isNumber(first?.cells[name]));
    if (numbers.length === width) return numbers;
    throw new MlopsError('invalid_input', `the model takes ${width} columns, the rows have ${all.length}`, {
      hint: `columns: ${all.slice(0, 20).join(', ')}; register the model with a signature that names them`,
    });
  }

  #typed({ cells }: BatchRow, name: string, dtype: string | undefined): unknown {
    if (!Object.hasOwn(cells, name)) throw new MlopsError('invalid_input', `there is no column '${name}'`);
    const cell = cells[name];
    if (!this.#input.untyped || typeof cell !== 'string' || dtype === 'string') return cell;
    if (cell === '') return null;
    if (dtype === 'bool' || dtype === undefined) {
      if (/^true$/i.test(cell)) return true;
      if (/^false$/i.test(cell)) return false;
    }
    const number = Number(cell);
    return Number.isNaN(number) || cell.trim() === '' ? cell : number;
  }
}

function isNumber(cell: unknown): boolean {
  return typeof cell === 'number' || (typeof cell === 'string' && cell.trim() !== '' && !Number.isNaN(Number(cell)));
}

function columnNames(signature: string | undefined): string[] | undefined {
  if (signature === undefined) return undefined;
  const specs = JSON.parse(signature) as { name?: string; type?: string }[];
  const names = specs.flatMap(({ name, type }) => (name !== undefined && type !== 'tensor' ? [name] : []));
  return names.length > 0 ? names : undefined;
}
