/** Collects rows by their run. */
export function group<Row extends { readonly run: number }, Item>(
  rows: readonly Row[],
  convert: (row: Row) => Item,
): Map<number, Item[]> {
  const found = new Map<number, Item[]>();
  for (const row of rows) push(found, row.run, convert(row));
  return found;
}

/** Adds to the list of a run. */
export function push<Item>(lists: Map<number, Item[]>, run: number, item: Item): void {
  const list = lists.get(run);
  if (list === undefined) lists.set(run, [item]);
  else list.push(item);
}
