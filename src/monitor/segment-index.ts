import * as fs from 'node:fs';

/**
 * The last line of a segment that was closed: which times its records are of, so that who wants a week need not read a
 * year. Times are those of the records, which an application may give: they need not be in order.
 */
export interface SegmentIndex {
  readonly kind: 'index';
  /** Where this line begins, in bytes: one that says otherwise was copied from elsewhere. */
  readonly size: number;
  /** Labels among the records. */
  readonly labels: number;
  readonly blocks: readonly IndexBlock[];
}

/** A stretch of whole lines: where it begins and ends in the file, and its earliest and latest time. */
export type IndexBlock = readonly [from: number, to: number, first: number, last: number];

/** A block is closed at this size, in bytes. */
const blockSize = 1 << 20;
/** An index line is never longer: of more blocks, neighbours are joined. */
const mostBlocks = 512;
const tailSize = 64 * 1024;

/** Follows what is written to a segment. */
export class SegmentIndexer {
  #from: number;
  #to: number;
  #first = Infinity;
  #last = -Infinity;
  #labels = 0;
  #timeless = false;
  #blocks: IndexBlock[] = [];

  /** @param header bytes of the segment's first line. */
  constructor(header: number) {
    this.#from = header;
    this.#to = header;
  }

  /** @param lines whole lines, joined by newlines. @param bytes what they took, with the last newline. */
  wrote(lines: string, bytes: number): void {
    for (let at = 0; at < lines.length;) {
      const end = lines.indexOf('\n', at);
      const line = lines.slice(at, Math.min(end === -1 ? lines.length : end, at + 600));
      const time = timeIn(line);
      if (time === undefined) this.#timeless = true;
      else {
        this.#first = Math.min(this.#first, time);
        this.#last = Math.max(this.#last, time);
      }
      if (line.startsWith('{"kind":"feedback"')) this.#labels++;
      at = end === -1 ? lines.length : end + 1;
    }
    this.#to += bytes;
    if (this.#to - this.#from >= blockSize) this.#close();
  }

  #close(): void {
    if (this.#to === this.#from) return;
    this.#blocks.push([this.#from, this.#to, this.#first, this.#last]);
    this.#from = this.#to;
    this.#first = Infinity;
    this.#last = -Infinity;
    if (this.#blocks.length > mostBlocks) this.#blocks = joinPairs(this.#blocks);
  }

  /** The line that closes the segment, with its newline; undefined where a record's time is not known. */
  finish(): string | undefined {
    this.#close();
    if (this.#blocks.length === 0 || this.#timeless) return undefined;
    const index: SegmentIndex = {
      kind: 'index',
      size: this.#to,
      labels: this.#labels,
      blocks: this.#blocks,
    };
    return `${JSON.stringify(index)}\n`;
  }
}

function joinPairs(blocks: readonly IndexBlock[]): IndexBlock[] {
  const joined: IndexBlock[] = [];
  for (let i = 0; i < blocks.length; i += 2) {
    const [one, two] = [blocks[i], blocks[i + 1]];
    if (one === undefined) continue;
    joined.push(two === undefined ? one : [one[0], two[1], Math.min(one[2], two[2]), Math.max(one[3], two[3])]);
  }
  return joined;
}

/** The time of a record. It stands before anything that a client chose, but for an id, whose quotes are escaped. */
function timeIn(line: string): number | undefined {
  const digits = /"at":(-?[\d.]{1,20}(?:e\+?\d{1,3})?)/.exec(line)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The index of a segment; undefined where it was not closed, or something was written behind it. */
export function readSegmentIndex(file: string): SegmentIndex | undefined {
  const handle = fs.openSync(file, 'r');
  try {
    const { size } = fs.fstatSync(handle);
    const length = Math.min(size, tailSize);
    const tail = Buffer.alloc(length);
    fs.readSync(handle, tail, 0, length, size - length);
    if (tail.at(-1) !== 0x0a) return undefined;
    const begin = tail.lastIndexOf(0x0a, length - 2) + 1;
    const index = JSON.parse(tail.toString('utf8', begin)) as Partial<SegmentIndex> | null;
    return index?.kind === 'index' && index.size === size - length + begin ? checked(index) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  } finally {
    fs.closeSync(handle);
  }
}

/** Blocks that lie one behind the other, or nothing. */
function checked(index: Partial<SegmentIndex>): SegmentIndex | undefined {
  const { size = 0, labels, blocks } = index;
  if (!isNumber(labels) || !Array.isArray(blocks) || blocks.length === 0) return undefined;
  let end = blocks[0]?.[0];
  for (const block of blocks as readonly unknown[]) {
    if (!Array.isArray(block) || block.length !== 4 || !block.every(isNumber) || block[0] !== end) return undefined;
    end = block[1] as number;
  }
  return end === size ? { kind: 'index', size, labels, blocks } : undefined;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
