/** Numbers that stand for ids: two of ten million are the same once in two hundred logs. */
export class IdSet {
  size = 0;
  #slots = new Float64Array(1 << 12).fill(-1);

  /** False for one that is there. @param id a whole number below 2^53. */
  add(id: number): boolean {
    if (this.size * 2 >= this.#slots.length) this.#grow();
    if (!put(this.#slots, id)) return false;
    this.size++;
    return true;
  }

  #grow(): void {
    const grown = new Float64Array(this.#slots.length * 2).fill(-1);
    for (const id of this.#slots) if (id !== -1) put(grown, id);
    this.#slots = grown;
  }

  /** In order. */
  sorted(): Float64Array {
    return this.#slots.filter((id) => id !== -1).sort();
  }
}

function put(slots: Float64Array, id: number): boolean {
  const mask = slots.length - 1;
  // The low bits alone: a hash is even in all of them.
  let slot = (id % 4_294_967_296) & mask;
  for (;;) {
    const there = slots[slot];
    if (there === id) return false;
    if (there === -1) {
      slots[slot] = id;
      return true;
    }
    slot = (slot + 1) & mask;
  }
}

/** A hash of 53 bits of the bytes of an id. */
export function idOfBytes(bytes: Uint8Array, start: number, end: number): number {
  let a = 0x9747b28c ^ (end - start);
  let b = 0x3c6ef372;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    a = Math.imul(a ^ byte, 0x5bd1e995);
    a ^= a >>> 15;
    b = Math.imul(b ^ byte, 0x01000193);
    b = (b << 13) | (b >>> 19);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b);
  b = Math.imul(b ^ (b >>> 16), 0xc2b2ae35);
  a ^= b >>> 13;
  b ^= b >>> 16;
  return ((b >>> 11) & 0x1fffff) * 4_294_967_296 + (a >>> 0);
}

/** Those that two ordered lists have in common. */
export function common(one: Float64Array, other: Float64Array): Float64Array {
  const [few, many] = one.length <= other.length ? [one, other] : [other, one];
  const found: number[] = [];
  let from = 0;
  for (const id of few) {
    // Ids are spread evenly, and come in order: what is asked for next lies a little further on.
    let step = 1;
    while (from + step < many.length && (many[from + step] ?? 0) < id) step *= 2;
    from = placeOf(id, many, from, Math.min(many.length, from + step + 1));
    if (many[from] === id) found.push(id);
  }
  return Float64Array.from(found);
}

/** Whether an ordered list has it. */
export function isAmong(ids: Float64Array, id: number): boolean {
  return ids[placeOf(id, ids, 0, ids.length)] === id;
}

/** Where an id is within a stretch of an ordered list, or would be. */
function placeOf(id: number, ids: Float64Array, from: number, to: number): number {
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((ids[middle] ?? 0) < id) from = middle + 1;
    else to = middle;
  }
  return from;
}
