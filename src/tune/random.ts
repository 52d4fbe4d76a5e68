/**
 * Random numbers that depend on a seed and a trial's number alone, so that a study which was killed and goes on
 * suggests what it would have suggested: no state of a generator has to be kept.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;
  #spare: number | undefined;

  /** One stream for each tuple of keys. */
  constructor(...keys: readonly number[]) {
    // FNV-1a over the keys' bits spreads near keys; the first words of the generator are thrown away.
    let hash = 0x811c9dc5;
    const bits = new Uint32Array(new Float64Array(keys).buffer);
    const next = (): number => {
      for (const word of bits) hash = Math.imul(hash ^ word, 0x01000193) ^ (hash >>> 15);
      return hash >>> 0;
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#counter = 1;
    for (let i = 0; i < 12; i++) this.word();
  }

  /** 32 random bits: sfc32 (Chris Doty-Humphrey's PractRand), of period about 2^127. */
  word(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return sum >>> 0;
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    return ((this.word() >>> 5) * 0x4000000 + (this.word() >>> 6)) / 0x20000000000000;
  }

  /** A whole number in [0, n). */
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** Standard normal, by Marsaglia's polar method. */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    for (;;) {
      const u = 2 * this.uniform() - 1;
      const v = 2 * this.uniform() - 1;
      const s = u * u + v * v;
      if (s >= 1 || s === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(s)) / s);
      this.#spare = v * factor;
      return u * factor;
    }
  }

  /** The index that a uniform draw hits in weights that sum to 1. */
  weighted(weights: ArrayLike<number>): number {
    let left = this.uniform();
    for (let i = 0; i < weights.length; i++) {
      left -= weights[i] as number;
      if (left < 0) return i;
    }
    return weights.length - 1;
  }

  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [items[i], items[j]] = [items[j] as T, items[i] as T];
    }
    return items;
  }
}
