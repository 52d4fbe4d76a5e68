/** Collects rows by their run. */
export function group<Row extends { readonly run: number }, Item>(
  rows: readonly Row[],
  convert: (row: Row) => Item,
): Map<number, Item[]> {
  const found = new Map<number, Item[]>();
  for (const row of rows) {
    const list = found.get(row.run);
    if (list === undefined) found.set(row.run, [convert(row)]);
    else list.push(convert(row));
  }
  return found;
}
