/** Below this a comparison sort is faster. */
const fewest = 2048;
const bits = 11;
const buckets = 1 << bits;
const mask = buckets - 1;
/** Values that agree in their upper half are few; so many are sorted by insertion. */
const mostByInsertion = 24;

/** Room that is used again: columns of a table have the same size. */
let room = roomFor(0);
const counts = [new Uint32Array(buckets), new Uint32Array(buckets), new Uint32Array(buckets)] as const;

function roomFor(size: number) {
  const words = (): Uint32Array<ArrayBuffer> => new Uint32Array(size);
  return { size, low: words(), high: words(), low2: words(), high2: words() };
}

/**
 * The finite ones of some numbers, in rising order (-0 before 0). A radix sort by the upper half of their bits; the rare
 * ones that agree in it are put in order afterwards.
 */
export function sortedFinite(values: Float64Array): Float64Array {
  const finite = finiteOf(values);
  return finite.length < fewest ? finite.sort() : radixSort(finite);
}

/** (`filter` takes longer than the sort.) */
function finiteOf(values: Float64Array): Float64Array {
  const kept = new Float64Array(values.length);
  let n = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (value - value === 0) kept[n++] = value;
  }
  return kept.subarray(0, n);
}

function radixSort(values: Float64Array): Float64Array {
  const n = values.length;
  if (room.size < n) room = roomFor(n);
  const words = new Uint32Array(values.buffer, values.byteOffset, 2 * n);
  const [first, second, third] = counts;
  for (const count of counts) count.fill(0);
  let { low, high, low2, high2 } = room;
  for (let i = 0; i < n; i++) {
    // Rising as unsigned words: the sign is turned over, and with it all bits of negative numbers.
    const sign = (words[2 * i + 1] ?? 0) >> 31;
    low[i] = (words[2 * i] ?? 0) ^ sign;
    const top = ((words[2 * i + 1] ?? 0) ^ (sign | 0x80000000)) >>> 0;
    high[i] = top;
    first[top & mask] = (first[top & mask] ?? 0) + 1;
    second[(top >>> 11) & mask] = (second[(top >>> 11) & mask] ?? 0) + 1;
    third[top >>> 22] = (third[top >>> 22] ?? 0) + 1;
  }
  for (const [pass, count] of counts.entries()) {
    if (!toPlaces(count, n)) continue;
    scatter(n, { low, high, toLow: low2, toHigh: high2 }, count, pass * bits);
    [low, low2] = [low2, low];
    [high, high2] = [high2, high];
  }
  for (let i = 0; i < n; i++) {
    const top = high[i] ?? 0;
    const sign = ~(top >> 31);
    words[2 * i] = (low[i] ?? 0) ^ sign;
    words[2 * i + 1] = top ^ (sign | 0x80000000);
  }
  orderTies(values, high, low);
  return values;
}

interface Words {
  readonly low: Uint32Array;
  readonly high: Uint32Array;
  readonly toLow: Uint32Array;
  readonly toHigh: Uint32Array;
}

function scatter(n: number, { low, high, toLow, toHigh }: Words, count: Uint32Array, shift: number): void {
  for (let i = 0; i < n; i++) {
    const top = high[i] ?? 0;
    const digit = (top >>> shift) & mask;
    const place = count[digit] ?? 0;
    count[digit] = place + 1;
    toLow[place] = low[i] ?? 0;
    toHigh[place] = top;
  }
}

/** Makes counts the first place of each bucket. @returns false where one bucket has all. */
function toPlaces(count: Uint32Array, n: number): boolean {
  let place = 0;
  for (let i = 0; i < buckets; i++) {
    const here = count[i] ?? 0;
    if (here === n) return false;
    count[i] = place;
    place += here;
  }
  return true;
}

/** Sorts runs of values that agree in their upper half and differ in the lower. */
function orderTies(values: Float64Array, high: Uint32Array, low: Uint32Array): void {
  const n = values.length;
  for (let from = 0; from < n;) {
    const top = high[from];
    const bottom = low[from];
    let differ = false;
    let to = from + 1;
    for (; to < n && high[to] === top; to++) if (low[to] !== bottom) differ = true;
    if (differ) {
      if (to - from > mostByInsertion) values.subarray(from, to).sort();
      else insert(values, from, to);
    }
    from = to;
  }
}

function insert(values: Float64Array, from: number, to: number): void {
  for (let i = from + 1; i < to; i++) {
    const value = values[i] ?? 0;
    let at = i;
    for (; at > from && (values[at - 1] ?? 0) > value; at--) values[at] = values[at - 1] ?? 0;
    values[at] = value;
  }
}
