/** Keeps the last part of a stream of output. */
export interface OutputTail {
  add(chunk: Uint8Array): void;
  /** What is kept, from the beginning of a line where something was dropped. */
  content(): Uint8Array;
}

/** @param limit bytes that are kept at least; twice as many may be held meanwhile. */
export function outputTail(limit: number): OutputTail {
  let chunks: Uint8Array[] = [];
  let size = 0;
  let dropped = false;
  const shorten = (): void => {
    const whole = Buffer.concat(chunks);
    const rest = whole.subarray(Math.max(0, whole.length - limit));
    chunks = [rest];
    size = rest.length;
    dropped = true;
  };
  return {
    add: (chunk) => {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size > 2 * limit) shorten();
    },
    content: () => {
      if (size > limit) shorten();
      const whole = Buffer.concat(chunks);
      if (!dropped) return whole;
      const line = whole.indexOf(10);
      return Buffer.concat([Buffer.from('[... the beginning is cut off ...]\n'), whole.subarray(line + 1)]);
    },
  };
}
