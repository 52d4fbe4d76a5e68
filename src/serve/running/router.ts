import { MlopsError } from '../../base/index.ts';
import type { Ledger } from './ledger.ts';
import type { Repository } from './repository.ts';
import type { ServedVersion } from './served-version.ts';
import type { VersionStats } from './stats.ts';

/** What a request says of the model it wants, without its body. */
export interface Target {
  readonly model: string | undefined;
  /** A version, stage or alias. */
  readonly version: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** One side of a rule that divides requests. */
export interface Arm {
  readonly name: string;
  readonly version: string;
}

/** The arm that a request for a model falls into, when it names no version; undefined: the default version answers. */
export type ChooseArm = (model: string, headers: Target['headers']) => Arm | undefined;

/**
 * The bond of one request to one version: that one answers, whatever is swapped or unloaded meanwhile, and stays in the
 * threads until the request lets go.
 */
export interface Lease {
  readonly version: ServedVersion;
  /** The name of the arm by which the version was chosen. */
  readonly arm: string | undefined;
  /** Where the request is counted. */
  readonly stats: VersionStats;
  /** To be called when the request is over, however it ended; more than once does no harm. */
  release(): void;
}

/** A version that was loaded may be pushed out of the memory budget before it is held. */
const mostTries = 5;

/** Binds each request to a version, once. */
export class Router {
  readonly #repository: Repository;
  readonly #ledger: Ledger;
  readonly #choose: ChooseArm | undefined;

  constructor(repository: Repository, ledger: Ledger, choose?: ChooseArm) {
    this.#repository = repository;
    this.#ledger = ledger;
    this.#choose = choose;
  }

  /**
   * The lease for a request; of a version that is loaded at once, not by promise.
   *
   * @throws MlopsError `model_not_found`, `model_not_ready`, `model_broken`, `model_not_servable`.
   */
  lease(target: Target): Lease | Promise<Lease> {
    const { name } = this.#repository.model(target.model).spec;
    const arm = target.version === undefined ? this.#choose?.(name, target.headers) : undefined;
    const wanted = arm?.version ?? target.version;
    const version = this.#repository.loaded(name, wanted);
    return (version === undefined ? undefined : this.#hold(version, arm)) ?? this.#load(name, wanted, arm);
  }

  /** The same where the version is there already; else undefined, also where there is nothing of the name. */
  leaseLoaded(target: Target): Lease | undefined {
    const model = this.#repository.find(target.model);
    if (model === undefined) return undefined;
    const { name } = model.spec;
    const arm = target.version === undefined ? this.#choose?.(name, target.headers) : undefined;
    const version = this.#repository.loaded(name, arm?.version ?? target.version);
    return version === undefined ? undefined : this.#hold(version, arm);
  }

  async #load(name: string, wanted: string | undefined, arm: Arm | undefined): Promise<Lease> {
    for (let tries = 0; tries < mostTries; tries++) {
      const lease = this.#hold(await this.#repository.version(name, wanted), arm);
      if (lease !== undefined) return lease;
    }
    throw new MlopsError('overloaded', `'${name}' is unloaded again and again to make room for other models`, {
      hint: 'try again in a moment, or start the server with a larger memory budget',
      data: { retry_after: 1 },
    });
  }

  #hold(version: ServedVersion, arm: Arm | undefined): Lease | undefined {
    if (!this.#repository.hold(version)) return undefined;
    const stats = this.#ledger.of(version.ref.name, version.ref.version, arm?.name);
    return new HeldLease(this.#repository, version, arm?.name, stats);
  }
}

class HeldLease implements Lease {
  readonly version: ServedVersion;
  readonly arm: string | undefined;
  readonly stats: VersionStats;
  readonly #repository: Repository;
  #held = true;

  constructor(repository: Repository, version: ServedVersion, arm: string | undefined, stats: VersionStats) {
    this.#repository = repository;
    this.version = version;
    this.arm = arm;
    this.stats = stats;
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#repository.letGo(this.version);
  }
}
