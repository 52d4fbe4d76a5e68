import type { PoolClient } from 'pg';

import { MlopsError } from '../../base/index.ts';
import { steps } from './schema.ts';

/** How long the tables are taken to be as they were when last looked at, in milliseconds. */
const staleness = 1000;

/**
 * Watches that this program still knows the tables of a database that others use, too: one of a newer version may
 * change them while this one runs. Looked at before work, at most once a second.
 */
export class Currency {
  readonly #shown: string;
  #lookedAt = -Infinity;
  #looking: Promise<void> | undefined;
  #trouble: MlopsError | undefined;

  /** @param shown the database, for messages. */
  constructor(shown: string) {
    this.#shown = shown;
  }

  /** @throws MlopsError `store_version` when the tables were changed in a way that this program cannot work with. */
  async check(client: PoolClient): Promise<void> {
    if (this.#fresh()) {
      if (this.#trouble !== undefined) throw this.#trouble;
      return;
    }
    this.#looking ??= this.#look(client).finally(() => (this.#looking = undefined));
    await this.#looking;
  }

  /** The next work looks again. */
  forget(): void {
    this.#lookedAt = -Infinity;
  }

  /** What was found lately. @throws MlopsError `store_version`. */
  checkLast(): void {
    // Work that is done every two seconds looks again; without any nobody has to be told.
    if (this.#trouble !== undefined && performance.now() - this.#lookedAt < 3 * staleness) throw this.#trouble;
  }

  #fresh(): boolean {
    return performance.now() - this.#lookedAt < staleness;
  }

  async #look(client: PoolClient): Promise<void> {
    const { rows } = await client.query('SELECT max(oldest) AS oldest FROM migrations');
    const { oldest } = rows[0] as { readonly oldest: number | null };
    this.#lookedAt = performance.now();
    this.#trouble = oldest !== null && oldest > steps.length ? tooOld(this.#shown, oldest) : undefined;
    if (this.#trouble !== undefined) throw this.#trouble;
  }
}

/** @param oldest steps of the schema that a program must know. */
export function tooOld(shown: string, oldest: number): MlopsError {
  return new MlopsError(
    'store_version',
    `'${shown}' needs a program that knows ${oldest} steps of its schema, this mlops knows ${steps.length}`,
    { hint: 'upgrade mlops (npm i -g mlops)', data: { retry_after: 5 } },
  );
}
