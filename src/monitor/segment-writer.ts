import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { feedbackLine, predictionLine, type Entry, type FeedbackEntry } from './entry.ts';
import { SegmentIndexer } from './segment-index.ts';
import { headerLine } from './prediction-log.ts';

/** Records are written in pieces of about so many characters. */
const pieceSize = 1 << 20;

/** A segment under way: nobody sees its records before `finish`. */
export class SegmentWriter {
  readonly #temporary: string;
  readonly #final: string;
  readonly #handle: number;
  readonly #indexer: SegmentIndexer;
  #piece = '';

  /** @param directory of the log; made when absent. */
  constructor(directory: string) {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const time = new Date().toISOString().replace(/[-:.]/g, '');
    const name = `predictions-${time}-${randomBytes(4).toString('hex')}.jsonl`;
    this.#final = path.join(directory, name);
    this.#temporary = path.join(directory, `.${name}.tmp`);
    this.#handle = fs.openSync(this.#temporary, 'wx', 0o600);
    fs.writeSync(this.#handle, headerLine);
    this.#indexer = new SegmentIndexer(headerLine.length);
  }

  prediction(entry: Entry): void {
    this.#add(predictionLine(entry));
  }

  feedback(feedback: FeedbackEntry): void {
    this.#add(feedbackLine(feedback));
  }

  #add(line: string): void {
    this.#piece += `${line}\n`;
    if (this.#piece.length > pieceSize) this.#flush();
  }

  #flush(): void {
    if (this.#piece === '') return;
    const bytes = Buffer.from(this.#piece);
    fs.writeFileSync(this.#handle, bytes);
    this.#indexer.wrote(this.#piece, bytes.length);
    this.#piece = '';
  }

  /** Makes the records part of the log, on disk. */
  finish(): void {
    this.#flush();
    fs.writeSync(this.#handle, this.#indexer.finish() ?? '');
    fs.fsyncSync(this.#handle);
    fs.closeSync(this.#handle);
    fs.renameSync(this.#temporary, this.#final);
  }

  /** Throws the records away. */
  discard(): void {
    fs.closeSync(this.#handle);
    fs.rmSync(this.#temporary, { force: true });
  }
}
