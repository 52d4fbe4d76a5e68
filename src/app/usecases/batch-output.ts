import * as fs from 'node:fs';

import { isSystemError, MlopsError, writeFileAtomic } from '../../base/index.ts';
import type { BatchRow } from './batch-rows.ts';
import type { RowAnswer } from './batch-request.ts';

/** How far a batch came; kept beside its output until it is done. */
interface Mark {
  /** The input and the model that it is of. */
  readonly of: string;
  /** Rows that were dealt with. */
  readonly rows: number;
  readonly failed: number;
  /** Bytes of both files that hold them. */
  readonly output: number;
  readonly errors: number;
  /** Columns of the predictions, once known. */
  readonly columns: readonly string[] | undefined;
}

/** A mark is synced to the disk, which takes longer than many rows: one in this many milliseconds. */
const markInterval = 1_000;

/** Lists of scores up to this length become a column each in CSV. */
const widest = 64;

/** The predictions, a row for each row of the input in its order, and beside them the rows that failed. */
export class BatchOutput {
  readonly file: string;
  readonly errorsFile: string;
  readonly #markFile: string;
  readonly #json: boolean;
  readonly #of: string;
  #mark: Mark;
  #columns: readonly string[] | undefined;
  #text = '';
  #errors = '';
  #marked = -Infinity;

  /**
   * Goes on where an earlier run of the same input and model stopped.
   *
   * @throws MlopsError `files_in_the_way` for an output that is complete, or of another input or model; `usage` for a
   * kind of file that is not written.
   */
  constructor(file: string, of: string, force: boolean) {
    if (!/\.(csv|jsonl|ndjson)$/i.test(file)) {
      throw new MlopsError('usage', `'${file}' is neither CSV nor JSON lines`, {
        hint: 'name the output X.csv or X.jsonl',
      });
    }
    this.file = file;
    this.errorsFile = `${file}.errors.jsonl`;
    this.#markFile = `${file}.progress.json`;
    this.#json = !/\.csv$/i.test(file);
    this.#of = of;
    const found = force ? undefined : readMark(this.#markFile);
    if (!force && found?.of !== of && fs.existsSync(file)) {
      const what = found === undefined ? 'is complete, or not ours' : 'belongs to another input or model';
      throw new MlopsError('files_in_the_way', `'${file}' ${what}`, { hint: 'remove it, or add --force' });
    }
    this.#mark = found?.of === of ? found : { of, rows: 0, failed: 0, output: 0, errors: 0, columns: undefined };
    this.#columns = this.#mark.columns;
    cutTo(this.file, this.#mark.output);
    cutTo(this.errorsFile, this.#mark.errors);
  }

  /** Rows of the input that were dealt with. */
  get rows(): number {
    return this.#mark.rows;
  }

  get failed(): number {
    return this.#mark.failed;
  }

  add(row: BatchRow, answer: RowAnswer): void {
    this.#text += this.#json ? jsonLine(row, answer) : this.#csvLine(row, answer);
  }

  fail(row: BatchRow, reason: string): void {
    this.#errors += `${JSON.stringify({ ...row.at, reason })}\n`;
  }

  /** Writes what was added, as the next rows of the input. */
  flush(rows: number, failed: number): void {
    const [output, errors] = [Buffer.from(this.#text), Buffer.from(this.#errors)];
    if (output.length > 0) fs.appendFileSync(this.file, output);
    if (errors.length > 0) fs.appendFileSync(this.errorsFile, errors);
    this.#text = '';
    this.#errors = '';
    const { output: before, errors: beforeErrors } = this.#mark;
    this.#mark = {
      of: this.#of,
      rows: this.#mark.rows + rows,
      failed: this.#mark.failed + failed,
      output: before + output.length,
      errors: beforeErrors + errors.length,
      columns: this.#columns,
    };
    if (performance.now() - this.#marked > markInterval) this.mark();
  }

  /** Says on the disk how far it is: what is written behind that is written again by the next run. */
  mark(): void {
    writeFileAtomic(this.#markFile, JSON.stringify(this.#mark));
    this.#marked = performance.now();
  }

  /** All rows were dealt with. */
  finish(): void {
    fs.rmSync(this.#markFile, { force: true });
    if (this.#mark.errors === 0) fs.rmSync(this.errorsFile, { force: true });
  }

  #csvLine(row: BatchRow, answer: RowAnswer): string {
    const cells = cellsOf(answer);
    let head = '';
    if (this.#columns === undefined) {
      const taken = new Set(Object.keys(row.cells));
      this.#columns = cells.map(([name]) => name);
      const names = this.#columns.map((name) => (taken.has(name) ? `predicted_${name}` : name));
      head = `${[...taken, ...names].map(field).join(',')}\n`;
    }
    const byName = new Map(cells);
    const own = row.text ?? Object.values(row.cells).map(field).join(',');
    return `${head}${[own, ...this.#columns.map((name) => field(byName.get(name)))].join(',')}\n`;
  }
}

/** A line of the input with the predictions behind its own keys. */
function jsonLine({ cells, text }: BatchRow, answer: RowAnswer): string {
  const more = Object.entries(answer).map(([name, value]) => {
    return `${JSON.stringify(name in cells ? `predicted_${name}` : name)}:${JSON.stringify(value)}`;
  });
  // Its text as it stands, where it is JSON: numbers keep their digits.
  const own = text?.startsWith('{') === true ? text.slice(1, -1).trim() : JSON.stringify(cells).slice(1, -1);
  return `{${[...(own === '' ? [] : [own]), ...more].join(',')}}\n`;
}

/** Outputs as cells: a list of numbers is a column each. */
function cellsOf(answer: RowAnswer): (readonly [string, unknown])[] {
  return Object.entries(answer).flatMap(([name, value]) => {
    const list = Array.isArray(value) ? (value as unknown[]) : undefined;
    if (list === undefined || list.length > widest || list.some((one) => typeof one === 'object' && one !== null)) {
      return [[name, value] as const];
    }
    return list.length === 1 ? [[name, list[0]] as const] : list.map((one, i) => [`${name}_${i}`, one] as const);
  });
}

function field(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function readMark(file: string): Mark | undefined {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as Mark;
  } catch (error) {
    if (isSystemError(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What was written after the mark is written again. */
function cutTo(file: string, size: number): void {
  if (size === 0) fs.rmSync(file, { force: true });
  else fs.truncateSync(file, size);
}
