import { badTable } from './bad-table.ts';

export interface CsvOptions {
  /** One character. Without it: the one of `,` `;` tab `|` that the header has most of. */
  readonly delimiter?: string | undefined;
  /** One character, doubled inside of a quoted field. Default `"`. */
  readonly quote?: string | undefined;
  readonly encoding?: string | undefined;
}

export interface Dialect {
  /** Bytes. */
  readonly delimiter: number;
  readonly quote: number;
}

const candidates = [',', ';', '\t', '|'];

/** The dialect of a file by its options and its first line. */
export function dialectOf(name: string, head: Buffer, options: CsvOptions): Dialect {
  const quote = oneByte(name, options.quote ?? '"', 'quote');
  if (options.delimiter !== undefined) return { delimiter: oneByte(name, options.delimiter, 'delimiter'), quote };
  const counts = new Map(candidates.map((text) => [text.charCodeAt(0), 0]));
  let quoted = false;
  for (const byte of head) {
    if (byte === quote) quoted = !quoted;
    else if (!quoted && (byte === 0x0a || byte === 0x0d)) break;
    else if (!quoted && counts.has(byte)) counts.set(byte, (counts.get(byte) ?? 0) + 1);
  }
  const [best] = [...counts].sort(([, a], [, b]) => b - a);
  return { delimiter: best !== undefined && best[1] > 0 ? best[0] : 0x2c, quote };
}

function oneByte(name: string, text: string, what: string): number {
  const code = text.charCodeAt(0);
  if (text.length === 1 && code < 128 && text !== '\n' && text !== '\r') return code;
  throw badTable(name, `cannot be read with the ${what} '${text}'`, { hint: `a ${what} is one ASCII character` });
}
