import * as fs from 'node:fs';

import { plural } from '../base/index.ts';
import { badTable } from './bad-table.ts';
import { type Batch, type Cell, ValueBatch } from './batch.ts';
import { firstBytes } from './open-bytes.ts';

/** Magic bytes at both ends and the length of the footer. */
const leastBytes = 12;

/** Rows that are given at once. */
const batchRows = 1 << 16;

export function isParquet(file: string): boolean {
  return firstBytes(file, 4).toString('latin1') === 'PAR1';
}

/**
 * Reads a Parquet file, row group by row group, only the columns asked for. The index that pandas adds
 * (`__index_level_0__`) is left out.
 *
 * @throws MlopsError `bad_table` for a file that is cut short or damaged.
 */
export async function* readParquet(
  file: string,
  name: string,
  wanted: ReadonlySet<string> | undefined,
  namesOnly = false,
): AsyncGenerator<Batch> {
  const { parquetMetadataAsync, parquetScan, parquetSchema } = await import('hyparquet');
  const { compressors } = await import('hyparquet-compressors');
  const handle = await fs.promises.open(file, 'r');
  try {
    const { size } = await handle.stat();
    if (size < leastBytes) throw new Error(`it has ${plural(size, 'byte')}`);
    const source = {
      byteLength: size,
      async slice(start: number, end = size) {
        const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
        const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
        if (bytesRead < bytes.length) throw new Error(`only ${bytesRead} of ${bytes.length} bytes are there`);
        return bytes.buffer;
      },
    };
    const metadata = await parquetMetadataAsync(source);
    const columns = parquetSchema(metadata)
      .children.map((child) => child.element.name)
      .filter((column) => column !== '__index_level_0__' && (namesOnly || wanted?.has(column) !== false));
    if (namesOnly) {
      yield new ValueBatch(
        columns,
        0,
        () => null,
        () => 0,
      );
      return;
    }
    const scan = await parquetScan({ file: source, metadata, columns, compressors });
    let first = 0;
    for (const { rowStart, rowEnd } of scan.ranges) {
      // A column is unpacked once for its whole row group: any part of it costs as much.
      const data: ArrayLike<unknown>[] = [];
      for (const column of columns) data.push(await scan.readColumn({ column, rowStart, rowEnd }));
      for (let from = rowStart; from < rowEnd; from += batchRows) {
        const to = Math.min(rowEnd, from + batchRows);
        yield new ValueBatch(columns, to - from, cellsOf(data, from - rowStart), (row) => from + row + 1);
        first = to;
      }
    }
    if (first === 0)
      yield new ValueBatch(
        columns,
        0,
        () => null,
        () => 0,
      );
  } catch (error) {
    throw badTable(name, `is no whole Parquet file: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
      hint: 'it is cut short or damaged',
    });
  } finally {
    await handle.close();
  }
}

/** The names of the columns. @throws MlopsError `bad_table`. */
export async function parquetColumns(file: string, name: string): Promise<readonly string[]> {
  for await (const batch of readParquet(file, name, new Set(), true)) return batch.columns;
  return [];
}

function cellsOf(data: readonly ArrayLike<unknown>[], offset: number): (row: number, column: number) => Cell {
  return (row, column) => {
    const value = data[column]?.[offset + row];
    if (typeof value !== 'bigint') return value ?? null;
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  };
}
