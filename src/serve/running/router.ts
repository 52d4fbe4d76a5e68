import { MlopsError } from '../../base/index.ts';
import type { Arm } from '../traffic/live-rule.ts';
import type { Headers } from '../traffic/sticky.ts';
import type { Ledger } from './ledger.ts';
import type { Repository } from './repository.ts';
import type { ServedModel } from './served-model.ts';
import type { ServedVersion } from './served-version.ts';
import type { VersionStats } from './stats.ts';

/** What a request says of the model it wants, without its body. */
export interface Target {
  readonly model: string | undefined;
  /** A version, stage or alias. */
  readonly version: string | undefined;
  readonly headers: Headers;
}

/** Divides the requests for a model that name no version. */
export interface Traffic {
  /** Undefined: the default version answers. */
  choose(model: string, headers: Headers): Arm | undefined;
  /** Told of an arm whose version could not be loaded. */
  failed(model: string, arm: Arm, error: unknown): void;
}

/**
 * The bond of one request to one version: that one answers, whatever is swapped or unloaded meanwhile, and stays in the
 * threads until the request lets go.
 */
export interface Lease {
  readonly version: ServedVersion;
  /** By which the version was chosen. */
  readonly arm: Arm | undefined;
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
  readonly #traffic: Traffic | undefined;

  constructor(repository: Repository, ledger: Ledger, traffic?: Traffic) {
    this.#repository = repository;
    this.#ledger = ledger;
    this.#traffic = traffic;
  }

  /**
   * The lease for a request; of a version that is loaded at once, not by promise.
   *
   * @throws MlopsError `model_not_found`, `model_not_ready`, `model_broken`, `model_not_servable`.
   */
  lease(target: Target): Lease | Promise<Lease> {
    const model = this.#repository.model(target.model);
    const { name } = model.spec;
    const { arm, wanted } = this.#wanted(model, target);
    const version = this.#repository.loaded(name, wanted);
    return (version === undefined ? undefined : this.#hold(version, arm)) ?? this.#load(target, name, wanted, arm);
  }

  /** The same where the version is there already; else undefined, also where there is nothing of the name. */
  leaseLoaded(target: Target): Lease | undefined {
    const model = this.#repository.find(target.model);
    if (model === undefined) return undefined;
    const { arm, wanted } = this.#wanted(model, target);
    const version = this.#repository.loaded(model.spec.name, wanted);
    return version === undefined ? undefined : this.#hold(version, arm);
  }

  /** The version that a request asks for, by itself or by the rule under which it falls. */
  #wanted(
    { spec, state }: ServedModel,
    { version, headers }: Target,
  ): { arm?: Arm | undefined; wanted?: string | undefined } {
    const pinned = version ?? pinOf(headers);
    // One that was unloaded by request answers nothing by a rule either.
    if (pinned !== undefined || this.#traffic === undefined || state === 'UNAVAILABLE') return { wanted: pinned };
    const arm = this.#traffic.choose(spec.name, headers);
    return { arm, wanted: arm?.version };
  }

  /** The lease of a copy for an arm, where its version is loaded. */
  leaseArm(name: string, arm: Arm): Lease | undefined {
    const version = this.#repository.loaded(name, arm.version);
    return version === undefined ? undefined : this.#hold(version, arm);
  }

  async #load({ headers }: Target, name: string, wanted: string | undefined, arm: Arm | undefined): Promise<Lease> {
    for (let tries = 0; tries < mostTries; tries++) {
      const version = await this.#repository.version(name, wanted).catch((error: unknown) => {
        if (arm === undefined) throw error;
        this.#traffic?.failed(name, arm, error);
        return undefined;
      });
      // Its requests go to the other arms.
      if (version === undefined) return this.lease({ model: name, version: undefined, headers });
      const lease = this.#hold(version, arm);
      if (lease !== undefined) return lease;
    }
    throw new MlopsError('overloaded', `'${name}' is unloaded again and again to make room for other models`, {
      hint: 'try again in a moment, or start the server with a larger memory budget',
      data: { retry_after: 1 },
    });
  }

  #hold(version: ServedVersion, arm: Arm | undefined): Lease | undefined {
    if (!this.#repository.hold(version)) return undefined;
    const stats = this.#ledger.of(version.ref.name, version.ref.version, arm?.name, arm?.rule);
    return new HeldLease(this.#repository, version, arm, stats);
  }
}

/** Testers name a version in a header, whatever a rule says. */
function pinOf(headers: Headers): string | undefined {
  const pin = headers['x-model-version'];
  return typeof pin === 'string' && pin !== '' ? pin : undefined;
}

class HeldLease implements Lease {
  readonly version: ServedVersion;
  readonly arm: Arm | undefined;
  readonly stats: VersionStats;
  readonly #repository: Repository;
  #held = true;

  constructor(repository: Repository, version: ServedVersion, arm: Arm | undefined, stats: VersionStats) {
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
