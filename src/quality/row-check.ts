import type { Batch } from '../tables/index.ts';
import type { Expectation } from './result.ts';
import type { DataType } from './schema-types.ts';

/** Types of columns by their names, as far as the schema says. */
export type Types = ReadonlyMap<string, DataType | undefined>;
/** Gives the cells of some columns on some lines. */
export type CellsAt = (
  lines: readonly number[],
  columns: readonly string[],
) => Promise<readonly (readonly unknown[])[]>;

/** Looks at whole rows. `columns` are the numbers of its `names` in the batch, -1 for one that rows lack. */
export interface RowCheck {
  /** Undefined: all columns of the table. */
  readonly names: readonly string[] | undefined;
  see(batch: Batch, columns: readonly number[]): void;
  finish(rows: number, cellsAt: CellsAt): Promise<Expectation> | Expectation;
  close?(): void;
}

export function isNumeric(type: DataType | undefined): boolean {
  return type === 'integer' || type === 'number';
}
