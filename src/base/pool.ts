/**
 * Runs `work` over the items with at most `limit` in flight, and returns the results in the items' order.
 * The first failure stops new work, waits for what is in flight, and is thrown. An abort does the same
 * with the signal's reason.
 */
export async function mapPool<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  limit: number,
  work: (item: Item, index: number) => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result[]> {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const results: Result[] = [];
  let nextIndex = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (!failed) {
      signal?.throwIfAborted();
      const index = nextIndex++;
      const step = await iterator.next();
      if (step.done === true) return;
      results[index] = await work(step.value, index);
    }
  };
  const guarded = async (): Promise<void> => {
    try {
      await lane();
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: Math.max(1, limit) }, guarded));
  const rejected = lanes.find((outcome) => outcome.status === 'rejected');
  if (rejected !== undefined) throw rejected.reason;
  return results;
}
