import * as fs from 'node:fs';
import * as os from 'node:os';
import { Worker } from 'node:worker_threads';

import { locateWorker, MlopsError, type ErrorCode, type ErrorDetails } from '../base/index.ts';
import type { Table } from './batch.ts';
import { loadColumns, type Column, type ColumnOptions } from './columns.ts';
import type { TableOptions } from './open-table.ts';

/** Smaller files are read before a thread would have begun, in bytes. */
const worthThread = 16 * 1024 * 1024;

export interface LoadJob {
  readonly file: string;
  readonly table: TableOptions;
  readonly options: ColumnOptions;
}

/** What the thread answers. */
export type Loaded =
  | { readonly columns: readonly Column[] }
  | { readonly refused: { readonly code: ErrorCode; readonly message: string; readonly details: ErrorDetails } };

type Columns = Map<string, Column>;

/**
 * Reads two tables into columns, as `loadColumns`; two large files at the same time where there are processors for it.
 * Without `options.columns` the second one is read into those that the first one has.
 *
 * @throws MlopsError `bad_table`, of the first table where both are.
 */
export async function loadBothColumns(one: Table, other: Table, options: ColumnOptions): Promise<[Columns, Columns]> {
  if (os.availableParallelism() > 1 && isLarge(one) && isLarge(other)) {
    const [first, second] = await Promise.allSettled([loadColumns(one, options), loadInThread(other, options)]);
    if (first.status === 'rejected') throw first.reason;
    if (second.status === 'rejected') throw second.reason;
    return [first.value, second.value];
  }
  const first = await loadColumns(one, options);
  return [first, await loadColumns(other, { ...options, columns: options.columns ?? new Set(first.keys()) })];
}

function isLarge({ source }: Table): boolean {
  return source !== undefined && (fs.statSync(source.file, { throwIfNoEntry: false })?.size ?? 0) >= worthThread;
}

function loadInThread(table: Table, options: ColumnOptions): Promise<Columns> {
  const { file = '', options: tableOptions = {} } = table.source ?? {};
  const worker = new Worker(locateWorker('columns'), { name: 'columns', stdout: false, stderr: false });
  const loaded = new Promise<Columns>((resolve, reject) => {
    worker.once('message', (answer: Loaded) => {
      if ('columns' in answer) return resolve(new Map(answer.columns.map((column) => [column.name, column])));
      const { code, message, details } = answer.refused;
      reject(new MlopsError(code, message, details));
    });
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the thread that reads a table ended')));
  });
  worker.postMessage({ file, table: tableOptions, options } satisfies LoadJob, []);
  return loaded.finally(() => void worker.terminate());
}
