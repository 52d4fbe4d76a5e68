import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { messageOf } from '../base/index.ts';
import { noteDropped } from './dropped-records.ts';
import { SegmentIndexer } from './segment-index.ts';
import { PredictionSampler, type PredictionSink, type SamplerOptions } from './prediction-sampler.ts';

/** Version of the format; readers refuse newer ones. */
export const predictionLogFormat = 1;
/** What a segment begins with. */
export const headerLine = `{"mlops_prediction_log":${predictionLogFormat}}\n`;

export interface PredictionLogOptions extends SamplerOptions {
  /** Folder of the segments; made when absent. */
  readonly directory: string;
  /** Segments older than this are removed, in days. Default 30. */
  readonly retentionDays?: number | undefined;
  /** A segment is closed at this size, in bytes. Default 64 MiB. */
  readonly segmentSize?: number | undefined;
  /** All segments together, in bytes: beyond, the oldest are removed. Default 16 GiB, ten million records of 1.6 kB. */
  readonly maxBytes?: number | undefined;
  /** Bytes that may wait to be written; records beyond are dropped and counted. Default 16 MiB. */
  readonly maxPending?: number | undefined;
  /** Told when writing fails for the first time, and when it works again. */
  readonly onTrouble?: ((message: string) => void) | undefined;
}

interface Settings {
  readonly directory: string;
  readonly retentionDays: number;
  readonly segmentSize: number;
  readonly maxBytes: number;
  readonly maxPending: number;
  readonly onTrouble: ((message: string) => void) | undefined;
}

interface Segment {
  readonly handle: fs.promises.FileHandle;
  readonly day: number;
  size: number;
  /** Undefined once a write was cut short: what lies where is not known then. */
  indexer: SegmentIndexer | undefined;
}

const dayMs = 86_400_000;
/** How long to leave a disk alone that refused a write. */
const retryMs = 5_000;

/**
 * Appends predictions and feedback to JSON-lines segments `predictions-TIME-ID.jsonl`. The first line of a segment is
 * its header `{"mlops_prediction_log": 1}`; every other is one record with `kind`; of a segment that was closed the last is
 * its index (`SegmentIndex`). Taking a record never waits and
 * never fails: what cannot be kept is counted in `dropped`.
 */
export class PredictionLog implements PredictionSink {
  logged = 0;
  dropped = 0;
  /** Why nothing can be written at the moment. */
  trouble: string | undefined;
  readonly #options: Settings;
  readonly #sampler: PredictionSampler;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #waitingRecords = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #segment: Segment | undefined;
  #retryAt = 0;
  /** Of the dropped records those that are noted beside the log. */
  #noted = 0;

  constructor(options: PredictionLogOptions) {
    this.#options = {
      directory: options.directory,
      retentionDays: options.retentionDays ?? 30,
      segmentSize: options.segmentSize ?? 64 * 1024 * 1024,
      maxBytes: options.maxBytes ?? 16 * 1024 ** 3,
      maxPending: options.maxPending ?? 16 * 1024 * 1024,
      onTrouble: options.onTrouble,
    };
    this.#sampler = new PredictionSampler(options);
  }

  get sampledOut(): number {
    return this.#sampler.sampledOut;
  }

  /** Whether the next prediction is to be logged. Asked first, so that a record not wanted is never built. */
  wants(now?: number): boolean {
    return this.#sampler.wants(now);
  }

  takesFeedback(count?: number, now?: number): boolean {
    return this.#sampler.takesFeedback(count, now);
  }

  /**
   * Takes one record, a JSON object in one line without the newline, or `count` of them joined by newlines. False
   * when too much waits to be written already.
   */
  append(line: string, count = 1): boolean {
    if (this.#waitingBytes + line.length > this.#options.maxPending) {
      this.dropped += count;
      return false;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length + 1;
    this.#waitingRecords += count;
    if (this.#timer === undefined && this.#writing === undefined) {
      this.#timer = setTimeout(() => this.#flush(), 100);
      this.#timer.unref();
    }
    return true;
  }

  /** Returns when everything that was taken is written; false when some of it could not be. */
  async flush(): Promise<boolean> {
    const before = this.dropped;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#writing;
    if (this.#waiting.length > 0) {
      clearTimeout(this.#timer);
      this.#flush();
      await this.#writing;
    }
    return this.dropped === before;
  }

  #flush(): void {
    this.#timer = undefined;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
      if (this.#waiting.length === 0 || this.#timer !== undefined) return;
      this.#timer = setTimeout(() => this.#flush(), 100);
      this.#timer.unref();
    });
  }

  async #write(): Promise<void> {
    const lines = this.#waiting;
    const bytes = this.#waitingBytes;
    const records = this.#waitingRecords;
    this.#waiting = [];
    this.#waitingRecords = 0;
    if (performance.now() < this.#retryAt) return this.#lose(records, bytes);
    try {
      const segment = await this.#openSegment();
      const text = lines.join('\n');
      const encoded = Buffer.from(`${text}\n`);
      const { bytesWritten } = await segment.handle.write(encoded);
      segment.size += bytesWritten;
      if (bytesWritten === encoded.length) segment.indexer?.wrote(text, bytesWritten);
      else segment.indexer = undefined;
      this.logged += records;
      this.#waitingBytes -= bytes;
      await this.#note();
      if (this.trouble !== undefined) this.#options.onTrouble?.('the prediction log is written again');
      this.trouble = undefined;
    } catch (error) {
      // A full or read-only disk must not stop the answers: count, say it once, and try again later.
      if (this.trouble === undefined)
        this.#options.onTrouble?.(`the prediction log cannot be written: ${messageOf(error)}`);
      this.trouble = messageOf(error);
      this.#retryAt = performance.now() + retryMs;
      if (this.#segment !== undefined) this.#segment.indexer = undefined;
      await this.#closeSegment();
      this.#lose(records, bytes);
    }
  }

  /** Losses are told of beside the log as soon as the disk takes something. */
  async #note(): Promise<void> {
    const lost = this.dropped - this.#noted;
    if (lost === 0) return;
    try {
      await noteDropped(this.#options.directory, lost, Date.now());
      this.#noted += lost;
    } catch {
      // With the next write.
    }
  }

  #lose(records: number, bytes: number): void {
    this.dropped += records;
    this.#waitingBytes -= bytes;
  }

  async #openSegment() {
    const day = Math.floor(Date.now() / dayMs);
    const current = this.#segment;
    const isOpen = current !== undefined && current.day === day && current.size < this.#options.segmentSize;
    // A segment that somebody removed would take records that nobody can read.
    if (isOpen && (await current.handle.stat()).nlink > 0) return current;
    await this.#closeSegment();
    const { directory } = this.#options;
    await fs.promises.mkdir(directory, { recursive: true, mode: 0o700 });
    const time = new Date().toISOString().replace(/[-:.]/g, '');
    const file = path.join(directory, `predictions-${time}-${randomBytes(4).toString('hex')}.jsonl`);
    const handle = await fs.promises.open(file, 'ax', 0o600);
    const { bytesWritten } = await handle.write(headerLine);
    this.#segment = { handle, day, size: bytesWritten, indexer: new SegmentIndexer(bytesWritten) };
    await this.#clean();
    return this.#segment;
  }

  async #closeSegment(): Promise<void> {
    const segment = this.#segment;
    this.#segment = undefined;
    const index = segment?.indexer?.finish();
    if (index !== undefined) await segment?.handle.write(index).catch(() => undefined);
    await segment?.handle.close().catch(() => undefined);
  }

  /**
   * Removes what is too old, and the oldest of what is too much, but for the segment that was just begun. A clock that
   * jumps back removes nothing.
   */
  async #clean(): Promise<void> {
    const { retentionDays, maxBytes, segmentSize } = this.#options;
    const oldest = Date.now() - retentionDays * dayMs;
    let size = segmentSize;
    for (const file of segmentFiles(this.#options.directory).toReversed().slice(1)) {
      const stat = await fs.promises.stat(file).catch(() => undefined);
      size += stat?.size ?? 0;
      if (size > maxBytes || (stat !== undefined && stat.mtimeMs < oldest)) await fs.promises.rm(file, { force: true });
    }
  }

  /** Writes what waits and closes the segment. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#writing;
    if (this.#waiting.length > 0) await this.#write();
    await this.#closeSegment();
    await this.#note();
  }
}

/** The segments of a log, oldest first. */
export function segmentFiles(directory: string): string[] {
  if (!fs.existsSync(directory)) return [];
  const names = fs.readdirSync(directory).filter((name) => /^predictions-.*\.jsonl$/.test(name));
  return names.sort().map((name) => path.join(directory, name));
}
