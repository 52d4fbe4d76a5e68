/**
 * A hash of some cells in a row, 96 bits in three words: a billion different rows share one by a chance of 6 in a
 * trillion. Not for secrets: who knows the constants can make two that are alike.
 *
 * Each word takes what comes four bytes at a time, as MurmurHash3 does, with constants of its own.
 */
export class CellHash {
  #a = 0;
  #b = 0;
  #c = 0;
  readonly #number = new Float64Array(1);
  readonly #words = new Uint32Array(this.#number.buffer);

  start(): void {
    this.#a = 0x243f6a88;
    this.#b = 0x85a308d3 | 0;
    this.#c = 0x13198a2e;
  }

  #add(word: number): void {
    const a = this.#a ^ Math.imul(word, 0xcc9e2d51);
    const b = this.#b ^ Math.imul(word, 0x38b34ae5);
    const c = this.#c ^ Math.imul(word, 0xa1e38b93);
    this.#a = (Math.imul((a << 13) | (a >>> 19), 5) + 0xe6546b64) | 0;
    this.#b = (Math.imul((b << 17) | (b >>> 15), 9) + 0x561ccd1b) | 0;
    this.#c = (Math.imul((c << 11) | (c >>> 21), 3) + 0x0bcaa747) | 0;
  }

  addBytes(bytes: Buffer, start: number, end: number): void {
    let at = start;
    for (; at + 4 <= end; at += 4) {
      this.#add(
        (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24),
      );
    }
    let rest = 0;
    for (let shift = 0; at < end; at++, shift += 8) rest |= (bytes[at] ?? 0) << shift;
    this.#add(rest);
    // The length tells the end of a cell from the start of the next.
    this.#add(end - start);
  }

  /** Null, for a missing value, is like no text. */
  addText(text: string | null): void {
    if (text === null) this.#add(0x7fffffff);
    else {
      const bytes = Buffer.from(text);
      this.addBytes(bytes, 0, bytes.length);
    }
  }

  /** The same for all ways to write a number. */
  addNumber(value: number): void {
    this.#number[0] = value + 0;
    this.#add(this.#words[0] ?? 0);
    this.#add(this.#words[1] ?? 0);
    this.#add(0x40000000);
  }

  get a(): number {
    return mixed(this.#a);
  }

  get b(): number {
    return mixed(this.#b);
  }

  get c(): number {
    return mixed(this.#c);
  }
}

/** MurmurHash3's last step: each bit of the sum reaches all others. */
function mixed(word: number): number {
  let hash = word ^ (word >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
