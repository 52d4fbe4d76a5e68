import { PredictionSampler, type PredictionSink, type SamplerOptions } from '../../monitor/index.ts';

export interface SharedLogOptions extends SamplerOptions {
  /** Bytes that may be on their way to the writer; records beyond are dropped and counted. Default 16 MiB. */
  readonly maxPending?: number | undefined;
}

/** Lines are sent on together: at the latest after this time, in milliseconds, or when they have this size. */
const flushInterval = 50;
const flushSize = 256 * 1024;

/** The prediction log of a process that does not write it: takes records and sends them to the one writer. */
export class SharedLog implements PredictionSink {
  /** The writer counts what it wrote. */
  readonly logged = 0;
  dropped = 0;
  readonly #sampler: PredictionSampler;
  readonly #write: (lines: string, count: number) => Promise<void>;
  readonly #troubleOf: () => string | undefined;
  readonly #maxPending: number;
  #lines = '';
  #count = 0;
  #underWay = 0;
  #sending: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    write: (lines: string, count: number) => Promise<void>,
    troubleOf: () => string | undefined,
    options: SharedLogOptions,
  ) {
    this.#write = write;
    this.#troubleOf = troubleOf;
    this.#sampler = new PredictionSampler(options);
    this.#maxPending = options.maxPending ?? 16 * 1024 * 1024;
  }

  get sampledOut(): number {
    return this.#sampler.sampledOut;
  }

  get trouble(): string | undefined {
    return this.#troubleOf();
  }

  wants(): boolean {
    return this.#sampler.wants();
  }

  takesFeedback(count?: number): boolean {
    return this.#sampler.takesFeedback(count);
  }

  append(line: string, count = 1): boolean {
    if (this.#underWay + this.#lines.length + line.length > this.#maxPending) {
      this.dropped += count;
      return false;
    }
    this.#lines += this.#count === 0 ? line : `\n${line}`;
    this.#count += count;
    if (this.#lines.length >= flushSize) this.#flush();
    else if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#flush(), flushInterval);
      this.#timer.unref();
    }
    return true;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#count === 0) return;
    const [lines, count] = [this.#lines, this.#count];
    this.#lines = '';
    this.#count = 0;
    this.#underWay += lines.length;
    const sent = this.#write(lines, count).then(
      () => (this.#underWay -= lines.length),
      () => {
        this.#underWay -= lines.length;
        this.dropped += count;
      },
    );
    this.#sending = Promise.all([this.#sending, sent]).then(() => undefined);
  }

  /** Sends what waits, until the writer has it. */
  async close(): Promise<void> {
    this.#flush();
    await this.#sending;
  }
}
