/** Bytes of a text that is remembered. */
const longest = 24;
const slots = 2048;

/**
 * Texts of bytes, those met lately without making them anew: a column of few values is a column of few texts.
 */
export class ShortTexts {
  readonly #bytes = new Uint8Array(slots * longest);
  readonly #lengths = new Uint8Array(slots);
  readonly #texts: string[] = Array.from({ length: slots }, () => '');

  text(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length > longest) return bytes.toString('utf8', start, end);
    let hash = length;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
    const slot = (hash ^ (hash >>> 15)) & (slots - 1);
    const place = slot * longest;
    if (this.#lengths[slot] === length) {
      let at = 0;
      while (at < length && this.#bytes[place + at] === bytes[start + at]) at++;
      if (at === length) return this.#texts[slot] ?? '';
    }
    const text = bytes.toString('utf8', start, end);
    this.#lengths[slot] = length;
    for (let at = 0; at < length; at++) this.#bytes[place + at] = bytes[start + at] ?? 0;
    this.#texts[slot] = text;
    return text;
  }
}
