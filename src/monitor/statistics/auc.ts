/**
 * The area under the ROC curve: the share of pairs of a positive and a negative that the scores put in order, ties
 * half. NaN where one of the two is absent.
 *
 * @param truth 1 for positives.
 */
export function rocAuc(truth: ArrayLike<number>, scores: Float64Array): number {
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i).sort(
    (a, b) => (scores[a] ?? 0) - (scores[b] ?? 0),
  );
  let positives = 0;
  let negatives = 0;
  let ordered = 0;
  for (let from = 0; from < order.length;) {
    const score = scores[order[from] ?? 0];
    let [here, others] = [0, 0];
    let to = from;
    for (; to < order.length && scores[order[to] ?? 0] === score; to++) {
      if (truth[order[to] ?? 0] === 1) here++;
      else others++;
    }
    ordered += here * negatives + (here * others) / 2;
    positives += here;
    negatives += others;
    from = to;
  }
  return positives === 0 || negatives === 0 ? Number.NaN : ordered / (positives * negatives);
}
