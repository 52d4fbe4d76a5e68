import * as path from 'node:path';

import type { Table } from './batch.ts';
import type { CsvOptions } from './csv-dialect.ts';
import { readCsv } from './csv-reader.ts';
import { readJsonLines, readJsonList } from './json-lines.ts';
import { firstBytes, openBytes } from './open-bytes.ts';
import { isParquet, parquetColumns, readParquet } from './parquet.ts';

export interface TableOptions extends CsvOptions {
  /** What to call the file in messages. Default: its path. */
  readonly name?: string | undefined;
  /** Decides the format where the file itself has no ending, as a copy in a cache. Default: its path. */
  readonly path?: string | undefined;
}

/**
 * Opens CSV, TSV, JSON lines, a JSON list or Parquet, gzip or not. Parquet and gzip are known by their first bytes,
 * the others by their ending; without one by the first character.
 *
 * @throws MlopsError `table_missing`. Reading throws `bad_table`.
 */
export function openTable(file: string, options: TableOptions = {}): Table {
  const name = options.name ?? file;
  const source = { file, options: { ...options } };
  const ending = path.extname((options.path ?? file).replace(/\.gz$/i, '')).toLowerCase();
  // One that is called so and does not begin so was cut short, or is a pointer to it.
  if (isParquet(file) || ending === '.parquet') {
    return {
      name,
      source,
      format: 'parquet',
      columns: () => parquetColumns(file, name),
      batches: ({ columns } = {}) => readParquet(file, name, columns),
    };
  }
  const format = formatOf(ending, file);
  if (format === 'jsonl') return { name, source, format, batches: () => readJsonLines(openBytes(file, name), name) };
  if (format === 'json') return { name, source, format, batches: () => readJsonList(openBytes(file, name), name) };
  const csv = ending === '.tsv' && options.delimiter === undefined ? { ...options, delimiter: '\t' } : options;
  return { name, source, format, batches: () => readCsv(openBytes(file, name), name, csv) };
}

function formatOf(ending: string, file: string): 'csv' | 'jsonl' | 'json' {
  if (['.jsonl', '.ndjson'].includes(ending)) return 'jsonl';
  if (['.csv', '.tsv', '.txt'].includes(ending)) return 'csv';
  const start = firstBytes(file, 256).toString('latin1').trimStart()[0];
  if (start === '[' && ending === '.json') return 'json';
  return start === '{' || ending === '.json' ? 'jsonl' : 'csv';
}
