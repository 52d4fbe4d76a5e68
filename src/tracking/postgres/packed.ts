import type { Columns } from '../sql/work.ts';

/**
 * Many rows in one answer, column by column: numbers as an array in PostgreSQL's binary form, so that nobody writes and
 * parses digits, texts as a list in JSON.
 */
export type Packed = readonly (Buffer | string | null)[];

/** The query that answers with the columns of `text`, packed. */
export function packed(text: string, columns: Columns): string {
  const lists = Object.entries(columns).map(([name, type]) =>
    type === 'number' ? `array_send(array_agg(${name}))` : `array_to_json(array_agg(${name}))::text`,
  );
  return `SELECT ${lists.join(', ')} FROM (${text}) AS asked`;
}

/** The rows of a packed answer. */
export function unpacked(columns: Packed): (number | string)[][] {
  const [first, ...others] = columns.map(listOf);
  const rows = (first ?? []).map((value) => [value]);
  for (const list of others) for (const [i, row] of rows.entries()) row.push(list[i] ?? NaN);
  return rows;
}

/** The query that answers with the only column of `text`, of numbers, packed. */
export function packedColumn(text: string): string {
  return `SELECT array_send(array_agg(value)) FROM (${text}) AS asked(value)`;
}

/** The values of a packed column; null where there is none. */
export function unpackedColumn([column]: Packed): (number | null)[] {
  return column instanceof Buffer ? numbersOf(column) : [];
}

function listOf(column: Buffer | string | null): (number | string)[] {
  if (column === null) return [];
  return typeof column === 'string' ? (JSON.parse(column) as string[]) : (numbersOf(column) as number[]);
}

/** `pg_type.oid` of double precision. */
const doubles = 701;

/**
 * `array_send` of one dimension: dimensions, flags, type of the elements, their number, the lower bound (four bytes
 * each), then each element with its length before it, -1 for NULL. The elements are bigint or double precision.
 */
function numbersOf(column: Buffer): (number | null)[] {
  const view = new DataView(column.buffer, column.byteOffset, column.byteLength);
  const isDouble = view.getInt32(8) === doubles;
  const count = view.getInt32(12);
  const numbers: (number | null)[] = [];
  for (let i = 0, at = 20; i < count; i++) {
    const size = view.getInt32(at);
    at += 4;
    if (size < 0) {
      numbers.push(null);
      continue;
    }
    numbers.push(isDouble ? view.getFloat64(at) : view.getInt32(at) * 2 ** 32 + view.getUint32(at + 4));
    at += size;
  }
  return numbers;
}
