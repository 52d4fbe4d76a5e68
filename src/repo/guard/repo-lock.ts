import type { FileLock } from '../../base/index.ts';

/** The project's lock while a command works, given back for the time of stage commands. */
export class RepoLock {
  #lock: FileLock | undefined;
  readonly #take: () => Promise<FileLock | undefined>;
  /** False for projects that were opened without the lock. */
  readonly #wanted: boolean;
  /** How many parts of the command need the lock now. */
  #users = 1;
  #taking: Promise<void> | undefined;

  constructor(lock: FileLock | undefined, take: () => Promise<FileLock | undefined>) {
    this.#lock = lock;
    this.#wanted = lock !== undefined;
    this.#take = take;
  }

  async unlocked<Result>(work: () => Promise<Result>): Promise<Result> {
    if (!this.#wanted) return work();
    this.#users--;
    if (this.#users === 0) this.release();
    try {
      return await work();
    } finally {
      this.#users++;
      await this.#retake();
    }
  }

  release(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }

  async #takeNow(): Promise<void> {
    this.#lock = await this.#take();
    this.#taking = undefined;
  }

  async #retake(): Promise<void> {
    if (this.#lock !== undefined) return;
    this.#taking ??= this.#takeNow();
    await this.#taking;
  }
}
