export const corrections = ['holm', 'bh', 'none'] as const;
export type Correction = (typeof corrections)[number];

/**
 * P-values made comparable with the level of the whole table: Holm holds the chance of any false alarm under it,
 * Benjamini and Hochberg the share of false ones among the alarms.
 */
export function adjusted(pValues: readonly number[], correction: Correction): number[] {
  const count = pValues.length;
  const order = pValues.map((_, index) => index).sort((a, b) => (pValues[a] ?? 0) - (pValues[b] ?? 0));
  const result = [...pValues];
  if (correction === 'holm') {
    let most = 0;
    for (const [rank, index] of order.entries()) {
      most = Math.max(most, (pValues[index] ?? 0) * (count - rank));
      result[index] = Math.min(1, most);
    }
  } else if (correction === 'bh') {
    let least = 1;
    for (const [rank, index] of [...order.entries()].reverse()) {
      least = Math.min(least, ((pValues[index] ?? 0) * count) / (rank + 1));
      result[index] = least;
    }
  }
  return result;
}
