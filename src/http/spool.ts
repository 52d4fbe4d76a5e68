import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';

import { explainSystemError } from '../base/index.ts';
import type { BodyBudget } from './body-budget.ts';

/** What has come of one body: in memory while it is small, then in a file that no other user can open. */
export class Spool {
  readonly #budget: BodyBudget;
  readonly #mostInMemory: number;
  #chunks: Buffer[] = [];
  #inMemory = 0;
  #onDisk = 0;
  #file: fs.FileHandle | undefined;

  constructor(budget: BodyBudget, mostInMemory: number) {
    this.#budget = budget;
    this.#mostInMemory = mostInMemory;
  }

  /** @throws MlopsError `overloaded`, `disk_full`. */
  async add(chunk: Buffer): Promise<void> {
    const fits = this.#inMemory + chunk.length <= this.#mostInMemory && this.#budget.fits(chunk.length);
    if (this.#file === undefined && fits) {
      this.#budget.take(chunk.length, 'memory');
      this.#inMemory += chunk.length;
      this.#chunks.push(chunk);
      return;
    }
    this.#budget.take(chunk.length, 'disk');
    this.#onDisk += chunk.length;
    try {
      this.#file ??= await openHidden();
      await this.#file.write(chunk);
    } catch (error) {
      throw explainSystemError(error);
    }
  }

  /** All of it. What lies in memory is taken out of here. */
  async content(): Promise<Buffer> {
    const [head] = this.#chunks;
    if (this.#file === undefined && this.#chunks.length === 1 && head !== undefined) return head;
    const whole = Buffer.allocUnsafe(this.#inMemory + this.#onDisk);
    let at = 0;
    for (const chunk of this.#chunks) at += chunk.copy(whole, at);
    this.#chunks = [];
    const start = at;
    while (this.#file !== undefined && at < whole.length) {
      const { bytesRead } = await this.#file.read(whole, at, whole.length - at, at - start);
      if (bytesRead === 0) throw new Error('a body that was put aside is gone');
      at += bytesRead;
    }
    return whole;
  }

  async close(): Promise<void> {
    this.#budget.give(this.#inMemory, 'memory');
    this.#budget.give(this.#onDisk, 'disk');
    this.#inMemory = 0;
    this.#onDisk = 0;
    this.#chunks = [];
    await this.#file?.close();
  }
}

/** A file without a name, which is gone when it is closed, however the process ends. */
async function openHidden(): Promise<fs.FileHandle> {
  const file = path.join(os.tmpdir(), `mlops-body-${randomUUID()}`);
  const handle = await fs.open(file, 'wx+', 0o600);
  await fs.unlink(file);
  return handle;
}
