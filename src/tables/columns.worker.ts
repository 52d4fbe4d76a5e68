/** The thread that reads one table into columns, while another table is read elsewhere. Speaks `load-apart.ts`. */
import { parentPort } from 'node:worker_threads';

import { isMlopsError } from '../base/index.ts';
import { loadColumns } from './columns.ts';
import type { Loaded, LoadJob } from './load-apart.ts';
import { openTable } from './open-table.ts';

parentPort?.once('message', (job: LoadJob) => void answer(job));

async function answer({ file, table, options }: LoadJob): Promise<void> {
  let loaded: Loaded;
  const transfer: ArrayBuffer[] = [];
  try {
    loaded = { columns: [...(await loadColumns(openTable(file, table), options)).values()] };
    for (const column of loaded.columns) {
      transfer.push((column.kind === 'number' ? column.values : column.codes).buffer as ArrayBuffer);
    }
  } catch (error) {
    if (!isMlopsError(error)) throw error;
    const { code, message, hint, where, data } = error;
    loaded = { refused: { code, message, details: { hint, where, data } } };
  }
  parentPort?.postMessage(loaded, transfer);
}
