import type { Repository } from '../running/repository.ts';
import type { ServedModelSpec } from '../running/served-model.ts';
import type { ServedVersion } from '../running/served-version.ts';
import type { ServerSnapshot } from '../numbers/snapshot.ts';

/**
 * What concerns the server as a whole, however many processes it has: a change is made in all of them or in none, and
 * numbers are those of all together.
 */
export interface Control {
  /** Makes a version the default one: the given one, else what the source says now. A failure changes nothing. */
  load(name: string | undefined, selector?: string): Promise<ServedVersion>;
  unload(name: string, reason?: string): Promise<void>;
  /** Serves one more model of a source; `source` is its place among the server's `growing` sources. */
  add(name: string, source: number): Promise<void>;
  snapshot(): Promise<ServerSnapshot>;
}

/** The control of a server of one process. */
export class LocalControl implements Control {
  readonly #repository: Repository;
  readonly #growing: readonly ServedModelSpec['source'][];
  readonly #take: () => ServerSnapshot;

  constructor(repository: Repository, growing: readonly ServedModelSpec['source'][], take: () => ServerSnapshot) {
    this.#repository = repository;
    this.#growing = growing;
    this.#take = take;
  }

  load(name: string | undefined, selector?: string): Promise<ServedVersion> {
    return this.#repository.load(name, selector);
  }

  // What these throw has to reject, as between processes: that is what `async` is for.
  // oxlint-disable-next-line typescript/require-await
  async unload(name: string, reason?: string): Promise<void> {
    this.#repository.unload(name, reason);
  }

  // oxlint-disable-next-line typescript/require-await
  async add(name: string, source: number): Promise<void> {
    addFrom(this.#repository, this.#growing, name, source);
  }

  snapshot(): Promise<ServerSnapshot> {
    return Promise.resolve(this.#take());
  }
}

export function addFrom(
  repository: Repository,
  growing: readonly ServedModelSpec['source'][],
  name: string,
  at: number,
): void {
  const source = growing[at];
  if (source !== undefined && !repository.models.has(name)) repository.add({ name, source });
}
