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

/** The items of each key, in the order in which the keys come. */
export function groupBy<Item>(items: Iterable<Item>, keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
