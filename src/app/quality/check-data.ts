import * as fs from 'node:fs';
import * as path from 'node:path';

import { isMlopsError, MlopsError, type OnProgress } from '../../base/index.ts';
import {
  checkTable,
  formatSchema,
  inferSchema,
  type DataSchema,
  type FileResult,
  type QualityReport,
} from '../../quality/index.ts';
import type { DriftReport } from '../../monitor/index.ts';
import type { Table, TableOptions } from '../../tables/index.ts';
import { readDataSchema } from '../monitor/data-schema.ts';
import { openData, type DataPlaces, type DataSource } from '../monitor/data-source.ts';
import { drift, type DriftCommand } from '../monitor/drift.ts';

export interface DataCheck {
  /** Files, or `PATH@REV`. */
  readonly files: readonly string[];
  /** Path of the schema. */
  readonly schema: string;
  readonly table?: TableOptions | undefined;
  readonly now?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/**
 * Checks files against a schema. What a file does wrong is in the report, also that it cannot be read.
 * @throws MlopsError `bad_settings` for the schema, `table_missing` for a file.
 */
export async function checkData(places: DataPlaces, check: DataCheck): Promise<QualityReport> {
  const schema = readDataSchema(places.cwd, check.schema);
  const files: FileResult[] = [];
  for (const file of check.files) files.push(await checkFile(places, check, schema, file));
  return { success: files.every((file) => file.success), files };
}

async function checkFile(places: DataPlaces, check: DataCheck, schema: DataSchema, file: string): Promise<FileResult> {
  const { table: tableOptions = {} } = check;
  const beside = { ...places, cwd: path.dirname(path.resolve(places.cwd, check.schema)) };
  const open: DataSource[] = [];
  const opened = async (name: string, from: DataPlaces): Promise<Table> => {
    const source = await openData(name, from, tableOptions);
    open.push(source);
    return source.table;
  };
  try {
    const table = await opened(file, places);
    return await checkTable(table, schema, {
      now: check.now ?? Date.now(),
      openOther: (name) => opened(name, beside),
      compare: (wanted) => compareWith(beside, wanted, nameBeside(places.cwd, file, beside.cwd), tableOptions),
      onRows: (rows) => {
        check.signal?.throwIfAborted();
        check.onProgress?.({ name: `checking ${file}`, unit: 'rows', done: rows });
      },
    });
  } finally {
    for (const source of open) source.close();
  }
}

/** A file as it is called from another folder; what is no file here is a name at a revision, the same everywhere. */
function nameBeside(cwd: string, file: string, folder: string): string {
  const here = path.resolve(cwd, file);
  return fs.existsSync(here) ? path.relative(folder, here) || '.' : file;
}

/** @throws MlopsError `bad_settings` for a column that one of them lacks, as the schema names it. */
async function compareWith(
  beside: DataPlaces,
  { method, ...wanted }: NonNullable<DataSchema['drift']>,
  current: string,
  table: TableOptions,
): Promise<DriftReport> {
  try {
    return await drift(beside, { ...wanted, current, method: method as DriftCommand['method'], table });
  } catch (error) {
    if (!isMlopsError(error, 'usage')) throw error;
    // The words of a schema are no flags.
    const hint = error.hint?.includes('--') === true ? undefined : error.hint;
    throw new MlopsError('bad_settings', `drift: ${error.message}`, { hint, cause: error });
  }
}

/** The schema that a file suggests, as YAML. @throws MlopsError `table_missing`, `bad_table`. */
export async function inferDataSchema(
  places: DataPlaces,
  file: string,
  options: Pick<DataCheck, 'table' | 'signal' | 'onProgress'> = {},
): Promise<string> {
  const source = await openData(file, places, options.table ?? {});
  try {
    const schema = await inferSchema(source.table, (rows) => {
      options.signal?.throwIfAborted();
      options.onProgress?.({ name: `reading ${file}`, unit: 'rows', done: rows });
    });
    return formatSchema(schema);
  } finally {
    source.close();
  }
}

/** The numbers of a report as a metrics file has them. */
export function qualityMetrics(report: QualityReport): Record<string, unknown> {
  const files = report.files.map(({ file, success, rows, expectations, error }) => {
    const failed = expectations.filter((one) => !one.success);
    const unexpected = failed.reduce((sum, one) => sum + one.result.unexpected_count, 0);
    const numbers = {
      success: Number(success),
      rows,
      expectations: expectations.length,
      failed: failed.length,
      unexpected,
    };
    return [path.basename(file), error === undefined ? numbers : { ...numbers, unreadable: 1 }] as const;
  });
  const all = report.files.flatMap((file) => file.expectations);
  return {
    success: Number(report.success),
    expectations: all.length,
    failed: all.filter((one) => !one.success).length + report.files.filter((file) => file.error !== undefined).length,
    files: Object.fromEntries(files),
  };
}
