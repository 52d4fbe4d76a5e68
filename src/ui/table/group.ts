import type { TableRow } from '../../api/ui/wire.ts';
import { plainNumber } from '../kit/format.ts';

export interface Group {
  readonly value: string;
  readonly rows: readonly TableRow[];
  /** Of each column; undefined where it has no numbers. */
  readonly cells: readonly (Spread | undefined)[];
}

export interface Spread {
  readonly mean: number;
  /** Of the sample; 0 for one value. */
  readonly deviation: number;
  readonly count: number;
}

/** Runs by the value of one column, the largest group first. */
export function groupRows(rows: readonly TableRow[], columns: readonly string[], by: string): Group[] {
  const at = columns.indexOf(by);
  const groups = new Map<string, TableRow[]>();
  for (const row of rows) {
    const value = row.values[at];
    const name = value === null || value === undefined ? '' : String(value);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row]);
    else group.push(row);
  }
  return [...groups]
    .map(([value, members]) => ({
      value,
      rows: members,
      cells: columns.map((_, i) => spread(members.map((row) => plainNumber(row.values[i])))),
    }))
    .toSorted((a, b) => b.rows.length - a.rows.length || (a.value < b.value ? -1 : 1));
}

/** Mean and deviation of the finite ones. */
export function spread(values: readonly number[]): Spread | undefined {
  const finite = values.filter((value) => Number.isFinite(value));
  if (finite.length === 0) return undefined;
  const mean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
  const squares = finite.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: finite.length < 2 ? 0 : Math.sqrt(squares / (finite.length - 1)), count: finite.length };
}

/** Columns in which not all rows are the same. */
export function differing(rows: readonly TableRow[], columns: readonly string[]): Set<string> {
  const found = new Set<string>();
  columns.forEach((name, i) => {
    if (rows.some((row) => row.values[i] !== rows[0]?.values[i])) found.add(name);
  });
  return found;
}
