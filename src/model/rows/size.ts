/** A size as a product: a whole number times free sizes by name. Sizes of a tensor, and the values of shape tensors. */
export interface Size {
  readonly factor: number;
  /** In order of the alphabet. */
  readonly names: readonly string[];
}

/** The free size that is the number of rows of a request, or of a batch of requests. */
const rowsName = '#rows';

export const one: Size = { factor: 1, names: [] };
export const rows: Size = { factor: 1, names: [rowsName] };

export function fixed(factor: number): Size {
  return { factor, names: [] };
}

export function free(name: string): Size {
  return { factor: 1, names: [name] };
}

export function times(a: Size, b: Size): Size {
  return { factor: a.factor * b.factor, names: [...a.names, ...b.names].sort() };
}

export function product(sizes: readonly Size[]): Size {
  return sizes.reduce(times, one);
}

/** a / b where that is a product again, else undefined. */
export function over(a: Size, b: Size): Size | undefined {
  if (b.factor === 0 || a.factor % b.factor !== 0) return undefined;
  const names = [...a.names];
  for (const name of b.names) {
    const at = names.indexOf(name);
    if (at < 0) return undefined;
    names.splice(at, 1);
  }
  return { factor: a.factor / b.factor, names };
}

export function same(a: Size, b: Size): boolean {
  return a.factor === b.factor && a.names.length === b.names.length && a.names.every((name, i) => name === b.names[i]);
}

export function countsRows(size: Size): boolean {
  return size.names.includes(rowsName);
}

/** The number, where no free size is in it. */
export function numberOf(size: Size | undefined): number | undefined {
  return size?.names.length === 0 ? size.factor : undefined;
}
