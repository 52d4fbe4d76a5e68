export interface Window {
  readonly from: number;
  readonly to: number;
}

/** The items of one size that are seen from `offset` on, and some more on either side. */
export function windowOf(offset: number, length: number, size: number, count: number, more: number): Window {
  const from = Math.max(0, Math.floor(offset / size) - more);
  const to = Math.min(count, Math.ceil((offset + length) / size) + more);
  return { from: Math.min(from, count), to: Math.max(to, 0) };
}
