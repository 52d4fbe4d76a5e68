/**
 * What long work reports about itself. The terminal decides whether and how to show it; `total` may grow
 * while the work goes on (a walk that still finds files).
 */
export interface Progress {
  /** What is being done, in the progressive: `hashing data/images`. */
  readonly name: string;
  readonly unit: 'files' | 'bytes' | 'stages' | 'runs' | 'rows';
  readonly done: number;
  readonly total?: number;
  /** How far it is inside of the files: one large file is one of one, and takes a minute. */
  readonly bytes?: { readonly done: number; readonly total?: number };
}

export type OnProgress = (progress: Progress) => void;

/** Counts files and bytes of one piece of work, and reports them together at every step. */
export class Meter {
  readonly #report: OnProgress | undefined;
  readonly #name: string;
  readonly #files: number;
  #bytes: number | undefined;
  #sized: number;
  #doneFiles = 0;
  #doneBytes = 0;

  /** @param bytes of all files, where it is known beforehand. */
  constructor(report: OnProgress | undefined, name: string, files: number, bytes?: number) {
    this.#report = report;
    this.#name = name;
    this.#files = files;
    this.#bytes = bytes === undefined || Number.isNaN(bytes) ? undefined : bytes;
    this.#sized = this.#bytes === undefined ? 0 : files;
    this.tick();
  }

  files(count: number): void {
    this.#doneFiles += count;
    this.tick();
  }

  /** Negative where a try broke off, and what it moved is moved again. */
  readonly bytes = (count: number): void => {
    this.#doneBytes = Math.max(0, this.#doneBytes + count);
    this.tick();
  };

  /** One more file turned out to have this many bytes; the sum is told once all are known. */
  readonly expect = (bytes: number): void => {
    this.#bytes = (this.#bytes ?? 0) + bytes;
    this.#sized++;
  };

  /** Says where it is: a line that stands still is drawn anew while something else goes on. */
  tick(): void {
    const total = this.#sized >= this.#files ? this.#bytes : undefined;
    const done = total === undefined ? this.#doneBytes : Math.min(total, this.#doneBytes);
    const bytes = total === undefined ? { done } : { done, total };
    this.#report?.({ name: this.#name, unit: 'files', done: this.#doneFiles, total: this.#files, bytes });
  }
}
