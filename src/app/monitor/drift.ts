import { MlopsError, didYouMean } from '../../base/index.ts';
import {
  checkDrift,
  checkTogether,
  driftSeries,
  isMultivariateName,
  type DriftOptions,
  type DriftReport,
  type MethodName,
} from '../../monitor/index.ts';
import { loadBothColumns, type Column, type Table, type TableOptions } from '../../tables/index.ts';
import { openData, type DataPlaces, type DataSource } from './data-source.ts';

export interface DriftCommand extends Omit<DriftOptions, 'method'> {
  /** A name, or what was opened already: it stays open. */
  readonly reference: string | DataSource;
  readonly current: string;
  /** Only these; the others that both tables have unless given. */
  readonly columns?: readonly string[] | undefined;
  /** Columns to take as categories. */
  readonly categorical?: readonly string[] | undefined;
  readonly method?: MethodName | 'auto' | 'mmd' | 'centroid' | 'classifier' | 'pca' | undefined;
  readonly standardize?: boolean | undefined;
  readonly seed?: number | undefined;
  /** Also compare so many chunks, one after the other. */
  readonly chunks?: number | undefined;
  readonly table?: TableOptions | undefined;
  /** Told which columns are left out, and why. */
  readonly onNote?: ((line: string) => void) | undefined;
}

type Columns = ReadonlyMap<string, Column>;

/**
 * Compares current data with reference data: tables, folders of pictures, windows of the prediction log.
 * @throws MlopsError `usage` for a column that one of them lacks; `table_missing`, `bad_table`.
 */
export async function drift(places: DataPlaces, command: DriftCommand): Promise<DriftReport> {
  const { reference: given } = command;
  const before = typeof given === 'string' ? await openData(given, places, command.table) : given;
  try {
    const now = await openData(command.current, places, command.table);
    try {
      const [reference, current] = await loadBoth(await tableOf(before, now), await tableOf(now, before), command);
      const { method = 'auto' } = command;
      if (!isMultivariateName(method)) {
        const report = checkDrift(reference, current, { ...command, method });
        if (command.chunks === undefined) return report;
        return { ...report, series: driftSeries(reference, current, command.chunks, method) };
      }
      const multivariate = checkTogether(method, reference, current, command);
      const { drifted, verdict } = multivariate;
      const rest = { correction: command.correction ?? 'holm', level: command.level ?? 0.01 } as const;
      return { columns: {}, multivariate, share_drifted: Number(drifted), drifted, verdict, ...rest };
    } finally {
      now.close();
    }
  } finally {
    if (typeof given === 'string') before.close();
  }
}

/** The table, or of a folder of pictures its descriptors, called as in the other one. */
async function tableOf({ table, describe }: DataSource, other: DataSource): Promise<Table> {
  if (describe === undefined) return table;
  return describe(other.describe === undefined ? await columnNames(other.table) : []);
}

async function loadBoth(before: Table, now: Table, command: DriftCommand): Promise<[Columns, Columns]> {
  const wanted = command.columns === undefined ? undefined : new Set(command.columns);
  const load = (categories: readonly string[]) =>
    loadBothColumns(before, now, { columns: wanted, categorical: new Set(categories) });
  const categorical = command.categorical ?? [];
  let [reference, current] = await load(categorical);
  // A window of the log without predictions is too little to judge, not a wrong table.
  if (current.size === 0 && command.current.startsWith('log:')) return [reference, emptied(reference)];
  for (const name of [...(wanted ?? []), ...categorical]) {
    await requireColumn(name, reference, before);
    await requireColumn(name, current, now);
  }
  const mixed = [...reference.values()].filter((column) => isMixed(column, current.get(column.name)));
  if (mixed.length > 0) {
    // What is text on one side is text on both, in its own spelling.
    const texts = [...categorical, ...mixed.map((column) => column.name)];
    [reference, current] = await load(texts);
  }
  const both = [...(wanted ?? reference.keys())].filter((name) => reference.has(name) && current.has(name));
  const left = [...reference.keys()].filter((name) => !current.has(name));
  if (both.length === 0) throw new MlopsError('usage', `'${before.name}' and '${now.name}' have no column in common`);
  if (left.length > 0) command.onNote?.(`not in ${now.name}, left out: ${left.join(', ')}`);
  return [onlyThese(reference, both), onlyThese(current, both)];
}

/** The same columns without a row. */
function emptied(columns: Columns): Columns {
  const none = { rows: 0, missing: 0 };
  return new Map(
    [...columns].map(([name, column]) => [
      name,
      column.kind === 'number'
        ? { ...column, ...none, values: new Float64Array(0) }
        : { ...column, ...none, codes: new Int32Array(0) },
    ]),
  );
}

function onlyThese(columns: Columns, names: readonly string[]): Columns {
  return new Map(
    names.flatMap((name) => {
      const column = columns.get(name);
      return column === undefined ? [] : [[name, column] as const];
    }),
  );
}

function isMixed(reference: Column, current: Column | undefined): boolean {
  return current !== undefined && reference.kind !== current.kind;
}

async function requireColumn(name: string, columns: Columns, table: Table): Promise<void> {
  if (columns.has(name)) return;
  throw new MlopsError('usage', `'${table.name}' has no column '${name}'`, {
    hint: didYouMean(name, await columnNames(table)) ?? 'check --columns and --categorical',
  });
}

async function columnNames(table: Table): Promise<readonly string[]> {
  for await (const batch of table.batches()) return batch.columns;
  return [];
}
