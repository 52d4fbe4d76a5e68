import { MlopsError } from '../base/index.ts';

/** Bytes, over all requests of a server together. */
export interface BodyLimits {
  /** Of unfinished bodies, in memory and on disk. Default 1 GiB. */
  readonly unfinished: number;
  /** Of unfinished bodies in memory. Default 128 MiB. */
  readonly inMemory: number;
  /** Of large finished bodies that are being answered. Default 256 MiB. */
  readonly held: number;
}

const mebibyte = 1024 * 1024;

/** Something that tells when a request is over: its socket, or the response. */
interface Ending {
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): unknown;
  off(event: 'close', listener: () => void): unknown;
}

interface Waiting {
  readonly bytes: number;
  readonly start: () => void;
}

/** What all bodies of a server may take together. */
export class BodyBudget {
  readonly #limits: BodyLimits;
  #unfinished = 0;
  #inMemory = 0;
  #held = 0;
  #waiting: Waiting[] = [];

  constructor(limits: Partial<BodyLimits>) {
    this.#limits = { unfinished: 1024 * mebibyte, inMemory: 128 * mebibyte, held: 256 * mebibyte, ...limits };
  }

  /** Whether there is room in memory, not only on disk. */
  fits(bytes: number): boolean {
    return this.#inMemory + bytes <= this.#limits.inMemory;
  }

  /** @throws MlopsError `overloaded` when the bodies that are under way take all that they may. */
  take(bytes: number, place: 'memory' | 'disk'): void {
    if (this.#unfinished + bytes > this.#limits.unfinished || (place === 'memory' && !this.fits(bytes))) {
      throw new MlopsError('overloaded', 'too many large bodies are on their way to this server', {
        hint: 'try again in a moment',
        data: { retry_after: 5 },
      });
    }
    this.#unfinished += bytes;
    if (place === 'memory') this.#inMemory += bytes;
  }

  give(bytes: number, place: 'memory' | 'disk'): void {
    this.#unfinished -= bytes;
    if (place === 'memory') this.#inMemory -= bytes;
  }

  /** Waits, first come first served, until a finished body fits beside those that are being answered. */
  async hold(bytes: number, request: Ending): Promise<void> {
    const gone = (): MlopsError => new MlopsError('bad_request', 'the client went away');
    if (request.destroyed) throw gone();
    if (this.#waiting.length > 0 || !this.#hasRoom(bytes)) {
      await new Promise<void>((resolve, reject) => {
        const entry: Waiting = {
          bytes,
          start: () => {
            request.off('close', leave);
            resolve();
          },
        };
        const leave = (): void => {
          this.#waiting = this.#waiting.filter((one) => one !== entry);
          reject(gone());
          this.#startNext();
        };
        request.once('close', leave);
        this.#waiting.push(entry);
      });
    } else this.#held += bytes;
  }

  /** The answer to a held body was sent, or its client went away. */
  release(bytes: number): void {
    this.#held -= bytes;
    this.#startNext();
  }

  #startNext(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#hasRoom(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#held += next.bytes;
      next.start();
    }
  }

  /** One body alone always fits. */
  #hasRoom(bytes: number): boolean {
    return this.#held === 0 || this.#held + bytes <= this.#limits.held;
  }
}
